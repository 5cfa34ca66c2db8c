package delivery

import (
	"sync"
	"sync/atomic"
	"time"
)

// Stats is what became of the spans of a process so far. When nothing is
// under way,
//
//	Ended + Recovered = Sent + Waiting + all that was dropped
type Stats struct {
	// Ended counts the sampled spans that ended.
	Ended uint64
	// Recovered counts spans found on disk that an earlier process left.
	Recovered uint64
	// Sent counts spans that the receiver acknowledged.
	Sent uint64
	// Waiting is how many spans are still to be sent, in memory and on disk.
	Waiting uint64
	// WaitingOnDisk is how many of them are in files.
	WaitingOnDisk uint64
	// DiskBytes is the size of these files.
	DiskBytes int64

	// DroppedMemory counts spans for which there was no room in memory.
	DroppedMemory uint64
	// DroppedDisk counts the oldest spans, which made room on disk.
	DroppedDisk uint64
	// DroppedRejected counts spans that the receiver refused for good.
	DroppedRejected uint64
	// DroppedDamaged counts spans of queue files that could not be read.
	DroppedDamaged uint64
	// DroppedInvalid counts spans that could not be encoded.
	DroppedInvalid uint64
	// DroppedShutdown counts spans that ended after the stop, or that could
	// be neither sent nor written to disk by its deadline.
	DroppedShutdown uint64

	// Requests counts export requests, FailedRequests those that were not
	// acknowledged.
	Requests, FailedRequests uint64
	// DiskErrors counts failures to use the queue directory, DamagedFiles
	// the queue files that could not be read.
	DiskErrors, DamagedFiles uint64
	// LastError is why a request or the queue directory failed last; nil
	// once a request succeeded again.
	LastError error
	// LastSuccess is when the receiver last acknowledged spans; zero if never.
	LastSuccess time.Time
}

// Dropped is the sum of all spans that will never arrive.
func (s Stats) Dropped() uint64 {
	return s.DroppedMemory + s.DroppedDisk + s.DroppedRejected + s.DroppedDamaged + s.DroppedInvalid + s.DroppedShutdown
}

// counters are the parts of Stats that are counted.
type counters struct {
	ended, recovered, sent                             atomic.Uint64
	memory, disk, rejected, damaged, invalid, shutdown atomic.Uint64
	requests, failedRequests, diskErrors, damagedFiles atomic.Uint64
	// underWay are spans that were taken and are not in the queue yet.
	underWay atomic.Int64

	mu struct {
		sync.Mutex
		lastError   error
		lastSuccess time.Time
	}
}

func (c *counters) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mu.lastError = err
}

func (c *counters) succeed(spans int) {
	c.sent.Add(uint64(spans))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mu.lastError, c.mu.lastSuccess = nil, time.Now()
}

func (c *counters) lastError() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mu.lastError
}

// Stats returns the counts so far. It is cheap enough for a metrics page.
func (d *Delivery) Stats() Stats {
	w := d.queue.waiting()
	d.mu.Lock()
	pending := len(d.mu.spans)
	d.mu.Unlock()
	c := &d.counters
	s := Stats{
		Ended: c.ended.Load(), Recovered: c.recovered.Load(), Sent: c.sent.Load(),
		Waiting:       w.memorySpans + w.diskSpans + uint64(pending) + uint64(max(0, c.underWay.Load())),
		WaitingOnDisk: w.diskSpans, DiskBytes: w.diskBytes,
		DroppedMemory: c.memory.Load(), DroppedDisk: c.disk.Load(), DroppedRejected: c.rejected.Load(),
		DroppedDamaged: c.damaged.Load(), DroppedInvalid: c.invalid.Load(), DroppedShutdown: c.shutdown.Load(),
		Requests: c.requests.Load(), FailedRequests: c.failedRequests.Load(),
		DiskErrors: c.diskErrors.Load(), DamagedFiles: c.damagedFiles.Load(),
	}
	c.mu.Lock()
	s.LastError, s.LastSuccess = c.mu.lastError, c.mu.lastSuccess
	c.mu.Unlock()
	return s
}
