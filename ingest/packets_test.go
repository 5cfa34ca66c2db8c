package ingest

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kiseki-dev/kiseki/telemetry"
)

// words decodes a datagram of words as one span a word; "bad" is malformed and
// "bug" a bug.
func words(packet []byte, b *telemetry.Batch) (Report, error) {
	b.Resources = append(b.Resources, telemetry.Resource{})
	b.Scopes = append(b.Scopes, telemetry.Scope{})
	for w := range strings.FieldsSeq(string(packet)) {
		b.Spans = append(b.Spans, telemetry.Span{Name: w, Resource: uint32(len(b.Resources) - 1)})
		switch w {
		case "bad":
			return Report{}, errors.New("not a word")
		case "bug":
			panic("a bug")
		}
	}
	return Report{}, nil
}

type packetFixture struct {
	mu       sync.Mutex
	names    []string
	outcomes map[string]int
	observed int
	spans    int
}

func (f *packetFixture) append(_ context.Context, b *telemetry.Batch) (telemetry.Outcome, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range b.Spans {
		f.names = append(f.names, s.Name)
	}
	return telemetry.Outcome{}, nil
}

func (f *packetFixture) observe(o Observation) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.outcomes == nil {
		f.outcomes = map[string]int{}
	}
	f.outcomes[o.Outcome]++
	f.observed++
	f.spans += o.Spans
}

func (f *packetFixture) serve(t *testing.T, o Options) (*PacketServer, net.Conn) {
	t.Helper()
	o.Protocol, o.Title, o.Observe, o.Logger = "words", "words", f.observe, slog.New(slog.DiscardHandler)
	if o.Append == nil {
		o.Append = f.append
	}
	s := New(o).PacketServer("words/UDP", "text", words)
	l, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	c, err := net.Dial("udp", l.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Close()
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return s, c
}

func (f *packetFixture) wait(t *testing.T, observed int) {
	t.Helper()
	for until := time.Now().Add(10 * time.Second); time.Now().Before(until); time.Sleep(time.Millisecond) {
		f.mu.Lock()
		n := f.observed
		f.mu.Unlock()
		if n >= observed {
			return
		}
	}
	t.Fatalf("%d datagrams were observed, not %d", f.observed, observed)
}

func send(t *testing.T, c net.Conn, texts ...string) {
	t.Helper()
	for _, s := range texts {
		if _, err := c.Write([]byte(s)); err != nil {
			t.Fatal(err)
		}
	}
}

// What is wrong with one datagram leaves the others alone, and each is counted.
func TestPackets(t *testing.T) {
	var f packetFixture
	_, c := f.serve(t, Options{})
	send(t, c, "one two", "three bad", "bug", "four")
	f.wait(t, 4)
	f.mu.Lock()
	defer f.mu.Unlock()
	if got := strings.Join(f.names, " "); got != "one two four" {
		t.Errorf("stored %q", got)
	}
	if f.outcomes[OutcomeOK] != 2 || f.outcomes[OutcomeMalformed] != 1 || f.outcomes[OutcomeFailed] != 1 || f.spans != 3 {
		t.Errorf("observed %v, %d spans", f.outcomes, f.spans)
	}
}

// While the store is busy datagrams wait; those beyond the bound are dropped
// and counted, and what waited is stored once the store has time.
func TestPacketsWaitForTheStore(t *testing.T) {
	var f packetFixture
	busy := true
	s, c := f.serve(t, Options{Append: func(ctx context.Context, b *telemetry.Batch) (telemetry.Outcome, error) {
		f.mu.Lock()
		refuse := busy
		f.mu.Unlock()
		if refuse {
			return telemetry.Outcome{}, &telemetry.RetryError{After: time.Millisecond, Err: errors.New("busy")}
		}
		return f.append(ctx, b)
	}})
	send(t, c, "first")
	for s.waiting.Used() == 0 { // it is being stored
		time.Sleep(time.Millisecond)
	}
	s.waiting.reserve(packetQueue - s.waiting.Used())
	send(t, c, "beyond")
	f.wait(t, 1)
	f.mu.Lock()
	if f.outcomes[OutcomeOverloaded] != 1 {
		t.Errorf("observed %v", f.outcomes)
	}
	busy = false
	f.mu.Unlock()
	f.wait(t, 2)
	f.mu.Lock()
	defer f.mu.Unlock()
	if got := strings.Join(f.names, " "); got != "first" {
		t.Errorf("stored %q", got)
	}
}

// Shutdown stores what waits.
func TestPacketsShutdown(t *testing.T) {
	var f packetFixture
	s := New(Options{Protocol: "words", Append: f.append, Observe: f.observe}).PacketServer("words/UDP", "text", words)
	for range 100 {
		s.enqueue([]byte("a b"))
	}
	if err := s.Shutdown(t.Context()); err != nil || len(f.names) != 200 || s.waiting.Used() != 0 || s.receiver.budget.Used() != 0 {
		t.Errorf("%d spans are stored, %d bytes wait: %v", len(f.names), s.waiting.Used(), err)
	}
}
