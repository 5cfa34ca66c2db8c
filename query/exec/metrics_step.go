package exec

import (
	"slices"
	"time"
)

// stepLengths are those that people use.
var stepLengths = []time.Duration{
	time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second,
	15 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour,
}

// defaultPoints is about as many as a chart shows well.
const defaultPoints = 240

// DefaultStep is the step of a query from start to end, in Unix nanoseconds,
// that does not say one: the least usual length that gives at most
// defaultPoints points, whole days where none does.
func DefaultStep(start, end uint64) uint64 {
	least := (max(end, start) - start) / defaultPoints
	i, _ := slices.BinarySearch(stepLengths, time.Duration(least))
	if i < len(stepLengths) {
		return uint64(stepLengths[i])
	}
	day := uint64(24 * time.Hour)
	return (least + day - 1) / day * day
}
