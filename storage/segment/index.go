package segment

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
	"sort"

	"github.com/cespare/xxhash/v2"

	"github.com/kiseki-dev/kiseki/storage/column"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// The trace index maps a hash of a trace ID to the group of indexGroup traces
// of the segment that the trace is in. Entries are sorted by hash and cut into
// chunks of indexEntries; a reader keeps each chunk's least hash in memory and
// reads one chunk a look-up, two where equal hashes straddle a cut. The trace
// table of the block then tells which of the group it is, or that it is another
// of equal hash. Hashing spreads ids that are not random, such as those that
// begin with a time.
//
// A hash has 32 bits, of which only the highest are stored: as many as tell the
// segment's traces apart, and indexSpare more, so that one look-up in a thousand
// of a trace that is not there reads a trace table. With the group instead of
// the trace's number, a trace takes 2.4 bytes here instead of 4.9.
//
// Until version 2 all 32 bits were stored, and the number.

const (
	indexGroup = 512
	indexSpare = 10
)

// indexEntry is the hash in the high and the trace's number in the low 32 bits.
type indexEntry uint64

func hashTrace(id telemetry.TraceID) uint32 { return uint32(xxhash.Sum64(id[:]) >> 32) }

func newIndexEntry(id telemetry.TraceID, number int) indexEntry {
	return indexEntry(hashTrace(id))<<32 | indexEntry(number)
}

// indexMask has the bits of a hash that the index of a segment with so many
// traces has.
func indexMask(traces int) uint32 {
	return ^uint32(0) << max(32-bits.Len(uint(traces))-indexSpare, 0)
}

// settleIndex takes from the entries of all traces what is not stored, and
// sorts them.
func settleIndex(entries []indexEntry) {
	mask := indexEntry(indexMask(len(entries)))<<32 | 1<<32 - 1
	for i, x := range entries {
		entries[i] = x & mask
	}
	slices.Sort(entries)
}

// appendIndexChunk writes sorted entries: the hashes' differences, which a scale
// makes small, and the groups, each preceded by its size.
func appendIndexChunk(dst []byte, e *column.Encoder, entries []indexEntry) []byte {
	hashes, groups := make([]uint64, len(entries)), make([]uint64, len(entries))
	for i, x := range entries {
		hashes[i], groups[i] = uint64(x>>32), uint64(uint32(x))/indexGroup
	}
	for _, v := range [][]uint64{hashes, groups} {
		part, _ := e.Ints(nil, v)
		dst = binary.AppendUvarint(dst, uint64(len(part)))
		dst = append(dst, part...)
	}
	return dst
}

// indexPage is a decoded chunk of the index; groups are numbers until version 2.
type indexPage struct{ hashes, groups []uint32 }

func (p *indexPage) size() int { return 4 * (len(p.hashes) + len(p.groups)) }

func decodeIndexPage(src []byte) (*indexPage, error) {
	c := column.Cursor{B: src}
	p := &indexPage{}
	for _, v := range []*[]uint32{&p.hashes, &p.groups} {
		part := c.Sized()
		if c.Err != nil {
			return nil, c.Err
		}
		wide, err := column.DecodeInts(part, maxBlockRows)
		if err != nil {
			return nil, err
		}
		*v = make([]uint32, len(wide))
		for i, n := range wide {
			if n > math.MaxUint32 {
				return nil, column.ErrCorrupt
			}
			(*v)[i] = uint32(n)
		}
	}
	if len(c.B) != 0 || len(p.hashes) != len(p.groups) || !slices.IsSorted(p.hashes) {
		return nil, column.ErrCorrupt
	}
	return p, nil
}

// lookup calls f for the numbers [from, to) of traces that may have the id among
// them, never twice for the same.
func (r *Reader) lookup(id telemetry.TraceID, f func(from, to int) error) error {
	h, group := hashTrace(id), 1
	if r.format >= 3 {
		h, group = h&indexMask(r.footer.traces), indexGroup
	}
	last := uint64(math.MaxUint64)
	index := r.footer.index
	// The first chunk that begins at h or later, and the one before it.
	i := max(sort.Search(len(index), func(i int) bool { return index[i].first >= h })-1, 0)
	for ; i < len(index) && index[i].first <= h; i++ {
		p, err := load(r, index[i].chunkRef, named("trace index"), decodeIndexPage)
		if err != nil {
			return err
		}
		at := firstFrom(p.hashes, h)
		for ; at < len(p.hashes) && p.hashes[at] == h; at++ {
			g := uint64(p.groups[at])
			if g == last || g >= uint64(r.footer.traces) {
				continue
			}
			last = g
			if err := f(int(g)*group, min(int(g)*group+group, r.footer.traces)); err != nil {
				return err
			}
		}
	}
	return nil
}

// firstFrom is the place of the first of sorted hashes that is not less than h,
// or their number. Hashes are spread evenly, so it is searched around where h
// would be then: in a large index nearly every step of a search by halves
// waits for memory.
func firstFrom(hashes []uint32, h uint32) int {
	n := len(hashes)
	if n == 0 || h <= hashes[0] {
		return 0
	}
	first, last := hashes[0], hashes[n-1]
	if h > last {
		return n
	}
	at := int(float64(h-first) / float64(last-first) * float64(n-1))
	at = min(at, n-1)
	lo, hi := at, at // the answer is within [lo, hi]
	for step := hashStep; lo > 0 && hashes[lo] >= h; step *= 2 {
		hi, lo = lo, max(lo-step, 0)
	}
	for step := hashStep; hashes[hi] < h; step *= 2 {
		lo, hi = hi, min(hi+step, n-1)
	}
	at, _ = slices.BinarySearch(hashes[lo:hi], h)
	return lo + at
}

// hashStep is about how far a hash is from its expected place in a chunk of
// indexEntries, of which it is half the root.
const hashStep = 16
