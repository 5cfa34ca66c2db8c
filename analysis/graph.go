package analysis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// NodeKind says what a node of a [Graph] is.
type NodeKind uint8

// The kinds of nodes. All but services are known from their callers' spans
// alone.
const (
	NodeService   NodeKind = iota // it sends spans
	NodeDatabase                  // named by db.namespace, or else by peer.service, server.address, db.system.name
	NodeMessaging                 // a queue or topic, named by messaging.destination.name, or else as a database
	NodeExternal                  // named by peer.service or server.address
)

var nodeKindNames = [...]string{"service", "database", "messaging", "external"}

// String is the kind's name.
func (k NodeKind) String() string { return nodeKindNames[k] }

// nodeID tells nodes apart.
type nodeID struct {
	kind         NodeKind
	system, name string
}

// edgeID tells edges apart.
type edgeID struct {
	client    string
	server    nodeID
	messaging bool
}

// Counts are of what was sampled: a span that was kept with probability p
// stands for 1/p, a whole number on the average of traces.

// Node is a service, or something that services call.
type Node struct {
	Kind   NodeKind
	System string // db.system.name or messaging.system, "" where it is not known or there is none
	Name   string // of a service, "" where its spans do not say
	// Of a service: its spans, how many of them failed, and how many of kind
	// server or consumer have no caller in the graph. 0 for other nodes.
	Spans, Errors, Entries uint64
}

// Edge is the calls of a service to a node, messages apart from the rest.
type Edge struct {
	Client, Server string // the names of the nodes; Client is a service
	ServerKind     NodeKind
	ServerSystem   string
	Messaging      bool   // a call is a message
	Calls          uint64 // an answer each, or a call without one
	Errors         uint64 // calls of which the caller's or the callee's span failed
	First, Last    uint64 // the earliest and the latest start of a call
	// What the callers and the callees measured; Count is how many did.
	ClientLatency, ServerLatency Latency
}

// Graph is which services call which.
type Graph struct {
	Nodes  []Node // services first, by kind and name
	Edges  []Edge // by client and server
	Traces uint64 // how many it is made of, as they are stored
	// Unknown is calls without an answer whose spans do not say whom they
	// called. They are in no edge.
	Unknown uint64
	Stats   exec.Stats
}

// ServiceGraph is the graph of the traces that q has a result in: of their
// calls that started within [q.Start, q.End), so that the graphs of two
// intervals add up to that of both.
//
// The answer to a call is a span below the caller's of another service, or one
// of kind server below client. What a consumer's span links to is a message to
// it. A call of kind client or producer that no span answered goes to the node
// that its attributes name.
func ServiceGraph(ctx context.Context, snap scan.Snapshot, q *plan.Search, limits exec.Limits) (*Graph, error) {
	begin := func() *grapher { return newGrapher(q, limits) }
	all, stats, err := exec.Traces(ctx, snap, q, limits, begin, (*grapher).add)
	if err != nil {
		return nil, fmt.Errorf("make service graph: %w", err)
	}
	sum := all[0]
	for _, g := range all[1:] {
		sum.merge(g)
	}
	sum.settle()
	return sum.graph(stats, limits), nil
}

// grapher adds up the calls of traces. It belongs to one goroutine.
type grapher struct {
	caller
	links
	start, end     uint64
	most           int // nodes, and edges
	full           bool
	nodes          map[nodeID]*Node
	edges          map[edgeID]*edge
	traces, lonely uint64
	damage         error
	hasCaller      []bool // by span of the trace at hand
}

type edge struct {
	calls, errors, first, last uint64
	client, server             histogram
}

func newGrapher(q *plan.Search, limits exec.Limits) *grapher {
	return &grapher{
		start: q.Start, end: q.End, most: limits.Groups, nodes: map[nodeID]*Node{}, edges: map[edgeID]*edge{}, links: newLinks(limits.Traces),
	}
}

func (g *grapher) within(start uint64) bool {
	return start >= g.start && (start < g.end || g.end == plan.All)
}

func (g *grapher) add(t *exec.WholeTrace) error {
	g.traces++
	g.hasCaller = reset(g.hasCaller, len(t.Spans))
	unknown, err := g.calls(t, func(c call) {
		if c.to >= 0 {
			g.hasCaller[c.to] = true
		}
		if !g.within(c.start) {
			return
		}
		s := see(c.edgeID, c.start, spanAt(t, c.from), spanAt(t, c.to))
		if c.message && g.produce(message{t.ID, t.Spans[c.from].ID}, s) {
			return
		}
		g.count(s)
	})
	g.lonely += unknown
	g.damage = errors.Join(g.damage, err, g.consumers(t))
	for i := range t.Spans {
		g.span(&t.Spans[i], g.hasCaller[i])
	}
	return nil
}

func spanAt(t *exec.WholeTrace, i int32) *exec.TraceSpan {
	if i < 0 {
		return nil
	}
	return &t.Spans[i]
}

