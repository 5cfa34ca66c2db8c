package segment

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"
	"weak"
)

// TestSpareBuilder: one builder waits for the next writer, for a while, and
// nothing holds on to one that has left.
func TestSpareBuilder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s spareBuilder
		b := newBlockBuilder()
		if !s.give(b) || s.give(newBlockBuilder()) {
			t.Fatal("there is room for one builder")
		}
		if s.take() != b || s.take() != nil {
			t.Fatal("the builder is there once")
		}
		left := weak.Make(b)
		b = nil
		runtime.GC()
		if left.Value() != nil {
			t.Error("a builder that was taken is still held")
		}
	})
}

// TestSpareBuilderAge: a builder is kept from when it was last given.
func TestSpareBuilderAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s spareBuilder
		b := newBlockBuilder()
		s.give(b)
		time.Sleep(keepSpare * 3 / 4)
		synctest.Wait()
		s.give(s.take())
		time.Sleep(keepSpare / 2)
		synctest.Wait()
		if s.builder != b {
			t.Fatal("dropped for its first occasion")
		}
		time.Sleep(keepSpare)
		synctest.Wait()
		if s.builder != nil {
			t.Error("still there, unused")
		}
	})
}
