package instrument

import "time"

// Stats is what became of the spans of a process so far. When nothing is
// under way,
//
//	Ended + Recovered = Sent + Waiting + Dropped()
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
