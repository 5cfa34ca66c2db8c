package instrument

import (
	"testing"
	"time"

	"github.com/kiseki-dev/kiseki/instrument"
)

// maxBatch is how many spans a request has at most: what can arrive twice
// when a process dies between an answer and the note of it.
const maxBatch = 2048

// TestKisekiKilled: kiseki is killed and started again while an application
// traces. Nothing is missing, and no more is doubled than at-least-once means.
func TestKisekiKilled(t *testing.T) {
	const rounds = 4
	k := startKiseki(t)
	p := startApplication(t, k, t.TempDir())
	var ids []string
	work := func(d time.Duration) {
		for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
			ids = append(ids, p.make(2)...)
		}
	}
	onDisk := uint64(0)
	for range rounds {
		work(300 * time.Millisecond)
		k.kill()
		work(400 * time.Millisecond)
		s := p.until("spans on disk", func(s instrument.Stats) bool { return s.WaitingOnDisk > 0 })
		onDisk = max(onDisk, s.WaitingOnDisk)
		k.start()
	}
	s := p.until("everything sent", func(s instrument.Stats) bool { return s.Waiting == 0 })
	p.stop()
	spans, again := k.count(ids)
	t.Logf("%d spans, kiseki killed %d times, up to %d on disk, %d of %d requests failed: %d arrived, %d twice",
		len(ids)*spansPerTrace, rounds, onDisk, s.FailedRequests, s.Requests, spans, again)
	if spans != len(ids)*spansPerTrace {
		t.Errorf("%d spans are missing", len(ids)*spansPerTrace-spans)
	}
	if again > rounds*maxBatch {
		t.Errorf("%d spans arrived twice", again)
	}
	if s.Dropped() != 0 {
		t.Errorf("spans were dropped: %+v", s)
	}
}

// TestApplicationKilled: an application is killed with a queue full of spans
// that could not be sent. The next one sends them.
func TestApplicationKilled(t *testing.T) {
	k := startKiseki(t)
	k.kill()
	queue := t.TempDir()
	var ids []string
	for range 3 {
		p := startApplication(t, k, queue)
		before := p.until("the queue of the last one", func(s instrument.Stats) bool {
			return s.Recovered == uint64(len(ids)*spansPerTrace)
		})
		ids = append(ids, p.make(100)...)
		p.until("spans on disk", func(s instrument.Stats) bool {
			return s.WaitingOnDisk == before.Recovered+100*spansPerTrace
		})
		p.kill()
	}
	k.start()
	p := startApplication(t, k, queue)
	p.until("everything sent", func(s instrument.Stats) bool { return s.Sent == uint64(len(ids)*spansPerTrace) })
	p.stop()
	spans, again := k.count(ids)
	t.Logf("%d spans of 3 killed applications: %d arrived, %d twice", len(ids)*spansPerTrace, spans, again)
	if spans != len(ids)*spansPerTrace || again > maxBatch {
		t.Errorf("of %d spans %d arrived, %d twice", len(ids)*spansPerTrace, spans, again)
	}
}

// TestStopWhileDown: a program that ends while kiseki is down leaves its
// spans to the next one.
func TestStopWhileDown(t *testing.T) {
	k := startKiseki(t)
	k.kill()
	queue := t.TempDir()
	p := startApplication(t, k, queue)
	ids := p.make(5)
	began := time.Now()
	t.Logf("the stop says %q after %v", p.ask("stop"), time.Since(began).Round(time.Millisecond))
	p.cmd.Wait()
	k.start()
	p = startApplication(t, k, queue)
	p.until("everything sent", func(s instrument.Stats) bool { return s.Sent == 500 })
	p.stop()
	if spans, again := k.count(ids); spans != 500 || again != 0 {
		t.Errorf("%d spans arrived, %d twice", spans, again)
	}
}
