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
