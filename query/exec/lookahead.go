package exec

import (
	"context"
	"runtime"
	"slices"
	"sync/atomic"

	"github.com/kiseki-dev/kiseki/storage/scan"
)

// lookahead filters the blocks of a search in the order of their turn, and
// meanwhile the next ones on the other processors. Most searches end within
// the first blocks, so those are filtered one at a time. One that goes on finds
// little in each block, and where a block is excluded by its summaries a
// goroutine of its own would take longer than that: the further a search goes,
// the more blocks in a row each goroutine filters. A block whose turn comes
// before another processor had time for it is filtered by whoever wants it: on
// a machine that is busy with ingestion a goroutine may wait for a processor
// longer than its work takes.
type lookahead struct {
	s      *search
	turns  int         // blocks handed out
	queue  []*filtered // under way, the next one first
	spare  []*filtered // to be used again
	stop   <-chan struct{}
	cancel context.CancelFunc // closes stop
}

const (
	// firstTurns is how many blocks are filtered before any is out of turn.
	firstTurns = 2
	// A run is one block in runShare of those that had their turn, so that
	// little is filtered in vain, and at most maxRun.
	runShare = 8
	maxRun   = 16
)

// filtered is a block with its rows that satisfy the filter, and the pieces of
// traces that those are of, in the order of rows.
type filtered struct {
	queuedBlock
	filter filter
	sel    scan.Bitmap
	pieces []tracePiece
	sieve  *sieve // nil: none is wanted
	judged bool   // it told which pieces are bare
	err    error
	doing  string        // what failed
	begun  atomic.Bool   // somebody filters it
	done   chan struct{} // receives when somebody else has
}

func newLookahead(s *search) *lookahead {
	ctx, cancel := context.WithCancel(s.timed)
	return &lookahead{s: s, stop: ctx.Done(), cancel: cancel}
}

// close ends what is under way. It does not wait for goroutines that have not
// begun: those find that they are too late, and read nothing.
func (l *lookahead) close() {
	l.cancel()
	for _, f := range l.queue {
		if !f.begun.CompareAndSwap(false, true) {
			<-f.done
		}
	}
}

// next is the last of the search's blocks, which it takes from them. The
// result is valid until the call after.
func (l *lookahead) next() *filtered {
	if len(l.queue) == 0 {
		l.fill()
	}
	l.turns++
	l.s.blocks = l.s.blocks[:len(l.s.blocks)-1]
	f := l.queue[0]
	l.queue = append(l.queue[:0], l.queue[1:]...)
	if f.begun.CompareAndSwap(false, true) {
		f.run(l.s)
	} else {
		<-f.done
	}
	l.spare = append(l.spare, f)
	return f
}

// fill queues a run of blocks for each processor: the first for who asked, the
// others for goroutines.
func (l *lookahead) fill() {
	width, length := 1, 1
	if l.turns >= firstTurns {
		width, length = runtime.GOMAXPROCS(0), min(max(l.turns/runShare, 1), maxRun)
	}
	blocks := l.s.blocks
	for len(l.queue) < min(width*length, len(blocks)) {
		q := blocks[len(blocks)-1-len(l.queue)]
		if len(l.queue) > 0 && l.s.excluded(q.bound) {
			break
		}
		l.queue = append(l.queue, l.filtered(q))
	}
	for at := length; at < len(l.queue); at += length {
		go l.filterRun(slices.Clone(l.queue[at:min(at+length, len(l.queue))]))
	}
}

// filterRun filters what nobody else has begun.
func (l *lookahead) filterRun(run []*filtered) {
	for _, f := range run {
		if f.begun.CompareAndSwap(false, true) {
			f.run(l.s)
			f.done <- struct{}{}
		}
	}
}

// filtered is q, to be filtered.
func (l *lookahead) filtered(q queuedBlock) *filtered {
	var f *filtered
	if n := len(l.spare); n > 0 {
		f, l.spare = l.spare[n-1], l.spare[:n-1]
	} else {
		f = &filtered{done: make(chan struct{}, 1)}
		f.filter.stop, f.filter.leaves = l.stop, l.s.leaves()
	}
	f.queuedBlock = q
	if l.s.sieve != nil && f.sieve == nil {
		f.sieve = newSieve(l.s.plan) // with scratch of its own
	}
	l.s.scanned(q.block)
	// A goroutine that comes too late for one block may begin a later one in
	// the same memory: it does what that one's own would.
	f.begun.Store(false)
	return f
}

// run reads nothing of the search that changes.
func (f *filtered) run(s *search) {
	f.pieces, f.judged, f.doing = f.pieces[:0], false, "filter block"
	f.sel.Reset(f.block.Len(), true)
	if f.err = f.filter.narrowWithin(s.plan, s.spanFilter, f.block, &f.sel); f.err != nil {
		return
	}
	f.doing = "read traces of block"
	if f.err = f.place(s.lone); f.err == nil && f.sieve != nil {
		// Where it cannot tell, who looks at the traces reports why.
		f.judged = f.sieve.judge(f.block, f.pieces, &f.filter) == nil
	}
}

// place makes pieces of the rows.
func (f *filtered) place(l *lone) error {
	row := f.sel.Next(0)
	if row < 0 { // most blocks of a search for a rare value: their traces are not read
		return nil
	}
	trace, err := tracer(f.block)
	if err != nil {
		return err
	}
	for row >= 0 {
		t, err := trace(row)
		if err != nil {
			return err
		}
		lo, hi := min(row, t.Lo), max(row+1, t.Hi)
		f.pieces = append(f.pieces, tracePiece{
			start: t.Start, lo: uint32(lo), hi: uint32(hi), matched: uint32(f.sel.CountIn(row, hi)), lone: l.knows(t.ID),
		})
		row = f.sel.Next(hi)
	}
	return nil
}
