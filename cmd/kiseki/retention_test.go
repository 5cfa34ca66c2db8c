package main

import (
	"strings"
	"testing"
	"time"

	"github.com/kiseki-dev/kiseki/config"
	"github.com/kiseki-dev/kiseki/storage"
	"github.com/kiseki-dev/kiseki/storage/vfs"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

func TestRetentionRules(t *testing.T) {
	r, err := retention(config.Retention{Age: time.Hour, Rules: []config.RetentionRule{{Match: "{status=error}", Age: time.Minute}}})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Rules) != 1 || r.Age != time.Hour || r.Rules[0].Age != time.Minute || r.Rules[0].Text != "{ status = error }" {
		t.Errorf("got %+v", r)
	}
	s, err := storage.Open(storage.Options{FS: vfs.NewMem(0), Dir: "/data", MinFreeBytes: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() // nothing to keep
	b := telemetrytest.Random(1, 100)
	if _, err := s.Append(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	snap := s.Snapshot()
	defer snap.Release()
	got, want := map[telemetry.TraceID]bool{}, map[telemetry.TraceID]bool{}
	for i := range b.Spans {
		if b.Spans[i].Status == telemetry.StatusError {
			want[b.Spans[i].TraceID] = true
		}
	}
	if err := r.Rules[0].Match(t.Context(), snap, func(id telemetry.TraceID) { got[id] = true }); err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) {
		t.Errorf("%d traces match, want %d", len(got), len(want))
	}

	_, err = retention(config.Retention{Rules: []config.RetentionRule{{Match: "{ }"}, {Match: "{ status = eror }"}}})
	if err == nil || !strings.Contains(err.Error(), "retention.rules: rule 2:") {
		t.Errorf("got %v", err)
	}
}
