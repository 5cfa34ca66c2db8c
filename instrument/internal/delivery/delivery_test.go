package delivery

import (
	"context"
	"net/http"
	"testing"
	"time"
)

func TestSpansArrive(t *testing.T) {
	r := newReceiver(t)
	d := start(t, Options{URL: r.URL + "/v1/traces", Headers: map[string]string{"X-Scope-OrgID": "team"}})
	m := newMaker(d)
	m.make(5000)
	if err := d.ForceFlush(context.Background()); err != nil {
		t.Fatal(err)
	}
	r.check(t, 5000)
	if got := r.last.Get("X-Scope-OrgID"); got != "team" {
		t.Errorf("header is %q", got)
	}
	m.make(10)
	if err := d.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	m.make(1) // too late
	s := d.Stats()
	balance(t, s)
	if s.Sent != 5010 || s.DroppedShutdown != 1 || s.LastError != nil {
		t.Errorf("stats: %+v", s)
	}
}

// TestOutage: spans that end while the receiver is down go to disk, and
// arrive when it is back.
func TestOutage(t *testing.T) {
	r := newReceiver(t)
	r.status.Store(http.StatusServiceUnavailable)
	d := start(t, Options{URL: r.URL, Dir: t.TempDir()})
	m := newMaker(d)
	for range 20 {
		m.make(100)
		time.Sleep(6 * time.Millisecond)
	}
	eventually(t, "everything is on disk", func() bool { return d.Stats().WaitingOnDisk == 2000 })
	s := d.Stats()
	balance(t, s)
	if s.FailedRequests == 0 || s.LastError == nil || s.DiskBytes == 0 {
		t.Errorf("stats: %+v", s)
	}
	r.status.Store(0)
	eventually(t, "everything is sent", func() bool { return d.Stats().Sent == 2000 })
	r.check(t, 2000)
	if s := d.Stats(); s.LastError != nil || s.WaitingOnDisk != 0 || s.DiskBytes != 0 {
		t.Errorf("stats: %+v", s)
	}
}

// TestAnswers: which answers keep a batch, and which drop it.
func TestAnswers(t *testing.T) {
	for _, x := range []struct {
		status int
		kept   bool
	}{
		{400, false}, {413, false}, {415, false}, {422, false},
		{401, true}, {403, true}, {404, true}, {408, true}, {429, true}, {302, true},
		{500, true}, {502, true}, {503, true}, {504, true},
	} {
		t.Run(http.StatusText(x.status), func(t *testing.T) {
			r := newReceiver(t)
			r.status.Store(int64(x.status))
			d := start(t, Options{URL: r.URL})
			newMaker(d).make(10)
			eventually(t, "a request", func() bool { return d.Stats().FailedRequests == 1 })
			eventually(t, "the answer counted", func() bool { return (d.Stats().DroppedRejected == 0) == x.kept })
			if !x.kept {
				return
			}
			r.status.Store(0)
			eventually(t, "sent again", func() bool { return d.Stats().Sent == 10 })
			if r.requests() != 2 {
				t.Errorf("%d requests", r.requests())
			}
		})
	}
}
