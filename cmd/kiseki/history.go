package main

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/kiseki-dev/kiseki/internal/machine"
)

const (
	historyStep  = 10 * time.Second
	historySteps = 360 // an hour
)

// countKey names a series: what is counted, and by which receiver or for which
// reason.
type countKey struct{ what, of string }

// history is the latest hour of the server's counters in steps, so that a page
// that is opened has its charts at once. A series takes 1.4 kB and begins when
// something is first counted; there are two dozen at most.
type history struct {
	mu struct {
		sync.Mutex
		end   time.Time // of the last step
		steps int       // since the start
		last  map[countKey]uint64
		grown map[countKey]*[historySteps]uint32 // step i is at i % historySteps
		// resident is the process's memory in KiB at the end of each step.
		resident [historySteps]uint32
	}
}

// newHistory begins the first step.
func newHistory(now time.Time) *history {
	h := &history{}
	h.mu.end = now
	h.mu.last, h.mu.grown = map[countKey]uint64{}, map[countKey]*[historySteps]uint32{}
	return h
}

// add ends a step: counts are the counters at its end.
func (h *history) add(now time.Time, counts map[countKey]uint64, resident uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	at := h.mu.steps % historySteps
	for _, ring := range h.mu.grown {
		ring[at] = 0
	}
	for c, n := range counts {
		if n == h.mu.last[c] {
			continue
		}
		if h.mu.grown[c] == nil {
			h.mu.grown[c] = new([historySteps]uint32)
		}
		h.mu.grown[c][at] = uint32(min(n-h.mu.last[c], math.MaxUint32))
		h.mu.last[c] = n
	}
	h.mu.resident[at] = uint32(min(resident>>10, math.MaxUint32))
	h.mu.end = now
	h.mu.steps++
}

// past is the history as it is at one moment.
type past struct {
	end      time.Time
	resident []uint32
	grown    map[countKey][]uint32 // what was counted in the hour
}

// show copies the history, the oldest step first.
func (h *history) show() past {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := past{end: h.mu.end, resident: h.inOrder(&h.mu.resident), grown: map[countKey][]uint32{}}
	for c, ring := range h.mu.grown {
		if steps := h.inOrder(ring); slices.Max(steps) > 0 {
			out.grown[c] = steps
		}
	}
	return out
}

// inOrder is a ring, of which at least one step has ended or none is told.
func (h *history) inOrder(ring *[historySteps]uint32) []uint32 {
	if h.mu.steps < historySteps {
		return slices.Clone(ring[:h.mu.steps])
	}
	at := h.mu.steps % historySteps
	return slices.Concat(ring[at:], ring[:at])
}

// keepHistory runs until ctx ends.
func (s *server) keepHistory(ctx context.Context) {
	tick := time.NewTicker(historyStep)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			s.history.add(now, s.metrics.counts(s.pipeline.Stats()), machine.Resident())
		}
	}
}
