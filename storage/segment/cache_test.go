package segment

import (
	"math/rand/v2"
	"testing"
)

func testKey(i int) cacheKey { return cacheKey{1, int64(i), 0} }

// TestCacheTrim: what was used last stays, and the budget does.
func TestCacheTrim(t *testing.T) {
	for _, how := range []keep{keepTable, keepPage} {
		c := NewCache(16 << 20)
		const n, size = 4096, 1024
		for i := range n {
			c.put(testKey(i), i, size, how)
		}
		for i := range n / 8 {
			if c.get(testKey(i)) != i {
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
			if c.get(testKey(i)) != i {
				t.Errorf("entry %d was used last and is gone", i)
			}
		}
		for i := range n {
			c.put(testKey(i), i, size, how)
		}
		if c.Size() != before {
			t.Errorf("%d bytes after the same entries as before, which took %d", c.Size(), before)
		}
	}
}

// TestCachePassingPages: pages that pass leave the tables where they are, and
// take what these do not need.
func TestCachePassingPages(t *testing.T) {
	const budget, tables, size = 16 << 20, 1000, 8 << 10 // the tables take half of it
	c := NewCache(budget)
	for i := range tables {
		c.put(testKey(i), i, size, keepTable)
	}
	for i := tables; i < 20*tables; i++ {
		c.put(testKey(i), i, size, keepPage)
		if c.Size() > budget {
			t.Fatalf("%d bytes are held, the budget is %d", c.Size(), budget)
		}
	}
	for i := range tables {
		if c.get(testKey(i)) != i {
			t.Errorf("table %d is gone", i)
		}
	}
	if got := c.Size(); got < budget*9/10 {
		t.Errorf("%d bytes are held after more pages than there is room for, the budget is %d", got, budget)
	}
}

// TestCachePassingTables: of tables that pass, the pages keep their share.
func TestCachePassingTables(t *testing.T) {
	const budget, pages, size = 64 << 20, 400, 8 << 10 // a twentieth of the budget
	c := NewCache(budget)
	for i := range pages {
		c.put(testKey(i), i, size, keepPage)
	}
	for i := pages; i < 50*pages; i++ {
		c.put(testKey(i), i, size, keepTable)
	}
	found := 0
	for i := range pages {
		if c.get(testKey(i)) == i {
			found++
		}
	}
	if found < pages*9/10 { // some shards have more of them than others
		t.Errorf("%d of %d pages are left", found, pages)
	}
}

// TestCacheModel: whatever is done, what is found is what was put there, and
// the budget holds.
func TestCacheModel(t *testing.T) {
	const budget = 1 << 20
	c := NewCache(budget)
	rnd := rand.New(rand.NewPCG(1, 2))
	latest := map[cacheKey]int{}
	for n := range 200_000 {
		k := cacheKey{uint64(rnd.IntN(4)), int64(rnd.IntN(500)), uint64(rnd.IntN(2))}
		switch rnd.IntN(100) {
		case 0:
			c.drop(k.file)
			for k2 := range latest {
				if k2.file == k.file {
					delete(latest, k2)
				}
			}
		case 1:
			c.Trim(int64(rnd.IntN(budget)))
		default:
			if v := c.get(k); v != nil && v != latest[k] {
				t.Fatalf("%v is %v, want %v", k, v, latest[k])
			} else if v == nil || rnd.IntN(4) == 0 {
				c.put(k, n, rnd.IntN(8<<10), keep(rnd.IntN(int(keeps))))
				latest[k] = n
			}
		}
		if c.Size() > budget {
			t.Fatalf("%d bytes are held, the budget is %d", c.Size(), budget)
		}
	}
	for _, k := range []uint64{0, 1, 2, 3} {
		c.drop(k)
	}
	if c.Size() != 0 {
		t.Errorf("%d bytes are held by nothing", c.Size())
	}
}

// TestCacheAdmit: a page is let in when it is asked for again before many
// others were.
func TestCacheAdmit(t *testing.T) {
	c := NewCache(1 << 20)
	again, late := 0, 0
	const n, many = 200, 100 * cacheShards * knownPages
	for i := range n {
		if c.admit(testKey(i)) {
			t.Errorf("page %d is let in at once", i)
		}
	}
	for i := range n {
		if c.admit(testKey(i)) {
			again++
		}
	}
	for i := range many {
		c.admit(testKey(n + i))
	}
	for i := range n {
		if c.admit(testKey(i)) {
			late++
		}
	}
	if again < n*8/10 || late > n/10 {
		t.Errorf("of %d pages %d are let in when asked for again, and %d after %d others", n, again, late, many)
	}
}
