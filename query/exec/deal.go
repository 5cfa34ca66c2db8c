package exec

import (
	"math/bits"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/kiseki-dev/kiseki/storage/scan"
)

// workers is how many goroutines blocks are dealt to.
func workers(blocks []queuedBlock) int { return max(min(runtime.GOMAXPROCS(0), len(blocks)), 1) }

// deal has each block visited by one of n workers, each of them a goroutine,
// until a worker's visit returns false. A worker gets blocks in their order.
func deal(blocks []queuedBlock, n int, visit func(worker int, b scan.Block) bool) {
	var next atomic.Int64
	each(n, func(worker int) {
		for {
			at := int(next.Add(1)) - 1
			if at >= len(blocks) || !visit(worker, blocks[at].block) {
				return
			}
		}
	})
}

// each runs n workers, each of them a goroutine, and waits for them.
func each(n int, work func(worker int)) {
	var wg sync.WaitGroup
	for worker := range n {
		wg.Go(func() { work(worker) })
	}
	wg.Wait()
}

// runRows is how many rows are added up at a time: their vectors stay in the
// processor's cache. It is a multiple of 64.
const runRows = 4096

// runs calls visit with each run of rows [lo, hi) of which some are in sel, and
// with the words of sel that say which.
func (f *filter) runs(sel *scan.Bitmap, visit func(lo, hi int, words []uint64) error) error {
	words := sel.Words()
	for lo := 0; lo < sel.Len(); lo += runRows {
		hi := min(lo+runRows, sel.Len())
		run := words[lo/64 : (hi+63)/64]
		if !slices.ContainsFunc(run, func(w uint64) bool { return w != 0 }) {
			continue
		}
		if err := f.stopped(); err != nil {
			return err
		}
		if err := visit(lo, hi, run); err != nil {
			return err
		}
	}
	return nil
}

// appendRows appends the rows of some words, which count from the first.
func appendRows(dst []uint32, words []uint64) []uint32 {
	for i, word := range words {
		for ; word != 0; word &= word - 1 {
			dst = append(dst, uint32(i*64+bits.TrailingZeros64(word)))
		}
	}
	return dst
}

// stopped is scan.ErrStopped once nobody waits for the filter.
func (f *filter) stopped() error {
	select {
	case <-f.stop:
		return scan.ErrStopped
	default:
		return nil
	}
}
