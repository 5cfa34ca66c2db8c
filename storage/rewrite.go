package storage

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/kiseki-dev/kiseki/storage/segment"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// A rewrite merges segments into new ones, without the traces that are not to
// be kept. Compaction, retention by query and erasure are rewrites.
//
// Goals:
//   - The pieces of a trace that lie in different inputs become one run of
//     rows; a span that equals another one in every field is kept once.
//   - A snapshot sees every span once, before, during and after. After a crash
//     the store has either the inputs or the outputs.
//   - No lock is held while segments are read and written; flushes and appends
//     go on.
//   - Memory: 40 bytes a trace of the inputs, one block of the output and the
//     unpacked pages that it comes from, rewriteCache bytes of others, and one
//     trace that lies in pieces. The queries' cache is left alone.
//
// How: the trace tables of all inputs are read first, grouped by trace ID and
// put in the order of the joined traces. Traces that lie in one input come in
// the order of its file, so each input is read from front to back, and they
// are copied column by column; only traces in pieces are looked up and become
// spans again. Outputs have temporary names
// until all are written and synced; then they are named, and one new manifest
// lists them in place of the inputs, whose files go with their last snapshot.
//
// Rejected: a plain k-way merge by the start of pieces. A piece of an earlier
// trace can turn up when its place has been written.

// rewriteReason says what a rewrite is for.
type rewriteReason int

const (
	rewriteCompaction rewriteReason = iota
	rewriteRetention
	rewriteDeletion
	rewriteReasons // how many there are
)

// rewriteJob says what to rewrite.
type rewriteJob struct {
	reason rewriteReason
	inputs []uint64 // numbers of segments
	// keep says whether what a segment holds of a trace stays; nil keeps all.
	keep  func(segment uint64, id telemetry.TraceID) bool
	level int // of the outputs
	// thinned is what the outputs' manifest entries say; nil: the least that
	// holds for all inputs.
	thinned *thinning
}

// rewriteResult is what a rewrite did.
type rewriteResult struct {
	// unchanged says that there was nothing to do: one input, all of whose
	// traces stay. Nothing was written then.
	unchanged     bool
	outputs       []uint64 // segment numbers
	droppedTraces uint64   // pieces not kept
	droppedSpans  uint64
	copies        uint64 // spans that equalled another one
	bytesRead     int64  // size of the inputs
	bytesWritten  int64
}

// errSuperseded says that an input went away meanwhile: nothing was changed,
// and another look at the segments is due.
var errSuperseded = errors.New("a segment to rewrite is gone")

// tooLargeError says that the inputs hold more of one trace than is joined.
type tooLargeError struct {
	trace    telemetry.TraceID
	spans    int
	segments []uint64 // those that hold it
}

func (e *tooLargeError) Error() string {
	return fmt.Sprintf("trace %s has %d spans, too many to be joined", e.trace, e.spans)
}

// rewriteLimits size rewrites. Tests make them small.
type rewriteLimits struct {
	segmentSpans uint64 // spans of an output, unless one trace has more
	segmentBytes int64  // of an output, about
	windowSpans  uint64 // spans an output must have to end at the end of a day
	joinedSpans  int    // of one trace in several inputs
}

var defaultRewriteLimits = rewriteLimits{
	segmentSpans: 4 << 20,
	segmentBytes: 512 << 20,
	// Less than a block: strays with wrong clocks do not get a file a day.
	windowSpans: segment.BlockSpans,
	joinedSpans: 128 << 10, // some 128 MiB in memory
}

// rewriteCache bounds the unpacked pages a rewrite holds on to.
const rewriteCache = 16 << 20

// rewriteCounters count the rewrites of one reason since the store was opened.
type rewriteCounters struct {
	runs, failures, bytesRead, bytesWritten, nanos, droppedSpans, copies atomic.Uint64
}