// consumers adds the messages that spans of kind consumer link to.
func (g *grapher) consumers(t *exec.WholeTrace) error {
	for i := range t.Spans {
		s := &t.Spans[i]
		if s.Kind != telemetry.KindConsumer || g.hasCaller[i] || !g.within(s.Start) {
			continue
		}
		links, err := t.Links(i)
		if err != nil {
			return err
		}
		for _, l := range links {
			from := g.linked(t, l)
			if from == nil || from.Kind != telemetry.KindProducer {
				continue
			}
			g.hasCaller[i] = true
			to := edgeID{from.Service, nodeID{name: s.Service}, true}
			g.hear(hearing{message{l.TraceID, l.SpanID}, s.Service}, see(to, s.Start, from, s))
		}
	}
	return nil
}

// span counts a span to its service.
func (g *grapher) span(s *exec.TraceSpan, called bool) {
	if !g.within(s.Start) {
		return
	}
	n := g.node(nodeID{name: s.Service})
	if n == nil {
		return
	}
	n.Spans += s.Weight
	if s.Status == telemetry.StatusError {
		n.Errors += s.Weight
	}
	if !called && (s.Kind == telemetry.KindServer || s.Kind == telemetry.KindConsumer) {
		n.Entries += s.Weight
	}
}

// node is nil beyond the limit.
func (g *grapher) node(id nodeID) *Node {
	n := g.nodes[id]
	if n == nil {
		if len(g.nodes) >= g.most {
			g.full = true
			return nil
		}
		n = &Node{Kind: id.kind, System: id.system, Name: id.name}
		g.nodes[id] = n
	}
	return n
}

// edge is nil beyond the limit. Both its nodes exist.
func (g *grapher) edge(id edgeID) *edge {
	e := g.edges[id]
	if e == nil {
		if len(g.edges) >= g.most || g.node(nodeID{name: id.client}) == nil || g.node(id.server) == nil {
			g.full = true
			return nil
		}
		e = &edge{first: plan.All}
		g.edges[id] = e
	}
	return e
}

// count adds a call.
func (g *grapher) count(s sighting) {
	e := g.edge(s.edgeID)
	if e == nil {
		return
	}
	e.calls += s.weight
	e.first, e.last = min(e.first, s.start), max(e.last, s.start)
	if s.hasFrom {
		e.client.add(s.from, s.weight)
	}
	if s.hasTo {
		e.server.add(s.to, s.weight)
	}
	if s.failed {
		e.errors += s.weight
	}
}

func (e *edge) merge(o *edge) {
	e.calls += o.calls
	e.errors += o.errors
	e.first, e.last = min(e.first, o.first), max(e.last, o.last)
	e.client.merge(&o.client)
	e.server.merge(&o.server)
}

// merge adds what other holds.
func (g *grapher) merge(other *grapher) {
	g.traces += other.traces
	g.lonely += other.lonely
	g.full = g.full || other.full
	g.damage = errors.Join(g.damage, other.damage)
	for id, from := range other.nodes {
		if n := g.node(id); n != nil {
			n.Spans += from.Spans
			n.Errors += from.Errors
			n.Entries += from.Entries
		}
	}
	for id, from := range other.edges {
		if e := g.edge(id); e != nil {
			e.merge(from)
		}
	}
	g.mergeLinks(&other.links)
}

// settle decides what only all traces together tell: which messages nobody
// was seen to consume, and which external nodes are services.
func (g *grapher) settle() {
	for _, s := range g.settled() {
		g.count(s)
	}
	for id, from := range g.edges {
		service := nodeID{name: id.server.name}
		if id.server.kind != NodeExternal || g.nodes[service] == nil {
			continue
		}
		delete(g.edges, id)
		delete(g.nodes, id.server)
		id.server = service
		if e := g.edge(id); e != nil {
			e.merge(from)
		}
	}
}

func (g *grapher) graph(stats exec.Stats, limits exec.Limits) *Graph {
	out := &Graph{Traces: g.traces, Unknown: g.lonely, Stats: stats}
	if g.full {
		out.Stats.Limit(fmt.Sprintf("there are more than %d nodes or edges", limits.Groups))
	}
	if g.links.full {
		out.Stats.Limit(fmt.Sprintf("there are more than %d messages", limits.Traces))
	}
	out.Stats.Damaged(g.damage)
	for _, n := range g.nodes {
		out.Nodes = append(out.Nodes, *n)
	}
	slices.SortFunc(out.Nodes, func(a, b Node) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name), cmp.Compare(a.System, b.System))
	})
	for id, e := range g.edges {
		out.Edges = append(out.Edges, Edge{
			Client: id.client, Server: id.server.name, ServerKind: id.server.kind, ServerSystem: id.server.system, Messaging: id.messaging,
			Calls: e.calls, Errors: e.errors, First: e.first, Last: e.last, ClientLatency: e.client.latency(), ServerLatency: e.server.latency(),
		})
	}
	slices.SortFunc(out.Edges, compareEdges)
	return out
}

func compareEdges(a, b Edge) int {
	messaging := func(e Edge) int {
		if e.Messaging {
			return 1
		}
		return 0
	}
	return cmp.Or(
		cmp.Compare(a.Client, b.Client), cmp.Compare(a.Server, b.Server), cmp.Compare(a.ServerKind, b.ServerKind),
		cmp.Compare(a.ServerSystem, b.ServerSystem), messaging(a)-messaging(b),
	)
}
