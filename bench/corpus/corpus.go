// Package corpus makes the spans of a web shop, the same ones for the same
// seed, for tests, benchmarks and load.
//
// Goals: spans that are as hard to store and to search as real ones, made
// faster than any store takes them, with the amount of information in them
// known. The shop has 12 services in 73 pods; an endpoint's traces resemble
// each other and have 5 to 60 spans; a resource has 15 attributes and a span
// about 10, most of them with few values and some (ids, paths, SQL with
// literals) with many; users and products follow Zipf's law, latencies are
// log-normal, and about 3 % of the spans fail with a stack trace. A span is
// about 480 bytes of OTLP protobuf.
//
// Every random draw is accounted for, so [Generator.Entropy] is the size below
// which no store can go without losing data.
package corpus

import (
	"time"

	"github.com/kiseki-dev/kiseki/telemetry"
)

// Options say what is made. The zero Options are complete.
type Options struct {
	Seed uint64
	// Start is when the first trace starts; zero is 2026-01-01 00:00 UTC.
	Start time.Time
	// TracesPerSecond is the mean rate of the Poisson process that starts
	// traces; zero is 100.
	TracesPerSecond float64
}

// Generator makes spans. It is not safe for concurrent use.
type Generator struct {
	draw     draws
	shop     *shop
	pods     []*pod
	interval float64 // mean nanoseconds between two traces
	now      uint64  // start of the latest trace, Unix nanoseconds
	orders   uint64  // order numbers are given out in sequence
	spans    int
	ids      []telemetry.TraceID
	text     []byte // scratch of text templates
	enc      encoder
}

// pod is a process with the spans it has not sent yet, in the order in which
// they ended.
type pod struct {
	service int
	attrs   []telemetry.Attr
	pending telemetry.Batch
	scopes  [scopeCount]int32 // index+1 in pending.Scopes, 0 where unused
}

// New makes a generator.
func New(o Options) *Generator {
	if o.Start.IsZero() {
		o.Start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	if o.TracesPerSecond == 0 {
		o.TracesPerSecond = 100
	}
	g := &Generator{
		draw:     newDraws(o.Seed),
		shop:     newShop(),
		interval: float64(time.Second) / o.TracesPerSecond,
		now:      uint64(o.Start.UnixNano()),
		orders:   48_000_000,
	}
	g.pods = g.makePods()
	return g
}

// Batch replaces dst by at least the given number of spans, and all of each
// of their traces: the spans pods had not sent yet, then new traces. The spans
// are grouped by pod, so a trace's are spread over the batch. Strings in dst
// stay valid.
func (g *Generator) Batch(dst *telemetry.Batch, spans int) {
	have := 0
	for _, p := range g.pods {
		have += len(p.pending.Spans)
	}
	for have < spans {
		before := g.spans
		g.trace()
		have += g.spans - before
	}
	dst.Reset()
	for _, p := range g.pods {
		if len(p.pending.Spans) > 0 {
			p.appendTo(dst)
			p.reset()
		}
	}
}

// OTLP appends to dst one ExportTraceServiceRequest (protobuf) as an exporter
// in a pod would send it: at least the given number of spans, all of one pod,
// in the order in which they ended. A trace's other spans come in other
// requests.
func (g *Generator) OTLP(dst []byte, spans int) []byte {
	for {
		for _, p := range g.pods {
			if len(p.pending.Spans) >= max(spans, 1) {
				return g.send(dst, p)
			}
		}
		g.trace()
	}
}

// Flush appends to dst one request with all that some pod has not sent yet,
// and nothing where no pod has spans left. Calling it until then completes
// all traces.
func (g *Generator) Flush(dst []byte) []byte {
	for _, p := range g.pods {
		if len(p.pending.Spans) > 0 {
			return g.send(dst, p)
		}
	}
	return dst
}

func (g *Generator) send(dst []byte, p *pod) []byte {
	dst = g.enc.request(dst, &p.pending)
	p.reset()
	return dst
}

// IDs are the traces made so far, oldest first; the slice is the generator's.
func (g *Generator) IDs() []telemetry.TraceID { return g.ids }

// Spans is the number of spans made so far, including those not yet sent.
func (g *Generator) Spans() int { return g.spans }

// Entropy is the mean information in a span so far: what an ideal coder that
// knows this package and all its distributions would need. It is a floor no
// store can reach; times are counted to the nanosecond, and a few draws that
// can give the same text are counted in full.
func (g *Generator) Entropy() Entropy {
	share := 1 / 8. / float64(max(g.spans, 1))
	return Entropy{IDs: g.draw.ids * share, Times: g.draw.times * share, Content: g.draw.choice * share}
}

// Entropy is information in a span, in bytes.
type Entropy struct {
	IDs     float64 `json:"ids"`     // its span ID and its share of the trace ID
	Times   float64 `json:"times"`   // start, duration and the times of events
	Content float64 `json:"content"` // all else: the shape of the trace, names, attributes
}

// Total is the sum of all parts.
func (e Entropy) Total() float64 { return e.IDs + e.Times + e.Content }

// scope is the index in p.pending of an instrumentation scope.
func (p *pod) scope(s *shop, kind scopeKind) uint32 {
	if p.scopes[kind] == 0 {
		lib := s.services[p.service].language.scopes[kind]
		p.pending.Scopes = append(p.pending.Scopes, telemetry.Scope{Name: lib.name, Version: lib.version})
		p.scopes[kind] = int32(len(p.pending.Scopes))
	}
	return uint32(p.scopes[kind] - 1)
}

// reset empties the pending batch but for the pod's resource.
func (p *pod) reset() {
	b := &p.pending
	b.Reset()
	b.Attrs = append(b.Attrs, p.attrs...)
	b.Resources = append(b.Resources, telemetry.Resource{
		Attrs:     telemetry.Range{End: uint32(len(p.attrs))},
		SchemaURL: schemaURL,
	})
	p.scopes = [scopeCount]int32{}
}

// appendTo appends the pending batch to dst.
func (p *pod) appendTo(dst *telemetry.Batch) {
	b := &p.pending
	attrs, events := uint32(len(dst.Attrs)), uint32(len(dst.Events))
	resource, scope := uint32(len(dst.Resources)), uint32(len(dst.Scopes))
	move := func(r telemetry.Range, by uint32) telemetry.Range {
		return telemetry.Range{Start: r.Start + by, End: r.End + by}
	}
	for _, r := range b.Resources {
		r.Attrs = move(r.Attrs, attrs)
		dst.Resources = append(dst.Resources, r)
	}
	dst.Scopes = append(dst.Scopes, b.Scopes...)
	for _, e := range b.Events {
		e.Attrs = move(e.Attrs, attrs)
		dst.Events = append(dst.Events, e)
	}
	for _, s := range b.Spans {
		s.Attrs, s.Events = move(s.Attrs, attrs), move(s.Events, events)
		s.Resource += resource
		s.Scope += scope
		dst.Spans = append(dst.Spans, s)
	}
	dst.Attrs = append(dst.Attrs, b.Attrs...)
}
