// Package telemetry is the vocabulary of kiseki: the types that travel from
// every decoder to the store and back to every reader. It depends on the
// standard library only, and every other package may depend on it.
//
// # The batch
//
// [Batch] is flat: spans, attributes, events, links, resources and scopes are
// slices of the batch, and a span holds [Range]s into them. Filling a reused
// batch allocates nothing once its slices have grown.
//
// Invariants every producer keeps and every consumer may rely on:
//   - Every Range lies within its slice, and the ranges of one batch do not
//     overlap.
//   - Span.Resource and Span.Scope index Batch.Resources and Batch.Scopes.
//   - Strings may alias memory that is not theirs (a request body, a WAL
//     record): a batch is valid only until the call it was handed to returns.
//     Whoever keeps a string beyond that copies it.
//   - All strings but those of type [ValueBytes], [ValueArray] and [ValueMap]
//     are valid UTF-8.
//
// Names are those of the OpenTelemetry protocol,
// https://opentelemetry.io/docs/specs/otlp/ (opentelemetry/proto/trace/v1).
package telemetry

import (
	"cmp"
	"slices"
)

// Range is the half-open interval [Start, End) of a slice of the batch.
type Range struct{ Start, End uint32 }

// Len is the number of elements in r.
func (r Range) Len() int { return int(r.End - r.Start) }

// Kind is the role of a span in a remote call, with OTLP's numbering.
type Kind uint8

// The span kinds of OTLP's Span.SpanKind.
const (
	KindUnspecified Kind = iota
	KindInternal
	KindServer
	KindClient
	KindProducer
	KindConsumer
)

var kindNames = [...]string{"unspecified", "internal", "server", "client", "producer", "consumer"}

// String is the kind's name as TraceQL spells it.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "unspecified"
}

// ParseKind is the inverse of [Kind.String].
func ParseKind(s string) (Kind, bool) {
	for i, n := range kindNames {
		if n == s {
			return Kind(i), true
		}
	}
	return 0, false
}

// Status is a span's status code, with OTLP's numbering.
type Status uint8

// The codes of OTLP's Status.StatusCode.
const (
	StatusUnset Status = iota
	StatusOK
	StatusError
)

var statusNames = [...]string{"unset", "ok", "error"}

// String is the status's name as TraceQL spells it.
func (s Status) String() string {
	if int(s) < len(statusNames) {
		return statusNames[s]
	}
	return "unset"
}

// ParseStatus is the inverse of [Status.String].
func ParseStatus(s string) (Status, bool) {
	for i, n := range statusNames {
		if n == s {
			return Status(i), true
		}
	}
	return 0, false
}

// Attr is one attribute. A key occurs at most once in a well-formed
// attribute list; where a client repeats one, all occurrences are kept in
// order and readers use the first.
type Attr struct {
	Key   string
	Value Value
}

// Resource is what produced telemetry: a process, a pod, a function.
type Resource struct {
	Attrs        Range // into Batch.Attrs
	DroppedAttrs uint32
	SchemaURL    string // of the ResourceSpans message
}

// Scope is the instrumentation scope (library) that recorded spans.
type Scope struct {
	Name, Version string
	Attrs         Range // into Batch.Attrs
	DroppedAttrs  uint32
	SchemaURL     string // of the ScopeSpans message
}

// Event is a timed annotation of a span.
type Event struct {
	Time         uint64 // Unix nanoseconds
	Name         string
	Attrs        Range // into Batch.Attrs
	DroppedAttrs uint32
}

// Link points from a span to another span, of this trace or another one.
type Link struct {
	TraceID      TraceID
	SpanID       SpanID
	TraceState   string
	Attrs        Range // into Batch.Attrs
	DroppedAttrs uint32
	Flags        uint32 // W3C trace flags and OTLP's context-is-remote bits
}

// Span is one span. Times are Unix nanoseconds exactly as received: End may
// be before Start, or zero.
type Span struct {
	TraceID       TraceID
	SpanID        SpanID
	ParentID      SpanID // zero for a root span
	Start, End    uint64
	Name          string
	TraceState    string // W3C tracestate header, as received
	StatusMessage string
	Flags         uint32 // W3C trace flags and OTLP's context-is-remote bits
	Kind          Kind
	Status        Status
	Resource      uint32 // index into Batch.Resources
	Scope         uint32 // index into Batch.Scopes
	Attrs         Range  // into Batch.Attrs
	Events        Range  // into Batch.Events
	Links         Range  // into Batch.Links
	DroppedAttrs  uint32
	DroppedEvents uint32
	DroppedLinks  uint32
}

// Duration is End - Start in nanoseconds, or 0 if the span ends before it
// starts or has no end.
func (s *Span) Duration() uint64 {
	if s.End <= s.Start {
		return 0
	}
	return s.End - s.Start
}

// Batch is a set of spans with all that they refer to. See the package
// comment for its invariants. The zero Batch is empty and ready to use.
type Batch struct {
	Resources []Resource
	Scopes    []Scope
	Spans     []Span
	Events    []Event
	Links     []Link
	Attrs     []Attr
}

// Reset empties b and keeps its memory.
func (b *Batch) Reset() {
	b.Resources = b.Resources[:0]
	b.Scopes = b.Scopes[:0]
	b.Spans = b.Spans[:0]
	b.Events = b.Events[:0]
	b.Links = b.Links[:0]
	b.Attrs = b.Attrs[:0]
}

// Grouped is the indices of the spans by resource and scope, as OTLP's messages
// nest them; within a group spans keep their order.
func (b *Batch) Grouped() []uint32 {
	order := make([]uint32, len(b.Spans))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortStableFunc(order, func(i, j uint32) int {
		x, y := &b.Spans[i], &b.Spans[j]
		return cmp.Or(cmp.Compare(x.Resource, y.Resource), cmp.Compare(x.Scope, y.Scope))
	})
	return order
}

// AttrsOf returns the attributes of r; the slice belongs to the batch.
func (b *Batch) AttrsOf(r Range) []Attr { return b.Attrs[r.Start:r.End:r.End] }

// EventsOf returns the events of s; the slice belongs to the batch.
func (b *Batch) EventsOf(s *Span) []Event { return b.Events[s.Events.Start:s.Events.End:s.Events.End] }

// LinksOf returns the links of s; the slice belongs to the batch.
func (b *Batch) LinksOf(s *Span) []Link { return b.Links[s.Links.Start:s.Links.End:s.Links.End] }

// Lookup returns the first attribute of r with the given key.
func (b *Batch) Lookup(r Range, key string) (Value, bool) {
	for i := r.Start; i < r.End; i++ {
		if b.Attrs[i].Key == key {
			return b.Attrs[i].Value, true
		}
	}
	return Value{}, false
}

// ServiceNameKey is the resource attribute that names a service,
// https://opentelemetry.io/docs/specs/semconv/resource/#service.
const ServiceNameKey = "service.name"

// ServiceName is the service.name of resource i, or "" where it has none or
// it is not a string.
func (b *Batch) ServiceName(i uint32) string {
	v, ok := b.Lookup(b.Resources[i].Attrs, ServiceNameKey)
	if !ok || v.Type() != ValueString {
		return ""
	}
	return v.Str()
}
