package scan

import "sync/atomic"

// Reads counts what is read from files. It is safe for concurrent use.
type Reads struct {
	Bytes atomic.Uint64 // as they lie there, packed
}

// Metered is a [Source] that can count what is read of it.
type Metered interface {
	// Metered is the source, for one query: what it, its blocks and Find's read
	// from files is added to reads. What a cache has is not read.
	Metered(reads *Reads) Source
}

// Trail is told how a predicate was decided and what was read for that. It is
// safe for concurrent use, and worth its cost only where somebody wants to
// know.
type Trail struct {
	Reads
	// Blocks is how many were asked; of those Settled were decided for all of
	// their rows by what they know of themselves.
	Blocks  atomic.Uint64
	Settled [len(Ways)]atomic.Uint64
	// In the others, Pages are the runs of rows that were looked at, with Rows
	// still in question, of which Kept satisfied the predicate, and Skipped
	// those in which other predicates had left nothing.
	Pages, Skipped, Rows, Kept atomic.Uint64
}

// Way is how a block settles a predicate for all of its rows.
type Way uint8

// The ways, indexes of Ways.
const (
	ByAbsence    Way = iota // nothing has the field, or everything
	ByBounds                // least and greatest value, or the only one
	ByBloom                 // bloom filter
	ByDictionary            // each distinct value
)

// Ways are what people are told.
var Ways = [...]string{"absence", "bounds", "bloom", "dictionary"}

// Look counts a block whose rows of sel are looked at one by one.
func (t *Trail) Look(sel *Bitmap) {
	t.Blocks.Add(1)
	t.Pages.Add(1)
	t.Rows.Add(uint64(sel.Count()))
}
