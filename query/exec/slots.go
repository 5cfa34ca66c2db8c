package exec

// slotTable maps the keys of one block to small numbers: an open hash table
// that starts small enough for the processor's first cache.
type slotTable struct {
	keys  []uint64
	slots []uint32 // 0: free
	used  int
}

const firstSlots = 1024

func (t *slotTable) reset() {
	if len(t.slots) == 0 {
		t.keys, t.slots = make([]uint64, firstSlots), make([]uint32, firstSlots)
	}
	clear(t.slots)
	t.used = 0
}

func (t *slotTable) place(key uint64) uint64 {
	return key * 0x9e3779b97f4a7c15 >> 32 & uint64(len(t.slots)-1)
}

// first is the slot of key if key is where it would be first and has a group.
func (t *slotTable) first(key uint64) (slot uint32, ok bool) {
	at := t.place(key)
	slot = t.slots[at]
	return slot, t.keys[at] == key && slot-1 < noGroup-1
}

// find is the slot of key. A slot that is 0 is new and is to be filled before
// the next call.
func (t *slotTable) find(key uint64) *uint32 {
	mask := uint64(len(t.slots) - 1)
	for i := t.place(key); ; i = (i + 1) & mask {
		switch {
		case t.slots[i] == 0:
			if 2*t.used >= len(t.slots) {
				t.grow()
				return t.find(key)
			}
			t.used++
			t.keys[i] = key
			return &t.slots[i]
		case t.keys[i] == key:
			return &t.slots[i]
		}
	}
}

func (t *slotTable) grow() {
	old := *t
	t.keys, t.slots, t.used = make([]uint64, 2*len(old.keys)), make([]uint32, 2*len(old.slots)), 0
	for i, slot := range old.slots {
		if slot != 0 {
			*t.find(old.keys[i]) = slot
		}
	}
}
