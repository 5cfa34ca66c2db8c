package delivery

import (
	"slices"
	"sync"
)

// entry is a batch that waits: in memory, or in a file.
type entry struct {
	batch *batch // nil when in a file
	path  string // of the file
	size  int64  // bytes it takes in memory or on disk
	spans int
	busy  bool // being sent or written; guarded by queue.mu
	// refusals counts answers of 500, and sentBefore is how many spans were
	// sent at the last. Only the sender uses them.
	refusals   int
	sentBefore uint64
}

// queue knows what waits. It does no I/O: callers write the files before
// they add them and remove those that it gives back.
//
// What is in memory goes first: it is fresh, and what is on disk is safe.
type queue struct {
	memoryLimit, diskLimit int64
	// ready holds a token when there may be something to send.
	ready chan struct{}

	mu struct {
		sync.Mutex
		memory, disk           []*entry // oldest first
		memoryBytes, diskBytes int64
	}
}

func newQueue(memoryLimit, diskLimit int64) *queue {
	return &queue{memoryLimit: memoryLimit, diskLimit: diskLimit, ready: make(chan struct{}, 1)}
}

// add appends entries and returns the oldest ones that no longer fit in, and
// are no longer in the queue. What is being sent is never among them.
func (q *queue) add(entries ...*entry) (dropped []*entry) {
	q.mu.Lock()
	defer q.wake()
	defer q.mu.Unlock()
	return q.addLocked(entries)
}

func (q *queue) addLocked(entries []*entry) (dropped []*entry) {
	for _, e := range entries {
		list, bytes := q.listOf(e)
		*list = append(*list, e)
		*bytes += e.size
	}
	dropped = q.cut(&q.mu.memory, &q.mu.memoryBytes, q.memoryLimit, dropped)
	return q.cut(&q.mu.disk, &q.mu.diskBytes, q.diskLimit, dropped)
}

func (q *queue) cut(list *[]*entry, bytes *int64, limit int64, dropped []*entry) []*entry {
	for *bytes > limit {
		i := slices.IndexFunc(*list, func(e *entry) bool { return !e.busy })
		if i < 0 {
			break
		}
		e := (*list)[i]
		dropped = append(dropped, e)
		*bytes -= e.size
		*list = slices.Delete(*list, i, i+1)
	}
	return dropped
}

func (q *queue) wake() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// next marks the entry to be sent next as busy, or returns nil.
func (q *queue) next() *entry {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, list := range [][]*entry{q.mu.memory, q.mu.disk} {
		for _, e := range list {
			if !e.busy {
				e.busy = true
				return e
			}
		}
	}
	return nil
}

// release gives back an entry that was not sent. With last it goes behind
// the others, so that they get their turn.
func (q *queue) release(e *entry, last bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	e.busy = false
	if last {
		list, _ := q.listOf(e)
		*list = append(slices.DeleteFunc(*list, func(x *entry) bool { return x == e }), e)
	}
	q.wake()
}

// listOf is where an entry belongs, and the bytes of all there. It is called
// with the lock held.
func (q *queue) listOf(e *entry) (list *[]*entry, bytes *int64) {
	if e.path == "" {
		return &q.mu.memory, &q.mu.memoryBytes
	}
	return &q.mu.disk, &q.mu.diskBytes
}

// done forgets an entry.
func (q *queue) done(e *entry) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.doneLocked(e)
}

func (q *queue) doneLocked(e *entry) {
	list, bytes := q.listOf(e)
	if i := slices.Index(*list, e); i >= 0 {
		*list = slices.Delete(*list, i, i+1)
		*bytes -= e.size
	}
}

// holdMemory marks what is in memory and not being sent as busy and returns
// it, oldest first. Each entry is then moved or released.
func (q *queue) holdMemory() []*entry {
	q.mu.Lock()
	defer q.mu.Unlock()
	var held []*entry
	for _, e := range q.mu.memory {
		if !e.busy {
			e.busy = true
			held = append(held, e)
		}
	}
	return held
}

// moved says that a held entry is in a file now. What it returns is as add's.
func (q *queue) moved(e *entry, path string, size int64) (dropped []*entry) {
	q.mu.Lock()
	defer q.wake()
	defer q.mu.Unlock()
	q.doneLocked(e)
	e.batch, e.path, e.size, e.busy = nil, path, size, false
	return q.addLocked([]*entry{e})
}

// waiting describes what the queue holds.
type waiting struct {
	memoryBatches           int
	memorySpans, diskSpans  uint64
	memoryBytes, diskBytes  int64
	diskFiles, totalEntries int
}

func (q *queue) waiting() waiting {
	q.mu.Lock()
	defer q.mu.Unlock()
	w := waiting{
		memoryBatches: len(q.mu.memory), memoryBytes: q.mu.memoryBytes,
		diskFiles: len(q.mu.disk), diskBytes: q.mu.diskBytes,
		totalEntries: len(q.mu.memory) + len(q.mu.disk),
	}
	for _, e := range q.mu.memory {
		w.memorySpans += uint64(e.spans)
	}
	for _, e := range q.mu.disk {
		w.diskSpans += uint64(e.spans)
	}
	return w
}
