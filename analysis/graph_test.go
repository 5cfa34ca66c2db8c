package analysis_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kiseki-dev/kiseki/analysis"
	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/storage/scan"
)

func noOptions(t *testing.T) func(string, string) {
	return func(option, _ string) { t.Fatalf("unknown option %s", option) }
}

// graphAnswer has a line a node and an edge: of a service its spans, errors
// and entries; of an edge calls, errors, the first and the last, and how long
// the caller and the callee took.
func graphAnswer(t *testing.T, store scan.Store, text string) string {
	g, err := analysis.ServiceGraph(t.Context(), store.Snapshot(), search(t, text, noOptions(t)), exec.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	lines := []string{fmt.Sprintf("%d traces, %d calls to nobody known", g.Traces, g.Unknown)}
	for _, n := range g.Nodes {
		line := n.Kind.String() + " " + n.Name
		if n.System != "" {
			line += " (" + n.System + ")"
		}
		if n.Kind == analysis.NodeService {
			line += fmt.Sprintf(": %d spans, %d errors, %d entries", n.Spans, n.Errors, n.Entries)
		}
		lines = append(lines, line)
	}
	for _, e := range g.Edges {
		arrow := "→"
		if e.Messaging {
			arrow = "⇢"
		}
		lines = append(lines, fmt.Sprintf("%s %s %s: %d calls, %d errors, %s to %s, %s, %s",
			e.Client, arrow, e.Server, e.Calls, e.Errors, at(e.First), at(e.Last), latency(e.ClientLatency), latency(e.ServerLatency)))
	}
	return strings.Join(lines, "\n")
}

func latency(l analysis.Latency) string {
	if l.Count == 0 {
		return "unknown"
	}
	return fmt.Sprintf("%s–%s ms", ms(l.Min), ms(l.Max))
}

// changesAnswer has a line an edge: its calls and errors in both graphs.
func changesAnswer(t *testing.T, store scan.Store, text string) string {
	ask := func(options string) *analysis.Graph {
		g, err := analysis.ServiceGraph(t.Context(), store.Snapshot(), search(t, "; "+options, noOptions(t)), exec.DefaultLimits)
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	before, after := ask("to "+text), ask("from "+text)
	added, removed := analysis.ChangedServices(before, after)
	lines := []string{fmt.Sprintf("services added %q, removed %q", added, removed)}
	for _, c := range analysis.Changes(before, after) {
		line := fmt.Sprintf("%s → %s: %d calls (%d errors), then %d (%d)",
			c.Before.Client, c.After.Server, c.Before.Calls, c.Before.Errors, c.After.Calls, c.After.Errors)
		switch {
		case c.Added():
			line += ", added"
		case c.Removed():
			line += ", removed"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func servicePaths(t *testing.T, store scan.Store, text string) *analysis.ServicePaths {
	p, err := analysis.Paths(t.Context(), store.Snapshot(), search(t, text, noOptions(t)), exec.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// pathsAnswer has a line a chain.
func pathsAnswer(t *testing.T, store scan.Store, text string) string {
	p := servicePaths(t, store, text)
	lines := []string{fmt.Sprintf("%d traces", p.Traces)}
	for i, n := range p.Nodes {
		lines = append(lines, fmt.Sprintf("%s: %d calls, %d errors, in %d traces, the end in %d",
			strings.Join(p.Chain(i), " → "), n.Calls, n.Errors, n.Traces, n.Ends))
	}
	return strings.Join(lines, "\n")
}

// aroundAnswer has a line for each service above and below one.
func aroundAnswer(t *testing.T, store scan.Store, service string) string {
	var lines []string
	up, down := servicePaths(t, store, "").Around(service)
	for _, r := range up {
		lines = append(lines, fmt.Sprintf("up %d %s: %d calls", r.Depth, r.Service, r.Calls))
	}
	for _, r := range down {
		lines = append(lines, fmt.Sprintf("down %d %s: %d calls", r.Depth, r.Service, r.Calls))
	}
	return strings.Join(lines, "\n")
}
