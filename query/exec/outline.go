package exec

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// Outline is a whole trace without what its spans carry. A trace of a million
// spans takes some 200 MB while it is read; with attributes it would be
// gigabytes. Strings are valid until the snapshot is released.
type Outline struct {
	// Spans are parents first, each followed by all that is below it, siblings
	// by start. Weights are not read.
	Spans  []TraceSpan
	Parent []int32 // for each span the index of its parent, or -1
	Stats  Stats

	run   *run
	rows  []outlineRow // by span
	codes codeRuns
}

// outlineRow is where a span is stored.
type outlineRow struct {
	block scan.Block
	row   int32
}

// outlineRows are read at once: so many rows as columns are a few MB.
const outlineRows = 1 << 16

// CountSpans is how many spans of a trace are stored, copies included, up to
// the limit on spans.
func CountSpans(ctx context.Context, snap scan.Snapshot, id telemetry.TraceID, limits Limits) int {
	r := start(ctx, snap, limits)
	defer r.release()
	return spansOf(r.find(id))
}

// ReadOutline reads a trace from all sources; it has no spans if there is none.
func ReadOutline(ctx context.Context, snap scan.Snapshot, id telemetry.TraceID, limits Limits) (*Outline, error) {
	r := start(ctx, snap, limits)
	defer r.release()
	pieces := r.find(id)
	r.stats.ScannedSpans += uint64(spansOf(pieces))
	r.stats.ScannedBlocks = blocksOf(pieces)
	o := &Outline{run: r}
	if err := o.read(pieces); err != nil {
		return nil, err
	}
	byStart := o.distinct()
	o.arrange(byStart, parents(len(o.Spans), byStart, func(i int32) link {
		s := &o.Spans[i]
		return link{s.ID, s.Parent, s.Kind}
	}))
	if r.ctx.Err() != nil {
		return nil, context.Cause(r.ctx)
	}
	r.matchedSpans, r.matchedTraces = uint64(len(o.Spans)), min(uint64(len(o.Spans)), 1)
	o.Stats = r.finish()
	return o, nil
}

// read appends the spans of the pieces. What cannot be read is left out, and
// so is all that is left when time runs out.
func (o *Outline) read(pieces []piece) error {
	n := spansOf(pieces)
	o.Spans, o.rows = make([]TraceSpan, 0, n), make([]outlineRow, 0, n)
	var rows scan.Rows
	for _, p := range pieces {
		for lo := p.lo; lo < p.hi; lo += outlineRows {
			if ok, err := o.run.more(); !ok {
				return err
			}
			if err := p.block.Rows(lo, min(p.hi, lo+outlineRows), summaryColumns, &rows); err != nil {
				o.run.damaged("read rows", err)
				continue
			}
			for i := range rows.SpanID {
				o.Spans = append(o.Spans, TraceSpan{
					ID: rows.SpanID[i], Parent: rows.ParentID[i], Start: rows.Start[i], Duration: rows.Duration[i],
					Kind: rows.Kind[i], Status: rows.Status[i], Name: rows.Name[i], Service: rows.Service[i], Weight: 1,
				})
				o.rows = append(o.rows, outlineRow{p.block, int32(lo + i)})
			}
		}
	}
	return nil
}

// distinct is the spans by start, without those that repeat another in every
// field: such are neighbours in this order, and equal in all that was read.
func (o *Outline) distinct() []int32 {
	type place struct { // what is compared lies together: of a million spans that is half the time
		start uint64
		i     int32
	}
	order := make([]place, len(o.Spans))
	for i := range order {
		order[i] = place{o.Spans[i].Start, int32(i)}
	}
	slices.SortFunc(order, func(a, b place) int {
		if c := cmp.Compare(a.start, b.start); c != 0 {
			return c
		}
		return compareTraceSpans(&o.Spans[a.i], &o.Spans[b.i])
	})
	out := make([]int32, 0, len(order))
	var first int32 // of a run of equal spans
	seen := map[string]struct{}{}
	for k, at := range order {
		i := at.i
		if k == 0 || o.Spans[i] != o.Spans[first] {
			first = i
			clear(seen)
			out = append(out, i)
			continue
		}
		if len(seen) == 0 {
			seen[o.content(first)] = struct{}{}
		}
		text := o.content(i)
		if _, again := seen[text]; !again {
			seen[text] = struct{}{}
			out = append(out, i)
		}
	}
	return o.upToDate(out)
}

