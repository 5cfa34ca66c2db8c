package scan

import "math"

// Lineage is a [Block] that knows the parents of spans as rows.
type Lineage interface {
	// Parents replaces dst, reusing its memory, by how many rows before each of
	// the rows [lo, hi) its parent is, in the same piece of a trace; of several
	// spans with the parent's ID it is any. It is 0 for a span that names no
	// parent, and ParentElsewhere for one whose parent is none of the rows before
	// it.
	Parents(lo, hi int, dst []uint32) ([]uint32, error)
}

// ParentElsewhere stands for a parent that may be anywhere or nowhere.
const ParentElsewhere = math.MaxUint32
