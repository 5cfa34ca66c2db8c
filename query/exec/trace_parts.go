package exec

import (
	"bytes"
	"context"
	"crypto/sha256"
	"slices"

	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// TraceParts is [FindTrace] for whoever writes spans out and forgets them: a
// trace of more than most spans comes in parts of at most that many, as they
// are stored, so that a trace of millions does not take gigabytes. Each part
// has its own batch, without Parent; a trace that is one part is as FindTrace
// has it. A part is valid for the call of f, an error of which ends the
// reading. f is called at least once where there are spans. What it takes is
// not counted as time of the query.
//
// The Stats of a part are those so far; those returned, which are of all
// parts, may be incomplete where those of the parts are not.
func TraceParts(ctx context.Context, snap scan.Snapshot, id telemetry.TraceID, limits Limits, most int, f func(*Trace) error) (Stats, error) {
	r := start(ctx, snap, limits)
	defer r.release()
	pieces := r.find(id)
	if spansOf(pieces) > most {
		err := r.parts(split(pieces, most), f)
		return r.finish(), err
	}
	t, err := r.wholeTrace(pieces)
	if err != nil {
		return r.finish(), err
	}
	if len(t.Batch.Spans) > 0 {
		err = f(t)
	}
	return t.Stats, err
}

func spansOf(pieces []piece) (n int) {
	for _, p := range pieces {
		n += p.hi - p.lo
	}
	return n
}

// split is the pieces in groups of at most the given number of spans.
func split(pieces []piece, most int) (groups [][]piece) {
	var group []piece
	room := most
	for _, p := range pieces {
		for p.lo < p.hi {
			n := min(room, p.hi-p.lo)
			group = append(group, piece{p.block, p.lo, p.lo + n})
			p.lo += n
			if room -= n; room == 0 {
				groups, group, room = append(groups, group), nil, most
			}
		}
	}
	if len(group) > 0 {
		groups = append(groups, group)
	}
	return groups
}

// parts calls f with the spans of one group of pieces after the other. A span
// that is there twice is left out the second time, and an outdated one always.
func (r *run) parts(groups [][]piece, f func(*Trace) error) error {
	twice := r.idsTwice(groups)
	seen := r.outdated(groups, twice) // as if they had been there already
	var content []byte
	b := &telemetry.Batch{}
	for _, group := range groups {
		if err := r.ctx.Err(); err != nil {
			return context.Cause(r.ctx)
		}
		b.Reset()
		r.loadInto(b, group, func() bool { return false })
		r.stats.ScannedBlocks += blocksOf(group)
		r.stats.ScannedSpans += uint64(spansOf(group))
		keep := b.Spans[:0]
		for i := range b.Spans {
			if _, ok := twice[b.Spans[i].SpanID]; ok {
				content = appendContent(content[:0], b, &b.Spans[i])
				sum := sha256.Sum256(content)
				if _, again := seen[sum]; again {
					continue
				}
				seen[sum] = struct{}{}
			}
			keep = append(keep, b.Spans[i])
		}
		b.Spans = keep
		if len(b.Spans) == 0 {
			continue
		}
		if err := f(&Trace{Batch: *b, Stats: r.stats}); err != nil {
			return err
		}
	}
	return nil
}

// outdated is the contents of the outdated spans among those of the given ids,
// of which hardly any have no duration.
func (r *run) outdated(groups [][]piece, ids map[telemetry.SpanID]struct{}) map[[sha256.Size]byte]struct{} {
	out := map[[sha256.Size]byte]struct{}{}
	open := map[telemetry.SpanID]struct{}{}
	r.eachRow(groups, scan.ColSpanID|scan.ColDuration, func(rows *scan.Rows, i int, _ piece) {
		if _, ok := ids[rows.SpanID[i]]; ok && rows.Duration[i] == 0 {
			open[rows.SpanID[i]] = struct{}{}
		}
	})
	if len(open) == 0 {
		return out
	}
	var found []piece
	r.eachRow(groups, scan.ColSpanID, func(rows *scan.Rows, i int, at piece) {
		if _, ok := open[rows.SpanID[i]]; ok {
			found = append(found, at)
		}
	})
	b := &telemetry.Batch{}
	r.loadInto(b, found, func() bool { return false })
	again := repeated(b)
	for i, marked := range again {
		if marked {
			out[sha256.Sum256(appendContent(nil, b, &b.Spans[i]))] = struct{}{}
		}
	}
	for i, marked := range again {
		if !marked { // the first of its copies stays
			delete(out, sha256.Sum256(appendContent(nil, b, &b.Spans[i])))
		}
	}
	return out
}

// eachRow calls f with every row of the pieces as columns, and where it is.
func (r *run) eachRow(groups [][]piece, want scan.Columns, f func(rows *scan.Rows, i int, at piece)) {
	var rows scan.Rows
	for _, group := range groups {
		for _, p := range group {
			if err := p.block.Rows(p.lo, p.hi, want, &rows); err != nil {
				r.damaged("read span ids", err)
				continue
			}
			for i := range rows.SpanID {
				f(&rows, i, piece{p.block, p.lo + i, p.lo + i + 1})
			}
		}
	}
}

func blocksOf(pieces []piece) int {
	blocks := map[scan.Block]struct{}{}
	for _, p := range pieces {
		blocks[p.block] = struct{}{}
	}
	return len(blocks)
}

// idsTwice is the ids that more than one span of the pieces has.
func (r *run) idsTwice(groups [][]piece) map[telemetry.SpanID]struct{} {
	var ids []telemetry.SpanID
	var rows scan.Rows
	for _, group := range groups {
		for _, p := range group {
			if err := p.block.Rows(p.lo, p.hi, scan.ColSpanID, &rows); err != nil {
				r.damaged("read span ids", err)
				continue
			}
			ids = append(ids, rows.SpanID...)
		}
	}
	slices.SortFunc(ids, func(a, b telemetry.SpanID) int { return bytes.Compare(a[:], b[:]) })
	twice := map[telemetry.SpanID]struct{}{}
	for i := 1; i < len(ids); i++ {
		if ids[i] == ids[i-1] {
			twice[ids[i]] = struct{}{}
		}
	}
	return twice
}
