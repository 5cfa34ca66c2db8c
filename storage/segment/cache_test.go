package segment

import "testing"

// TestCacheTrim: what was used last stays, and the budget does.
func TestCacheTrim(t *testing.T) {
	c := NewCache(16 << 20)
	key := func(i int) cacheKey { return cacheKey{1, int64(i), 0} }
	const n, size = 4096, 1024
	for i := range n {
		c.put(key(i), i, size)
	}
	for i := range n / 8 {
		if c.get(key(i)) != i {
			t.Fatalf("entry %d is not there", i)
		}
	}
	before, uses := c.Size(), c.Uses()
	if uses != n/8 {
		t.Errorf("%d uses, want %d", uses, n/8)
	}
	c.Trim(before / 4)
	if got := c.Size(); got > before/4 || got < before/5 {
		t.Errorf("%d bytes of %d after a trim to a quarter", got, before)
	}
	for i := range n / 8 {
		if c.get(key(i)) != i {
			t.Errorf("entry %d was used last and is gone", i)
		}
	}
	for i := range n {
		c.put(key(i), i, size)
	}
	if c.Size() != before {
		t.Errorf("%d bytes after the same entries as before, which took %d", c.Size(), before)
	}
}
