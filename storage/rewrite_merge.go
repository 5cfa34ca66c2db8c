package storage

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/storage/segment"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// day is a window of time that segments do not reach beyond once they are
// compacted, in nanoseconds of UTC.
const day = uint64(24 * time.Hour)

// yieldSpans is how many spans a rewrite handles before it looks whether
// ingest needs the processor.
const yieldSpans = 4096

// tracePiece is a run of rows of one trace in one input.
type tracePiece struct {
	id    telemetry.TraceID
	start uint64 // the earliest of the piece; of the whole trace once grouped
	lo    uint32
	rows  uint32
	block uint32
	input uint32
}

// rewriter reads inputs and writes outputs under temporary names. It belongs
// to one goroutine.
type rewriter struct {
	store  *Store
	job    rewriteJob
	limits rewriteLimits
	res    *rewriteResult
	hidden []*without // what deletions took out of each input; nil: nothing

	inputs       []rewriteInput
	pieces       []tracePiece
	entry        segmentEntry // what the outputs' entries have in common
	bytesPerSpan float64
	copies       copyFinder
	joined       telemetry.Batch
	rows         []uint32
	found        []segment.Piece
	ids          []telemetry.SpanID
	pieceIDs     scan.Rows

	out      *segment.Writer // nil between outputs
	temp     string          // of out
	outSpans uint64
	outDay   uint64 // of its first trace
	done     []rewriteOutput
}

// rewriteOutput is a finished file with its temporary name.
type rewriteOutput struct {
	temp  string
	info  segment.Info
	entry segmentEntry
}

// run writes all outputs, or finds that none are needed.
func (w *rewriter) run(ctx context.Context, refs []*segmentRef) (err error) {
	defer func() { w.store.noteDamage(refs, err) }()
	cache := segment.NewCache(rewriteCache)
	defer func() {
		for i := range w.inputs {
			err = errors.Join(err, w.inputs[i].reader.Close())
		}
	}()
	var spans uint64
	traces := 0
	for _, ref := range refs {
		reader, err := segment.Open(w.store.fs, ref.path, cache)
		if err != nil {
			return err
		}
		w.inputs = append(w.inputs, rewriteInput{number: ref.entry.Number, reader: reader, blocks: reader.Blocks()})
		w.res.bytesRead += ref.entry.Bytes
		spans += ref.entry.Spans
		traces += reader.Traces()
	}
	w.pieces = make([]tracePiece, 0, traces)
	w.bytesPerSpan = float64(w.res.bytesRead) / float64(max(spans, 1))
	w.entry = commonEntry(refs)
	w.entry.Level = w.job.level
	if w.job.thinned != nil {
		w.entry.Thinned = w.job.thinned
	}
	if err := w.collect(ctx); err != nil {
		return err
	}
	if w.res.droppedTraces == 0 && len(refs) == 1 {
		w.res.unchanged = true
		return nil
	}
	if err := w.group(); err != nil {
		return err
	}
	return w.write(ctx)
}

// commonEntry is what holds for spans of any of the segments.
func commonEntry(refs []*segmentRef) segmentEntry {
	first := refs[0].entry
	e := segmentEntry{Written: first.Written, Thinned: first.Thinned}
	for _, ref := range refs[1:] {
		x := ref.entry
		if e.Written = max(e.Written, x.Written); x.Written == 0 || first.Written == 0 {
			e.Written = 0 // not known
		}
		e.Thinned = e.Thinned.common(x.Thinned)
	}
	return e
}