// upToDate is spans without the outdated ones. What has a duration has an end.
func (o *Outline) upToDate(spans []int32) []int32 {
	first := map[telemetry.SpanID]int32{} // with each ID; -1: not met yet
	for _, i := range spans {
		if o.Spans[i].Duration == 0 {
			first[o.Spans[i].ID] = -1
		}
	}
	if len(first) == 0 {
		return spans
	}
	same := map[telemetry.SpanID][]int32{} // of those that are several
	for _, i := range spans {
		id := o.Spans[i].ID
		if at, ok := first[id]; ok && at < 0 {
			first[id] = i
		} else if ok {
			if same[id] == nil {
				same[id] = append(same[id], at)
			}
			same[id] = append(same[id], i)
		}
	}
	outdated := map[int32]bool{}
	for _, all := range same {
		o.markOutdated(all, outdated)
	}
	return slices.DeleteFunc(spans, func(i int32) bool { return outdated[i] })
}

// markOutdated marks those of the spans of one ID that are outdated, unless they
// cannot be read.
func (o *Outline) markOutdated(same []int32, outdated map[int32]bool) {
	var b telemetry.Batch
	rows := make([]int, len(same))
	for k, i := range same {
		at := o.rows[i]
		if err := at.block.Spans(int(at.row), int(at.row)+1, &b); err != nil {
			o.run.damaged("read spans", err)
			return
		}
		rows[k] = k
	}
	for _, k := range b.Outdated(rows) {
		outdated[same[k]] = true
	}
}

// content is all that a span says, or "" where that cannot be read.
func (o *Outline) content(i int32) string {
	var b telemetry.Batch
	at := o.rows[i]
	if err := at.block.Spans(int(at.row), int(at.row)+1, &b); err != nil {
		o.run.damaged("read spans", err)
		return ""
	}
	return string(appendContent(nil, &b, &b.Spans[0]))
}

// compareTraceSpans orders siblings of one start as compareRows does, as far as
// spans tell.
func compareTraceSpans(a, b *TraceSpan) int {
	return cmp.Or(
		bytes.Compare(a.ID[:], b.ID[:]), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name),
		cmp.Compare(a.Duration, b.Duration), bytes.Compare(a.Parent[:], b.Parent[:]), cmp.Compare(a.Status, b.Status), cmp.Compare(a.Service, b.Service),
	)
}

// arrange puts the spans of byStart in their final order.
func (o *Outline) arrange(byStart, parent []int32) {
	place := filled(len(o.Spans), -1)
	spans, rows := make([]TraceSpan, 0, len(byStart)), make([]outlineRow, 0, len(byStart))
	o.Parent = make([]int32, 0, len(byStart))
	walk(byStart, parent, func(i int32) {
		place[i] = int32(len(spans))
		above := int32(-1)
		if parent[i] >= 0 {
			above = place[parent[i]]
		}
		spans, rows, o.Parent = append(spans, o.Spans[i]), append(rows, o.rows[i]), append(o.Parent, above)
	}, func(int32) {})
	o.Spans, o.rows = spans, rows
}

var statusMessageField = scan.Field{Scope: scan.ScopeIntrinsic, Intrinsic: scan.IntrinsicStatusMessage}

// StatusMessage is that of span i, "" where it has none or that cannot be read.
func (o *Outline) StatusMessage(i int32) string {
	at := o.rows[i]
	v, err := o.codes.value(at.block, int(at.row), statusMessageField)
	if err != nil {
		o.run.damaged("read status message", err)
		o.Stats = o.run.stats
	}
	return v.Value.Str()
}

// Span is span i with all that it carries, the only one of its batch.
func (o *Outline) Span(i int32) (telemetry.Batch, error) {
	var b telemetry.Batch
	at := o.rows[i]
	err := at.block.Spans(int(at.row), int(at.row)+1, &b)
	return b, err
}

// FindSpans reads those spans of a trace that have an ID, which are several
// where client and server share it; it has no spans if there is none.
func FindSpans(ctx context.Context, snap scan.Snapshot, id telemetry.TraceID, span telemetry.SpanID, limits Limits) (*Trace, error) {
	r := start(ctx, snap, limits)
	defer r.release()
	var found []piece
	var rows scan.Rows
	for _, p := range r.find(id) {
		for lo := p.lo; lo < p.hi; lo += outlineRows {
			if ok, err := r.more(); err != nil {
				return nil, err
			} else if !ok {
				break
			}
			if err := p.block.Rows(lo, min(p.hi, lo+outlineRows), scan.ColSpanID, &rows); err != nil {
				r.damaged("read span ids", err)
				continue
			}
			for i := range rows.SpanID {
				if rows.SpanID[i] == span {
					found = append(found, piece{p.block, lo + i, lo + i + 1})
				}
			}
		}
	}
	return r.wholeTrace(found)
}
