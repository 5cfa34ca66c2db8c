package main

import (
	"fmt"
	"testing"
	"time"
)

func TestHistory(t *testing.T) {
	start := time.Unix(1000, 0)
	h := newHistory(start)
	spans, drops := countKey{"spans", "otlp/grpc"}, countKey{"drop", "too_large"}
	if got := h.show(); len(got.grown) != 0 || len(got.resident) != 0 {
		t.Errorf("before the first step: %+v", got)
	}
	for i := range 3 {
		h.add(start.Add(time.Duration(i+1)*historyStep), map[countKey]uint64{spans: uint64(i * i * 10), drops: 0}, 2048)
	}
	got := h.show()
	if want := "map[{spans otlp/grpc}:[0 10 30]]"; fmt.Sprint(got.grown) != want {
		t.Errorf("grown %v, want %s", got.grown, want)
	}
	if fmt.Sprint(got.resident) != "[2 2 2]" || !got.end.Equal(start.Add(3*historyStep)) {
		t.Errorf("%+v", got)
	}

	// An hour later the first steps are forgotten, and what was only in them.
	for i := range historySteps {
		h.add(start, map[countKey]uint64{spans: 40, drops: uint64(i)}, 0)
	}
	got = h.show()
	if len(got.grown) != 1 || len(got.grown[drops]) != historySteps || got.grown[drops][0] != 0 || got.grown[drops][1] != 1 {
		t.Errorf("after an hour: %v", got.grown)
	}
}
