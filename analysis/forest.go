package analysis

import (
	"cmp"
	"slices"
)

// forest is trees of nodes, each the only one of its parent with its key,
// limited in number and depth. It belongs to one goroutine.
type forest[K comparable, N any] struct {
	most, deepest int
	full          bool // there are nodes beyond the limits
	nodes         []N  // parents before their children
	branches      []branch[K]
	depth         []int // by node, from 1
	index         map[branch[K]]int32
	begin         func(parent int32, key K) N
}

// branch is what a node hangs on and what tells it from its siblings.
type branch[K comparable] struct {
	parent int32 // or -1
	key    K
}

func newForest[K comparable, N any](most, deepest int, begin func(parent int32, key K) N) forest[K, N] {
	return forest[K, N]{most: most, deepest: deepest, index: map[branch[K]]int32{}, begin: begin}
}

// node is the place of a node, which is made where there is none yet, or -1
// beyond the limits.
func (f *forest[K, N]) node(parent int32, key K) int32 {
	b := branch[K]{parent, key}
	at, ok := f.index[b]
	if ok {
		return at
	}
	depth := 1
	if parent >= 0 {
		depth = f.depth[parent] + 1
	}
	if len(f.nodes) >= f.most || depth > f.deepest {
		f.full = true
		return -1
	}
	at = int32(len(f.nodes))
	f.index[b] = at
	f.nodes, f.branches, f.depth = append(f.nodes, f.begin(parent, key)), append(f.branches, b), append(f.depth, depth)
	return at
}

// merge adds the nodes of o; add is called for each that has a place here.
func (f *forest[K, N]) merge(o *forest[K, N], add func(to, from *N)) {
	f.full = f.full || o.full
	place := make([]int32, len(o.nodes))
	for i, b := range o.branches {
		place[i] = -1
		if b.parent >= 0 {
			if b.parent = place[b.parent]; b.parent < 0 {
				continue
			}
		}
		if place[i] = f.node(b.parent, b.key); place[i] >= 0 {
			add(&f.nodes[place[i]], &o.nodes[i])
		}
	}
}

// sorted is the nodes by depth and then as compare says of two places; parent
// is where a node says what it hangs on.
func (f *forest[K, N]) sorted(compare func(a, b int32) int, parent func(*N) *int32) []N {
	order := make([]int32, len(f.nodes))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int {
		if c := cmp.Compare(f.depth[a], f.depth[b]); c != 0 {
			return c
		}
		return compare(a, b)
	})
	place := make([]int32, len(f.nodes))
	out := make([]N, 0, len(f.nodes))
	for k, i := range order {
		place[i] = int32(k)
		out = append(out, f.nodes[i])
		if p := parent(&out[k]); *p >= 0 {
			*p = place[*p]
		}
	}
	return out
}
