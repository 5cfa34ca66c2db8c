package exec

import (
	"context"
	"runtime"
	"sync"

	"github.com/kiseki-dev/kiseki/storage/scan"
)

// lookahead filters the blocks of a search in the order of their turn, and
// while one has its turn the next ones on the other processors. Most searches
// end within the first blocks, so those are filtered one at a time.
type lookahead struct {
	s      *search
	turns  int         // blocks handed out
	queue  []*filtered // under way, the next one first
	spare  []*filtered // to be used again
	stop   <-chan struct{}
	cancel context.CancelFunc // closes stop
	wg     sync.WaitGroup
}

// firstTurns is how many blocks are filtered before any is out of turn.
const firstTurns = 2

// filtered is a block with its rows that satisfy the filter.
type filtered struct {
	queuedBlock
	filter filter
	sel    scan.Bitmap
	err    error
	done   chan struct{} // receives when sel and err are there
}

func newLookahead(s *search) *lookahead {
	ctx, cancel := context.WithCancel(s.timed)
	return &lookahead{s: s, stop: ctx.Done(), cancel: cancel}
}

// close ends what is under way.
func (l *lookahead) close() {
	l.cancel()
	l.wg.Wait()
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
	<-f.done
	l.spare = append(l.spare, f)
	return f
}

// begin filters a block: here, if it is the next one and alone, or else on
// another goroutine.
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
	l.queue = append(l.queue, f)
	if l.turns < firstTurns {
		f.run(l.s)
		return
	}
	l.wg.Go(func() { f.run(l.s) })
}

// run reads nothing of the search that changes.
func (f *filtered) run(s *search) {
	f.sel.Reset(f.block.Len(), true)
	f.err = f.filter.narrowWithin(s.plan, s.spanFilter, f.block, &f.sel)
	f.done <- struct{}{}
}
