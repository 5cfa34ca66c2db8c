package scan

import "math/bits"

// Bitmap is a set of rows of one block. The zero Bitmap has length 0.
type Bitmap struct {
	words []uint64
	n     int
}

// Reset makes b the full set of n rows if full, else the empty one.
func (b *Bitmap) Reset(n int, full bool) {
	words := (n + 63) / 64
	if cap(b.words) < words {
		b.words = make([]uint64, words)
	}
	b.words, b.n = b.words[:words], n
	fill := uint64(0)
	if full {
		fill = ^uint64(0)
	}
	for i := range b.words {
		b.words[i] = fill
	}
	if full && n%64 != 0 {
		b.words[words-1] = 1<<(n%64) - 1
	}
}

// Len is the number of rows of the block, in the set or not.
func (b *Bitmap) Len() int { return b.n }

// Words is the set as little-endian words, row i being bit i%64 of word i/64;
// bits beyond Len are and must stay zero. It is for loops over many rows.
func (b *Bitmap) Words() []uint64 { return b.words }

// Get reports whether row i is in the set.
func (b *Bitmap) Get(i int) bool { return b.words[i>>6]>>(i&63)&1 != 0 }

// Set adds row i.
func (b *Bitmap) Set(i int) { b.words[i>>6] |= 1 << (i & 63) }

// Clear removes row i.
func (b *Bitmap) Clear(i int) { b.words[i>>6] &^= 1 << (i & 63) }

// ClearAll empties the set.
func (b *Bitmap) ClearAll() { clear(b.words) }

// Count is the number of rows in the set.
func (b *Bitmap) Count() (n int) {
	for _, w := range b.words {
		n += bits.OnesCount64(w)
	}
	return n
}

// CountIn is the number of rows in [lo, hi) in the set.
func (b *Bitmap) CountIn(lo, hi int) (n int) {
	for w := lo >> 6; w<<6 < hi; w++ {
		word := b.words[w]
		if w == lo>>6 {
			word &= ^uint64(0) << (lo & 63)
		}
		if end := hi - w<<6; end < 64 {
			word &= 1<<end - 1
		}
		n += bits.OnesCount64(word)
	}
	return n
}

// Empty reports whether no row is in the set.
func (b *Bitmap) Empty() bool {
	for _, w := range b.words {
		if w != 0 {
			return false
		}
	}
	return true
}

// CopyFrom makes b a copy of o.
func (b *Bitmap) CopyFrom(o *Bitmap) {
	b.words, b.n = append(b.words[:0], o.words...), o.n
}

// And keeps the rows that are also in o, which has the same length.
func (b *Bitmap) And(o *Bitmap) {
	for i := range b.words {
		b.words[i] &= o.words[i]
	}
}

// Or adds the rows of o, which has the same length.
func (b *Bitmap) Or(o *Bitmap) {
	for i := range b.words {
		b.words[i] |= o.words[i]
	}
}

// AndNot removes the rows of o, which has the same length.
func (b *Bitmap) AndNot(o *Bitmap) {
	for i := range b.words {
		b.words[i] &^= o.words[i]
	}
}

// Next is the first row of the set at or after i, or -1.
func (b *Bitmap) Next(i int) int {
	if i >= b.n {
		return -1
	}
	w := i >> 6
	if word := b.words[w] >> (i & 63); word != 0 {
		return i + bits.TrailingZeros64(word)
	}
	for w++; w < len(b.words); w++ {
		if b.words[w] != 0 {
			return w<<6 + bits.TrailingZeros64(b.words[w])
		}
	}
	return -1
}

// Prev is the last row of the set at or before i, or -1.
func (b *Bitmap) Prev(i int) int {
	if i < 0 {
		return -1
	}
	w := i >> 6
	if word := b.words[w] << (63 - i&63); word != 0 {
		return i - bits.LeadingZeros64(word)
	}
	for w--; w >= 0; w-- {
		if b.words[w] != 0 {
			return w<<6 + 63 - bits.LeadingZeros64(b.words[w])
		}
	}
	return -1
}
