// Package pipeline is what happens to a batch between decoding and disk.
//
// Goals:
//   - No single span, attribute or name can be of a size that hurts those who
//     store, index or show it, whatever a client sends and by whatever
//     protocol it came.
//   - Nothing is cut silently: what the protocol has a count for
//     (DroppedAttrs, DroppedEvents, DroppedLinks) is counted in the span, and
//     everything is counted by reason in [Stats].
//   - A batch within its limits, as nearly all are, costs one pass over its
//     lengths and no allocation.
//
// Each step is a method of [Pipeline] that changes the batch in place; Append
// calls the steps in order and hands the batch on.
package pipeline

import (
	"cmp"
	"context"
	"sync/atomic"

	"github.com/kiseki-dev/kiseki/telemetry"
)

// Options are the limits of a batch's parts. Zero means the default.
type Options struct {
	// Attrs is the number of attributes of a span, event, link, scope or
	// resource, by default 1024. Further ones are dropped and counted in
	// DroppedAttrs.
	Attrs int
	// ValueBytes is the size of an attribute's value, by default 64 KiB. A
	// longer string is cut at the end of a character, bytes are cut. Arrays and
	// maps keep the elements and entries that fit whole, in order; their size
	// is that of their encoding.
	ValueBytes int
	// KeyBytes is the size of an attribute's key, by default 1 KiB. An attribute
	// with a longer key is dropped like one too many: a key cut short would be
	// another key.
	KeyBytes int
	// Events and Links are the number of events and links of a span, by default
	// 1024 each. Further ones are dropped and counted in DroppedEvents and
	// DroppedLinks.
	Events, Links int
	// NameBytes is the size of names, status messages, trace states, versions
	// and schema URLs, by default 4 KiB. They are cut at the end of a character.
	NameBytes int
}

func (o Options) withDefaults() Options {
	o.Attrs = cmp.Or(o.Attrs, 1024)
	o.ValueBytes = cmp.Or(o.ValueBytes, 64<<10)
	o.KeyBytes = cmp.Or(o.KeyBytes, 1<<10)
	o.Events = cmp.Or(o.Events, 1024)
	o.Links = cmp.Or(o.Links, 1024)
	o.NameBytes = cmp.Or(o.NameBytes, 4<<10)
	return o
}

// Stats counts what limits did since the pipeline was made.
type Stats struct {
	DroppedAttrs    uint64 // attributes beyond Options.Attrs
	DroppedKeys     uint64 // attributes whose key is longer than Options.KeyBytes
	DroppedEvents   uint64 // events beyond Options.Events
	DroppedLinks    uint64 // links beyond Options.Links
	TruncatedValues uint64 // values cut to Options.ValueBytes
	TruncatedNames  uint64 // texts cut to Options.NameBytes
}

// Pipeline takes batches from receivers and hands them on. Its methods may be
// called from any goroutine.
type Pipeline struct {
	limits Options
	next   telemetry.AppendFunc
	stats  struct {
		droppedAttrs, droppedKeys, droppedEvents, droppedLinks, truncatedValues, truncatedNames atomic.Uint64
	}
}

// New makes a pipeline that ends in next.
func New(o Options, next telemetry.AppendFunc) *Pipeline {
	return &Pipeline{limits: o.withDefaults(), next: next}
}

// Append is a [telemetry.AppendFunc]: it changes the batch in place and
// passes it to the next one.
func (p *Pipeline) Append(ctx context.Context, b *telemetry.Batch) (telemetry.Outcome, error) {
	p.limit(b)
	return p.next(ctx, b)
}

// Stats is what was counted up to now. A batch is counted whether or not it
// could be stored afterwards, and again when its client sends it again.
func (p *Pipeline) Stats() Stats {
	return Stats{
		DroppedAttrs: p.stats.droppedAttrs.Load(), DroppedKeys: p.stats.droppedKeys.Load(),
		DroppedEvents: p.stats.droppedEvents.Load(), DroppedLinks: p.stats.droppedLinks.Load(),
		TruncatedValues: p.stats.truncatedValues.Load(), TruncatedNames: p.stats.truncatedNames.Load(),
	}
}
