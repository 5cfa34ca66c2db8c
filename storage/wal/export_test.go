package wal

import (
	"runtime"
)

// WaitQueued returns once n records wait for the commit under way.
func WaitQueued(w *Writer, n uint64) {
	for {
		w.mu.Lock()
		g := w.mu.next
		waiting := g != nil && g.records == n
		w.mu.Unlock()
		if waiting {
			return
		}
		runtime.Gosched()
	}
}
