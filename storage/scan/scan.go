// Package scan is what a reader may ask of stored spans: fields, predicates
// and the two interfaces that both the head (in memory) and the segments (on
// disk) implement. The query engine knows stored data only through it.
//
// Goals: a predicate is decided as far down as possible (per block summary,
// then per dictionary entry, then per row code, and only then per raw value),
// and a reader pays for the columns it names and no others.
package scan

import (
	"github.com/kiseki-dev/kiseki/telemetry"
)

// Scope says where a [Field] is looked up.
type Scope uint8

// The scopes of TraceQL. AnyAttr is the unscoped form ".key": the span's
// attribute, or where the span has none, the resource's.
const (
	ScopeIntrinsic Scope = iota
	ScopeSpan
	ScopeResource
	ScopeInstrumentation
	ScopeEvent
	ScopeLink
	ScopeAny
)

// Intrinsic is a field that every span has.
type Intrinsic uint8

// The intrinsics and the type of value they are compared as. The names are
// TraceQL's.
const (
	IntrinsicNone          Intrinsic = iota
	IntrinsicName                    // name: string
	IntrinsicKind                    // kind: int, a telemetry.Kind
	IntrinsicStatus                  // status: int, a telemetry.Status
	IntrinsicStatusMessage           // statusMessage: string
	IntrinsicDuration                // duration: int, nanoseconds
	IntrinsicStart                   // span start: int, Unix nanoseconds
	IntrinsicTraceID                 // trace:id: bytes, 16
	IntrinsicSpanID                  // span:id: bytes, 8
	IntrinsicParentID                // span:parentID: bytes, 8, zero for a root
	IntrinsicTraceState              // string
	IntrinsicScopeName               // instrumentation:name: string
	IntrinsicScopeVersion            // instrumentation:version: string
	IntrinsicEventName               // event:name: string; any event of the span
	IntrinsicEventTime               // event:timeSinceStart: int, nanoseconds; any event of the span
	IntrinsicLinkTraceID             // link:traceID: bytes, 16; any link of the span
	IntrinsicLinkSpanID              // link:spanID: bytes, 8; any link of the span
)

// Field names something a span has.
type Field struct {
	Scope     Scope
	Intrinsic Intrinsic // where Scope is ScopeIntrinsic
	Key       string    // the attribute key, for every other scope
}

// Rows is a struct of arrays filled by [Block.Rows]: element i of each wanted
// column belongs to row lo+i. Columns not wanted have length 0.
type Rows struct {
	TraceID  []telemetry.TraceID
	SpanID   []telemetry.SpanID
	ParentID []telemetry.SpanID
	Start    []uint64 // Unix nanoseconds
	Duration []uint64 // nanoseconds, see telemetry.Span.Duration
	Kind     []telemetry.Kind
	Status   []telemetry.Status
	Name     []string
	Service  []string // the resource's service.name, "" where it has none
}

// Columns is a set of columns of [Rows].
type Columns uint16

// One bit a column of [Rows].
const (
	ColTraceID Columns = 1 << iota
	ColSpanID
	ColParentID
	ColStart
	ColDuration
	ColKind
	ColStatus
	ColName
	ColService
)

// Codes is a field of a run of rows as numbers, filled by [Block.Codes].
type Codes struct {
	// Rows holds for each row 0 where it lacks the field, else 1 plus the
	// index of its value in Dict.
	Rows []uint32
	// Dict holds distinct values, or nearly so: a value may occur twice.
	Dict []telemetry.Value
	// Index and Table are the block's own: the codes of values met row by row,
	// and those of the entries of some table of the block.
	Index map[telemetry.Value]uint32
	Table []uint32
}

// Reset empties c for another block or field, keeping its memory.
func (c *Codes) Reset() {
	c.Rows, c.Dict, c.Table = c.Rows[:0], c.Dict[:0], c.Table[:0]
	clear(c.Index)
}

// Code is the code of v, which is added to the dictionary where it is new.
func (c *Codes) Code(v telemetry.Value) uint32 {
	code, ok := c.Index[v]
	if !ok {
		if c.Index == nil {
			c.Index = map[telemetry.Value]uint32{}
		}
		c.Dict = append(c.Dict, v)
		code = uint32(len(c.Dict))
		c.Index[v] = code
	}
	return code
}