// rewrite replaces the inputs by what is kept of them. Rewrites run one at a
// time. An input that goes away meanwhile, by retention, or of which traces are
// deleted gives errSuperseded;
// after any error the inputs are as they were.
func (s *Store) rewrite(ctx context.Context, job rewriteJob) (res rewriteResult, err error) {
	s.rewriting.Lock()
	defer s.rewriting.Unlock()
	began := time.Now()
	count := &s.counts.rewrites[job.reason]
	defer func() {
		count.nanos.Add(uint64(time.Since(began)))
		count.bytesWritten.Add(uint64(res.bytesWritten))
		if err != nil {
			if !errors.Is(err, errSuperseded) && !errors.Is(err, context.Canceled) {
				count.failures.Add(1)
			}
			err = fmt.Errorf("rewrite segments %v: %w", job.inputs, err)
		}
	}()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.life, cancel)()
	inputs, hidden, err := s.acquire(job.inputs)
	if err != nil {
		return res, err
	}
	defer s.releaseAll(inputs)
	w := &rewriter{store: s, job: job, hidden: hidden, limits: s.opts.rewrite, res: &res}
	if err := w.run(ctx, inputs); err != nil || res.unchanged {
		return res, errors.Join(err, w.abort())
	}
	if err := s.publish(w, inputs); err != nil {
		return res, errors.Join(err, w.abort())
	}
	count.runs.Add(1)
	count.bytesRead.Add(uint64(res.bytesRead))
	count.droppedSpans.Add(res.droppedSpans)
	count.copies.Add(res.copies)
	return res, nil
}

// acquire takes a reference to each of the numbered segments, and says which
// deleted traces each has.
func (s *Store) acquire(numbers []uint64) (out []*segmentRef, hidden []*without, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.closed {
		return nil, nil, ErrClosed
	}
	byNumber := make(map[uint64]*segmentRef, len(s.mu.segments))
	for _, ref := range s.mu.segments {
		byNumber[ref.entry.Number] = ref
	}
	for _, n := range numbers {
		if byNumber[n] == nil {
			return nil, nil, errSuperseded
		}
		out = append(out, byNumber[n])
		hidden = append(hidden, byNumber[n].hidden)
	}
	for _, ref := range out {
		ref.refs.Add(1)
	}
	return out, hidden, nil
}

func (s *Store) releaseAll(refs []*segmentRef) {
	for _, ref := range refs {
		if err := ref.release(); err != nil {
			s.opts.Logger.Warn("segment not released cleanly", "error", err)
		}
	}
}

// publish gives the outputs their names and puts them in place of the inputs.
func (s *Store) publish(w *rewriter, inputs []*segmentRef) error {
	s.maintenance.Lock()
	defer s.maintenance.Unlock()
	if s.isClosed() {
		return ErrClosed
	}
	gone := map[uint64]bool{}
	listed := 0
	for i, ref := range inputs {
		gone[ref.entry.Number] = true
		if ref.hidden != w.hidden[i] { // the outputs have traces deleted meanwhile
			return errSuperseded
		}
	}
	for _, e := range s.manifest.Segments {
		if gone[e.Number] {
			listed++
		}
	}
	if listed != len(gone) {
		return errSuperseded
	}
	var outputs []*segmentRef
	for i, out := range w.done {
		ref, err := s.nameSegment(out.temp, out.info, out.entry)
		if err != nil {
			w.done = w.done[i:]
			return errors.Join(err, discard(outputs))
		}
		outputs = append(outputs, ref)
		w.res.outputs = append(w.res.outputs, ref.entry.Number)
	}
	w.done = nil // named: no longer the rewriter's
	if err := s.exchange(gone, outputs); err != nil {
		if _, uncertain := errors.AsType[uncertainError](err); uncertain {
			return errors.Join(err, releaseRefs(outputs))
		}
		return errors.Join(err, discard(outputs))
	}
	return nil
}

// discard releases segments that never came to be listed, and their files.
func discard(refs []*segmentRef) error {
	for _, ref := range refs {
		ref.doomed.Store(true)
	}
	return releaseRefs(refs)
}

func releaseRefs(refs []*segmentRef) (err error) {
	for _, ref := range refs {
		err = errors.Join(err, ref.release())
	}
	return err
}
