package exec

import (
	"context"
	"runtime"
	"sync/atomic"

	"github.com/kiseki-dev/kiseki/storage/scan"
)

// lookahead filters the blocks of a search in the order of their turn, and
// while one has its turn the next ones on the other processors. Most searches
// end within the first blocks, so those are filtered one at a time. A block
// whose turn comes before another processor had time for it is filtered by
// whoever wants it: on a machine that is busy with ingestion a goroutine may
// wait for a processor longer than its work takes.
type lookahead struct {
	s      *search
	turns  int         // blocks handed out
	queue  []*filtered // under way, the next one first
	spare  []*filtered // to be used again
	stop   <-chan struct{}
	cancel context.CancelFunc // closes stop
}

// firstTurns is how many blocks are filtered before any is out of turn.
const firstTurns = 2

// filtered is a block with its rows that satisfy the filter.
type filtered struct {
	queuedBlock
	filter filter
	sel    scan.Bitmap
	err    error
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
	width := 1
	if l.turns >= firstTurns {
		width = runtime.GOMAXPROCS(0)
	}
	blocks := l.s.blocks
	for len(l.queue) < min(width, len(blocks)) {
		q := blocks[len(blocks)-1-len(l.queue)]
		if len(l.queue) > 0 && l.s.excluded(q.bound) {
			break
		}
		l.begin(q)
	}
	l.turns++
	l.s.blocks = blocks[:len(blocks)-1]
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

// begin has a block filtered ahead of its turn, unless it is one of the first.
func (l *lookahead) begin(q queuedBlock) {
	var f *filtered
	if n := len(l.spare); n > 0 {
		f, l.spare = l.spare[n-1], l.spare[:n-1]
	} else {
		f = &filtered{done: make(chan struct{}, 1)}
		f.filter.stop = l.stop
	}
	f.queuedBlock, f.err = q, nil
	l.s.scanned(q.block)
	ahead := len(l.queue) > 0
	l.queue = append(l.queue, f)
	// A goroutine that comes too late for one block may begin a later one in
	// the same memory: it does what that one's own would.
	f.begun.Store(false)
	if ahead {
		go func() {
			if f.begun.CompareAndSwap(false, true) {
				f.run(l.s)
				f.done <- struct{}{}
			}
		}()
	}
}

// run reads nothing of the search that changes.
func (f *filtered) run(s *search) {
	f.sel.Reset(f.block.Len(), true)
	f.err = f.filter.narrowWithin(s.plan, s.spanFilter, f.block, &f.sel)
}
