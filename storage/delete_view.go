package storage

import (
	"fmt"
	"math/bits"
	"sort"
	"sync"

	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// without is a source without some of its traces: a segment of which traces
// are deleted and that is not rewritten yet. The deleted rows do not exist for
// its readers: blocks are renumbered, so nothing above needs to know of
// deletions. It is immutable. Its lists are in delete_lists.go.
type without struct {
	src    scan.Source
	gone   map[telemetry.TraceID]struct{}
	blocks []scan.Block
	kept   map[scan.Block]scan.Block // by the source's own block
	cut    []*keptBlock              // those with deleted rows, also where none is left
	spans  uint64
	counts countsOnce
}

// newWithout reads the trace tables of src.
func newWithout(src scan.Source, gone map[telemetry.TraceID]struct{}) (*without, error) {
	w := &without{src: src, gone: gone, kept: map[scan.Block]scan.Block{}}
	for _, b := range src.Blocks() {
		kept, err := hide(b, gone)
		if err != nil {
			return nil, fmt.Errorf("hide traces: %w", err)
		}
		if k, ok := kept.(*keptBlock); ok {
			w.cut = append(w.cut, k)
		}
		if kept.Len() == 0 {
			continue
		}
		w.kept[b] = kept
		w.blocks = append(w.blocks, kept)
		w.spans += uint64(kept.Len())
	}
	return w, nil
}

// hides reports whether the trace is deleted; a nil w has them all.
func (w *without) hides(id telemetry.TraceID) bool {
	if w == nil {
		return false
	}
	_, gone := w.gone[id]
	return gone
}

// Blocks implements [scan.Source].
func (w *without) Blocks() []scan.Block { return w.blocks }

// SpanCount implements [scan.Source].
func (w *without) SpanCount() uint64 { return w.spans }

// Bounds implements [scan.Source]. They are wider than need be where the
// earliest or latest span is deleted.
func (w *without) Bounds() (low, high uint64) {
	if len(w.blocks) == 0 {
		return ^uint64(0), 0
	}
	return w.src.Bounds()
}

// Find implements [scan.Source].
func (w *without) Find(id telemetry.TraceID, f func(b scan.Block, lo, hi int) error) error {
	return w.find(w.src, w.kept, id, f)
}

// find is Find in src, whose blocks are those that kept is by.
func (w *without) find(src scan.Source, kept map[scan.Block]scan.Block, id telemetry.TraceID, f func(b scan.Block, lo, hi int) error) error {
	if w.hides(id) {
		return nil
	}
	return src.Find(id, func(b scan.Block, lo, hi int) error {
		kept := kept[b]
		if x, ok := kept.(*keptBlock); ok {
			lo, hi = x.outer(lo), x.outer(hi)
		}
		return f(kept, lo, hi)
	})
}

// meteredWithout is a without that counts what is read of it by Find and by
// blocks.
type meteredWithout struct {
	*without
	src    scan.Source
	blocks []scan.Block
	kept   map[scan.Block]scan.Block
}

// Metered implements [scan.Metered].
func (w *without) Metered(reads *scan.Reads) scan.Source {
	src, ok := w.src.(scan.Metered)
	if !ok {
		return w
	}
	m := &meteredWithout{without: w, src: src.Metered(reads), kept: map[scan.Block]scan.Block{}}
	own := w.src.Blocks()
	for i, b := range m.src.Blocks() {
		kept := w.kept[own[i]]
		if kept == nil {
			continue
		}
		if x, ok := kept.(*keptBlock); ok {
			kept = &keptBlock{b: b, live: x.live, rank: x.rank, n: x.n}
		} else {
			kept = b
		}
		m.kept[b] = kept
		m.blocks = append(m.blocks, kept)
	}
	return m
}

// Blocks implements [scan.Source].
func (m *meteredWithout) Blocks() []scan.Block { return m.blocks }

// Find implements [scan.Source].
func (m *meteredWithout) Find(id telemetry.TraceID, f func(b scan.Block, lo, hi int) error) error {
	return m.find(m.src, m.kept, id, f)
}

// hide is b without the given traces: b itself where it has none of them.
func hide(b scan.Block, gone map[telemetry.TraceID]struct{}) (scan.Block, error) {
	k := &keptBlock{b: b}
	for row := 0; row < b.Len(); {
		t, err := b.Trace(row)
		if err != nil {
			return nil, err
		}
		if _, ok := gone[t.ID]; ok {
			if k.live.Len() == 0 {
				k.live.Reset(b.Len(), true)
			}
			for i := t.Lo; i < t.Hi; i++ {
				k.live.Clear(i)
			}
		}
		row = t.Hi
	}
	if k.live.Len() == 0 {
		return b, nil
	}
	for _, word := range k.live.Words() {
		k.rank = append(k.rank, uint32(k.n))
		k.n += bits.OnesCount64(word)
	}
	return k, nil
}

// keptBlock is a block without the rows that are not in live. Rows are
// numbered anew; "inner" is a row's number in the block below.
type keptBlock struct {
	b    scan.Block
	live scan.Bitmap
	rank []uint32 // by word of live: how many rows are kept before it
	n    int
}

// inner is the number below of row i.
func (k *keptBlock) inner(i int) int {
	w := sort.Search(len(k.rank), func(w int) bool { return int(k.rank[w]) > i }) - 1
	word := k.live.Words()[w]
	for range i - int(k.rank[w]) {
		word &= word - 1
	}
	return w<<6 + bits.TrailingZeros64(word)
}

// outer is how many rows are kept before row i below.
func (k *keptBlock) outer(i int) int {
	if i == k.live.Len() {
		return k.n
	}
	return int(k.rank[i>>6]) + bits.OnesCount64(k.live.Words()[i>>6]&(1<<(i&63)-1))
}

// Len implements [scan.Block].
func (k *keptBlock) Len() int { return k.n }

// Bounds implements [scan.Block]. They are wider than need be where the
// earliest or latest span is deleted.
func (k *keptBlock) Bounds() (low, high uint64) { return k.b.Bounds() }

// NewestTrace implements [scan.Block].
func (k *keptBlock) NewestTrace() uint64 { return k.b.NewestTrace() }

// Trace implements [scan.Block].
func (k *keptBlock) Trace(row int) (scan.Trace, error) {
	t, err := k.b.Trace(k.inner(row))
	t.Lo, t.Hi = k.outer(t.Lo), k.outer(t.Hi)
	return t, err
}

var innerRows = sync.Pool{New: func() any { return new(scan.Bitmap) }}

// Narrow implements [scan.Block].
func (k *keptBlock) Narrow(all []scan.Predicate, sel *scan.Bitmap) error {
	in := innerRows.Get().(*scan.Bitmap)
	defer innerRows.Put(in)
	in.Reset(k.live.Len(), false)
	words, from := in.Words(), sel.Words()
	for w, mask := range k.live.Words() {
		words[w] = deposit(take(from, int(k.rank[w])), mask)
	}
	if err := k.b.Narrow(all, in); err != nil {
		return err
	}
	sel.ClearAll()
	for w, mask := range k.live.Words() {
		put(from, int(k.rank[w]), extract(words[w], mask))
	}
	return nil
}

// take is 64 bits of words from bit at on, zeros beyond their end.
func take(words []uint64, at int) (out uint64) {
	i, shift := at>>6, at&63
	if i < len(words) {
		out = words[i] >> shift
	}
	if shift > 0 && i+1 < len(words) {
		out |= words[i+1] << (64 - shift)
	}
	return out
}

// put sets the bits of v in words from bit at on.
func put(words []uint64, at int, v uint64) {
	i, shift := at>>6, at&63
	if v<<shift != 0 {
		words[i] |= v << shift
	}
	if shift > 0 && v>>(64-shift) != 0 {
		words[i+1] |= v >> (64 - shift)
	}
}

// deposit spreads the low bits of v over the set bits of mask.
func deposit(v, mask uint64) (out uint64) {
	if mask == ^uint64(0) {
		return v
	}
	for ; mask != 0; mask &= mask - 1 {
		out |= mask & -mask * (v & 1)
		v >>= 1
	}
	return out
}

// extract is the inverse of deposit.
func extract(v, mask uint64) (out uint64) {
	if mask == ^uint64(0) {
		return v
	}
	for i := 0; mask != 0; mask &= mask - 1 {
		out |= v >> bits.TrailingZeros64(mask) & 1 << i
		i++
	}
	return out
}

// Rows implements [scan.Block].
func (k *keptBlock) Rows(lo, hi int, want scan.Columns, dst *scan.Rows) error {
	if lo == hi {
		return k.b.Rows(0, 0, want, dst)
	}
	from, to := k.inner(lo), k.inner(hi-1)+1
	if err := k.b.Rows(from, to, want, dst); err != nil || to-from == hi-lo {
		return err
	}
	dst.TraceID = keep(dst.TraceID, k, from)
	dst.SpanID = keep(dst.SpanID, k, from)
	dst.ParentID = keep(dst.ParentID, k, from)
	dst.Start = keep(dst.Start, k, from)
	dst.Duration = keep(dst.Duration, k, from)
	dst.Kind = keep(dst.Kind, k, from)
	dst.Status = keep(dst.Status, k, from)
	dst.Name = keep(dst.Name, k, from)
	dst.Service = keep(dst.Service, k, from)
	return nil
}

// Codes implements [scan.Block].
func (k *keptBlock) Codes(field scan.Field, lo, hi int, dst *scan.Codes) error {
	if lo == hi {
		return k.b.Codes(field, 0, 0, dst)
	}
	from := k.inner(lo)
	err := k.b.Codes(field, from, k.inner(hi-1)+1, dst)
	dst.Rows = keep(dst.Rows, k, from)
	return err
}

// keep drops what belongs to deleted rows from a column of the rows below
// from row from on.
func keep[T any](column []T, k *keptBlock, from int) []T {
	kept := column[:0]
	for i, v := range column {
		if k.live.Get(from + i) {
			kept = append(kept, v)
		}
	}
	return kept
}

// Spans implements [scan.Block].
func (k *keptBlock) Spans(lo, hi int, dst *telemetry.Batch) error {
	for lo < hi {
		from := k.inner(lo)
		to := from + 1
		for to < k.live.Len() && to-from < hi-lo && k.live.Get(to) {
			to++
		}
		if err := k.b.Spans(from, to, dst); err != nil {
			return err
		}
		lo += to - from
	}
	return nil
}