// collect reads the trace tables of the inputs.
func (w *rewriter) collect(ctx context.Context) error {
	for i := range w.inputs {
		in := &w.inputs[i]
		if err := w.store.yield(ctx); err != nil {
			return err
		}
		err := in.reader.Runs(func(t segment.Run) error {
			if w.hidden[i].hides(t.ID) || w.job.keep != nil && !w.job.keep(in.number, t.ID) {
				w.res.droppedTraces++
				w.res.droppedSpans += uint64(t.Hi - t.Lo)
				return nil
			}
			w.pieces = append(w.pieces, tracePiece{
				id: t.ID, start: t.Start, lo: uint32(t.Lo), rows: uint32(t.Hi - t.Lo), block: uint32(t.Block), input: uint32(i),
			})
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// group brings the pieces of a trace together, and the traces in the order of
// segments.
func (w *rewriter) group() error {
	if len(w.inputs) == 1 {
		return nil // is in order
	}
	slices.SortFunc(w.pieces, func(a, b tracePiece) int {
		return cmp.Or(bytes.Compare(a.id[:], b.id[:]), cmp.Compare(a.input, b.input))
	})
	for rest := w.pieces; len(rest) > 0; {
		n := sameTrace(rest)
		start, spans := rest[0].start, 0
		for _, p := range rest[:n] {
			start = min(start, p.start)
			spans += int(p.rows)
		}
		if n > 1 && spans > w.limits.joinedSpans {
			large := &tooLargeError{trace: rest[0].id, spans: spans}
			for _, p := range rest[:n] {
				large.segments = append(large.segments, w.inputs[p.input].number)
			}
			return large
		}
		for i := range rest[:n] {
			rest[i].start = start
		}
		rest = rest[n:]
	}
	slices.SortFunc(w.pieces, func(a, b tracePiece) int {
		return cmp.Or(cmp.Compare(a.start, b.start), bytes.Compare(a.id[:], b.id[:]), cmp.Compare(a.input, b.input))
	})
	return nil
}

// sameTrace is how many of the first pieces are of one trace.
func sameTrace(pieces []tracePiece) int {
	n := 1
	for n < len(pieces) && pieces[n].id == pieces[0].id {
		n++
	}
	return n
}

func (w *rewriter) write(ctx context.Context) error {
	unyielded := uint64(0)
	for rest := w.pieces; len(rest) > 0; {
		n := sameTrace(rest)
		spans := uint64(0)
		for _, p := range rest[:n] {
			spans += uint64(p.rows)
		}
		if unyielded += spans; unyielded >= yieldSpans {
			unyielded = 0
			if err := w.store.yield(ctx); err != nil {
				return err
			}
		}
		if err := w.room(rest[0].start, spans); err != nil {
			return err
		}
		if err := w.add(rest[:n]); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return w.finish()
}

// add writes a trace to the present output.
func (w *rewriter) add(pieces []tracePiece) error {
	repeats, err := w.repeats(pieces)
	if err != nil {
		return err
	}
	if !repeats {
		w.found = w.found[:0]
		for _, p := range pieces {
			run := segment.Run{ID: p.id, Start: p.start, Block: int(p.block), Lo: int(p.lo), Hi: int(p.lo + p.rows)}
			w.found = append(w.found, segment.Piece{From: w.inputs[p.input].reader, Run: run})
		}
		return w.out.AddFrom(w.found...)
	}
	w.joined.Reset()
	for _, p := range pieces {
		if err := w.inputs[p.input].blocks[p.block].Spans(int(p.lo), int(p.lo+p.rows), &w.joined); err != nil {
			return err
		}
	}
	w.rows = w.rows[:0]
	for i := range w.joined.Spans {
		w.rows = append(w.rows, uint32(i))
	}
	rows := w.copies.without(&w.joined, w.rows)
	w.res.copies += uint64(len(w.rows) - len(rows))
	return w.out.AddTrace(&w.joined, rows)
}

// repeats reports whether a span ID occurs twice in a trace.
func (w *rewriter) repeats(pieces []tracePiece) (bool, error) {
	if len(pieces) == 1 {
		return w.inputs[pieces[0].input].repeats(&pieces[0], &w.copies)
	}
	w.ids = w.ids[:0]
	for _, p := range pieces {
		if err := w.inputs[p.input].blocks[p.block].Rows(int(p.lo), int(p.lo+p.rows), scan.ColSpanID, &w.pieceIDs); err != nil {
			return false, err
		}
		w.ids = append(w.ids, w.pieceIDs.SpanID...)
	}
	return w.copies.repeats(w.ids), nil
}

// room makes sure that there is an output with room for a trace.
func (w *rewriter) room(start, spans uint64) error {
	next := w.outSpans + spans
	full := next > w.limits.segmentSpans || float64(next)*w.bytesPerSpan > float64(w.limits.segmentBytes)
	if w.out != nil && (full || start/day != w.outDay && w.outSpans >= w.limits.windowSpans) {
		if err := w.finish(); err != nil {
			return err
		}
	}
	if w.out == nil {
		if err := w.create(start); err != nil {
			return err
		}
	}
	w.outSpans += spans
	return nil
}

func (w *rewriter) create(start uint64) (err error) {
	// Temporary files of rewrites have names that those of flushes have not.
	name := fmt.Sprintf("rewrite-%d%s%s", len(w.done), segmentSuffix, tempSuffix)
	w.temp = filepath.Join(w.store.dir.segments(), name)
	w.outSpans, w.outDay = 0, start/day
	w.out, err = segment.Create(w.store.fs, w.temp, segment.Options{})
	return err
}

// finish closes the present output, if there is one.
func (w *rewriter) finish() error {
	if w.out == nil {
		return nil
	}
	info, err := w.out.Finish()
	if err != nil {
		return err
	}
	w.out = nil
	w.done = append(w.done, rewriteOutput{temp: w.temp, info: info, entry: w.entry})
	w.res.bytesWritten += info.Bytes
	return nil
}

// abort removes what was written and not published.
func (w *rewriter) abort() (err error) {
	if w.out != nil {
		err = errors.Join(w.out.Abort(), removeIfThere(w.store.fs, w.temp))
	}
	for _, out := range w.done {
		err = errors.Join(err, removeIfThere(w.store.fs, out.temp))
	}
	return err
}

// rewriteInput is a segment being read.
type rewriteInput struct {
	number uint64
	reader *segment.Reader // with a cache of the rewrite's own
	blocks []scan.Block

	ids    scan.Rows // span IDs of rows [lo, hi) of a block
	block  uint32
	lo, hi uint32
}

// repeats reports whether a span ID occurs twice in a trace that lies in this
// input alone.
func (in *rewriteInput) repeats(p *tracePiece, c *copyFinder) (bool, error) {
	end := p.lo + p.rows
	if p.block != in.block || p.lo < in.lo || end > in.hi {
		// With what follows it in its last page.
		hi := min(uint32(in.blocks[p.block].Len()), (end+segment.PageRows-1)/segment.PageRows*segment.PageRows)
		in.hi = 0
		if err := in.blocks[p.block].Rows(int(p.lo), int(hi), scan.ColSpanID, &in.ids); err != nil {
			return false, err
		}
		in.block, in.lo, in.hi = p.block, p.lo, hi
	}
	return c.repeats(in.ids.SpanID[p.lo-in.lo : end-in.lo]), nil
}
