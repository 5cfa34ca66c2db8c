package segment

import (
	"hash/maphash"
	"math/bits"
	"math/rand/v2"
)

// The tables here number what a block repeats. They are reused from block to
// block, so a look-up allocates nothing, and seeded, so that no client can
// choose values that collide.
var (
	textSeed   = maphash.MakeSeed()
	numberSeed = rand.Uint64()
)

// minSlots is the size a table begins with, a power of two.
const minSlots = 64

// textTable finds the position of a string among a list of distinct ones,
// which its user keeps. A slot has 32 bits of the hash above the position + 1.
type textTable struct {
	slots []uint64
	used  int
}

func (t *textTable) reset() {
	t.slots = cleared(t.slots, minSlots)
	t.used = 0
}

// find returns the position of s in entries; where it is not there it takes
// the next position, and the caller must append s to entries.
func (t *textTable) find(s string, entries []string) (position uint32, known bool) {
	if t.used*2 >= len(t.slots) {
		t.grow()
	}
	tag := maphash.String(textSeed, s) >> 32
	mask := uint64(len(t.slots) - 1)
	for i := tag & mask; ; i = (i + 1) & mask {
		slot := t.slots[i]
		if slot == 0 {
			t.slots[i] = tag<<32 | uint64(t.used+1)
			t.used++
			return uint32(t.used - 1), false
		}
		if slot>>32 == tag && entries[uint32(slot)-1] == s {
			return uint32(slot) - 1, true
		}
	}
}

func (t *textTable) grow() {
	old := t.slots
	t.slots = make([]uint64, max(2*len(old), minSlots))
	mask := uint64(len(t.slots) - 1)
	for _, slot := range old {
		if slot == 0 {
			continue
		}
		i := slot >> 32 & mask
		for t.slots[i] != 0 {
			i = (i + 1) & mask
		}
		t.slots[i] = slot
	}
}

// numberTable maps numbers to small ones.
type numberTable struct {
	slots []numberSlot
	used  int
}

type numberSlot struct {
	key   uint64
	value uint32 // + 1, 0 in a free slot
}

func (t *numberTable) reset() {
	t.slots = cleared(t.slots, minSlots)
	t.used = 0
}

func hashNumber(key uint64) uint64 {
	hi, lo := bits.Mul64(key^numberSeed, 0x9e3779b97f4a7c15)
	return hi ^ lo
}

// slot is where key is, or belongs.
func (t *numberTable) slot(key uint64) *numberSlot {
	if t.used*2 >= len(t.slots) {
		t.grow()
	}
	mask := uint64(len(t.slots) - 1)
	i := hashNumber(key) & mask
	for t.slots[i].value != 0 && t.slots[i].key != key {
		i = (i + 1) & mask
	}
	return &t.slots[i]
}

// number returns the value of key; a new key gets the count of keys so far.
func (t *numberTable) number(key uint64) (value uint32, known bool) {
	s := t.slot(key)
	if s.value != 0 {
		return s.value - 1, true
	}
	t.used++
	*s = numberSlot{key, uint32(t.used)}
	return s.value - 1, false
}

func (t *numberTable) set(key uint64, value uint32) {
	s := t.slot(key)
	if s.value == 0 {
		t.used++
	}
	*s = numberSlot{key, value + 1}
}

func (t *numberTable) get(key uint64) (value uint32, known bool) {
	if t.used == 0 {
		return 0, false
	}
	s := t.slot(key)
	return s.value - 1, s.value != 0
}

func (t *numberTable) grow() {
	old := t.slots
	t.slots = make([]numberSlot, max(2*len(old), minSlots))
	mask := uint64(len(t.slots) - 1)
	for _, s := range old {
		if s.value == 0 {
			continue
		}
		i := hashNumber(s.key) & mask
		for t.slots[i].value != 0 {
			i = (i + 1) & mask
		}
		t.slots[i] = s
	}
}

// cleared is s empty. A table that has grown stays large, as the next block
// will need it too; one that is larger than any block's need is given up.
func cleared[T any](s []T, least int) []T {
	if len(s) < least || len(s) > 4*BlockSpans {
		return make([]T, least)
	}
	clear(s)
	return s
}
