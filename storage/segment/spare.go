package segment

import (
	"sync"
	"sync/atomic"
	"time"
)

// keepSpare is how long a builder nobody uses is kept: flushes that are
// further apart cost little however they get their memory.
const keepSpare = 10 * time.Second

// Builders are kept from segment to segment: their columns, arenas and
// compressor tables have grown to what the data needs, some 30 MiB. A pool
// alone loses them to the garbage collector between two flushes, so one has a
// place of its own for a while.
var (
	spareBuilder atomic.Pointer[blockBuilder]
	builders     = sync.Pool{New: func() any { return newBlockBuilder() }}
)

func takeBuilder() *blockBuilder {
	if b := spareBuilder.Swap(nil); b != nil {
		return b
	}
	return builders.Get().(*blockBuilder)
}

// giveBuilder takes back a builder, which is empty.
func giveBuilder(b *blockBuilder) {
	if !spareBuilder.CompareAndSwap(nil, b) {
		builders.Put(b)
		return
	}
	time.AfterFunc(keepSpare, func() {
		if spareBuilder.CompareAndSwap(b, nil) {
			builders.Put(b)
		}
	})
}