// Resize makes c hold n rows, with codes of any value.
func (c *Codes) Resize(n int) {
	if cap(c.Rows) < n {
		c.Rows = make([]uint32, n)
	}
	c.Rows = c.Rows[:n]
}

// Trace is a trace as one block's source knows it: a piece of the whole,
// which may have further spans elsewhere.
type Trace struct {
	ID telemetry.TraceID
	// Start is the earliest span start among the source's spans of the trace.
	Start uint64
	// Lo and Hi are a run of rows of the block that belong to the trace and
	// include the row asked for: all of them in a segment, where a trace is
	// contiguous; that single row in the head.
	Lo, Hi int
}

// Block is a run of at most 64 Ki spans in one place, more only where one
// trace alone has more. A block is immutable,
// its methods may be called from any goroutine, and strings it hands out are
// valid until the snapshot it came from is released.
type Block interface {
	// Len is the number of rows.
	Len() int
	// Bounds are the earliest and the latest span start.
	Bounds() (min, max uint64)
	// NewestTrace is at least the Start of every Trace of the block: a reader
	// that wants the newest traces may stop before a block whose NewestTrace
	// is older than what it has.
	NewestTrace() uint64
	// Narrow clears in sel (of length Len) every row for which not all
	// predicates hold, which it decides in an order of its own. Rows already
	// clear stay clear and cost nothing. All predicates have the same Stop, and
	// either none has a Trail or each has one of its own.
	Narrow(all []Predicate, sel *Bitmap) error
	// Trace is the trace of a row.
	Trace(row int) (Trace, error)
	// Rows replaces dst with the wanted columns of rows [lo, hi), reusing
	// dst's memory.
	Rows(lo, hi int, want Columns, dst *Rows) error
	// Codes replaces dst's codes by those of rows [lo, hi) in a field that has
	// one value a span: no event's, no link's. dst's dictionary belongs to one
	// block and field: it may grow from call to call and nothing in it changes,
	// so a reader decides about each value once. dst is empty, or from an
	// earlier call with the same block and field.
	Codes(field Field, lo, hi int, dst *Codes) error
	// Spans appends rows [lo, hi) with everything they have to dst, with
	// resources and scopes deduplicated within one call at least.
	Spans(lo, hi int, dst *telemetry.Batch) error
}

// Tracer is a [Block] that can be asked for the traces of many rows at less
// cost.
type Tracer interface {
	// Tracer is as Block.Trace, for one goroutine and rows in ascending order.
	Tracer() (func(row int) (Trace, error), error)
}

// Operation is something a service does: a span name and kind.
type Operation struct {
	Service string
	Name    string
	Kind    telemetry.Kind
	Spans   uint64 // how many spans
	Errors  uint64 // how many of them have status error
}

// Key is an attribute key in use.
type Key struct {
	Scope Scope // ScopeSpan, ScopeResource, ScopeInstrumentation, ScopeEvent, ScopeLink
	Key   string
	Type  telemetry.ValueType // one Key per type where clients disagree
	Spans uint64              // how many spans carry it
}

// Source is a set of blocks with what is known about them together: one
// segment, or one generation of the head.
type Source interface {
	// Blocks are the source's blocks, oldest traces first in a segment.
	Blocks() []Block
	// SpanCount is the number of spans in all blocks.
	SpanCount() uint64
	// Bounds are the earliest and the latest span start; min > max if empty.
	Bounds() (min, max uint64)
	// Find calls f with every run of rows of the trace, none if absent.
	Find(id telemetry.TraceID, f func(b Block, lo, hi int) error) error
	// Operations calls f for each distinct service, name and kind.
	Operations(f func(Operation)) error
	// Keys calls f for each attribute key and type.
	Keys(f func(Key)) error
	// Values calls f for distinct string forms (telemetry's text for numbers
	// and bools; no bytes, arrays or maps) of a field that start with prefix,
	// with the number of spans that have it or 0 where that is not known,
	// until f returns false. A value may be reported more than once.
	Values(field Field, prefix string, f func(value string, spans uint64) bool) error
}

// Snapshot is the stored data at one moment. Its sources stay readable,
// whatever retention does, until Release.
type Snapshot interface {
	Sources() []Source
	// Release must be called once, after the last use of anything the
	// snapshot handed out.
	Release()
}

// Store is what readers need of a store.
type Store interface {
	Snapshot() Snapshot
}
