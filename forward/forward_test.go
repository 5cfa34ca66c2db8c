package forward_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kiseki-dev/kiseki/forward"
	"github.com/kiseki-dev/kiseki/ingest"
	"github.com/kiseki-dev/kiseki/ingest/jaeger"
	"github.com/kiseki-dev/kiseki/ingest/otlp"
	"github.com/kiseki-dev/kiseki/ingest/zipkin"
	"github.com/kiseki-dev/kiseki/storage/vfs"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
	"github.com/kiseki-dev/kiseki/telemetry/zipkinjson"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sink is a receiver's store: it counts spans by all that they are.
type sink struct {
	text func(b *telemetry.Batch, i int) string // of a span; nil: everything
	mu   struct {
		sync.Mutex
		got map[string]int
		err error // what it answers with
	}
}

func (s *sink) append(_ context.Context, b *telemetry.Batch) (telemetry.Outcome, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.err != nil {
		return telemetry.Outcome{}, s.mu.err
	}
	if s.mu.got == nil {
		s.mu.got = map[string]int{}
	}
	for i := range b.Spans {
		s.mu.got[s.textOf(b, i)]++
	}
	return telemetry.Outcome{}, nil
}

func (s *sink) textOf(b *telemetry.Batch, i int) string {
	if s.text != nil {
		return s.text(b, i)
	}
	return telemetrytest.DumpSpan(b, i)
}

func (s *sink) answer(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.err = err
}

func (s *sink) spans() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.mu.got)
}

// wait waits until the sink has each of the spans, and nothing else, at least
// once.
func (s *sink) wait(t *testing.T, want map[string]bool) {
	t.Helper()
	var missing, other int
	within(t, func() bool {
		got := s.spans()
		missing, other = 0, 0
		for text := range want {
			if got[text] == 0 {
				missing++
			}
		}
		for text := range got {
			if !want[text] {
				other++
			}
		}
		return missing == 0
	}, func() string { return fmt.Sprintf("%d of %d spans are missing", missing, len(want)) })
	if other > 0 {
		t.Errorf("%d spans came that were not sent", other)
	}
}

// within waits for ok to hold.
func within(t *testing.T, ok func() bool, why func() string) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(why())
		}
	}
}

// receive is kiseki's own receiver; it returns the addresses of its servers.
func receive(t *testing.T, s *sink) (grpc, http string) {
	t.Helper()
	r := otlp.New(otlp.Options{
		Append: s.append, Limits: ingest.Limits{RequestBytes: 64 << 20, DecodedBytes: 64 << 20}, Budget: ingest.NewBudget(256 << 20), Logger: slog.New(slog.DiscardHandler),
	})
	listen := func(serve func(net.Listener) error) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go serve(l)
		return l.Addr().String()
	}
	grpc, http = listen(r.ServeGRPC), listen(r.ServeHTTP)
	t.Cleanup(func() {
		if err := r.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return grpc, http
}

func open(t *testing.T, fsys vfs.FS, dir string, to ...forward.Destination) *forward.Forwarder {
	t.Helper()
	f, err := forward.Open(forward.Options{Dir: dir, Destinations: to, FS: fsys, Logger: slog.New(slog.DiscardHandler), LeastRetry: 5 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func shut(t *testing.T, f *forward.Forwarder) {
	t.Helper()
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

// stored is a store that takes everything.
func stored(context.Context, *telemetry.Batch) (telemetry.Outcome, error) {
	return telemetry.Outcome{}, nil
}

// send sends random batches and returns their spans' texts.
func send(t *testing.T, f *forward.Forwarder, seed uint64, batches, spans int) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	take := f.Watch(stored)
	for range batches {
		b := telemetrytest.Random(seed, spans)
		seed++
		if _, err := take(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		for i := range b.Spans {
			out[telemetrytest.DumpSpan(b, i)] = true
		}
	}
	return out
}

// Kiseki forwards to kiseki, and nothing that a span has is lost.
func TestOTLP(t *testing.T) {
	var byGRPC, byHTTP sink
	grpcAt, _ := receive(t, &byGRPC)
	_, httpAt := receive(t, &byHTTP)
	f := open(t, nil, t.TempDir(),
		forward.Destination{Name: "grpc", To: "otlp+grpc://" + grpcAt},
		forward.Destination{Name: "http", To: "otlp+http://" + httpAt},
	)
	defer shut(t, f)
	want := send(t, f, 1, 30, 40)
	byGRPC.wait(t, want)
	byHTTP.wait(t, want)
	within(t, func() bool { return f.Stats()[0].QueuedBytes+f.Stats()[1].QueuedBytes == 0 }, func() string { return fmt.Sprintf("the queues are not emptied: %+v", f.Stats()) })
	for _, s := range f.Stats() {
		if s.SentSpans != 30*40 || s.Failed > 0 || s.Dropped != [len(forward.Reasons)]uint64{} {
			t.Errorf("%+v", s)
		}
	}
}

// ingestOptions are those of a receiver that stores in s.
func ingestOptions(s *sink) ingest.Options {
	return ingest.Options{
		Append: s.append, Limits: ingest.Limits{RequestBytes: 64 << 20, DecodedBytes: 64 << 20}, Budget: ingest.NewBudget(256 << 20), Logger: slog.New(slog.DiscardHandler),
	}
}

// serve serves a receiver until the end of the test and returns its address.
func serve(t *testing.T, serve func(net.Listener) error, shutdown func(context.Context) error) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go serve(l)
	t.Cleanup(func() {
		if err := shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

// By the protocols of others kiseki sends to kiseki what these have a place for:
// written in such a protocol, what came is what was sent.
func TestOtherProtocols(t *testing.T) {
	byZipkin := sink{text: func(b *telemetry.Batch, i int) string {
		one := *b
		one.Spans = b.Spans[i : i+1]
		out, err := zipkinjson.Write(nil, &one, func(p []byte) ([]byte, error) { return p, nil })
		if err != nil {
			t.Error(err)
		}
		return string(out)
	}}
	z := zipkin.New(zipkin.Options{Ingest: ingestOptions(&byZipkin)})
	byJaeger := sink{text: forward.JaegerSpan}
	j := jaeger.New(ingestOptions(&byJaeger))
	for _, x := range []struct {
		to   string
		sink *sink
	}{
		{"zipkin://" + serve(t, z.Serve, z.Shutdown), &byZipkin},
		{"jaeger://" + serve(t, j.ServeGRPC, j.Shutdown), &byJaeger},
	} {
		t.Run(x.to[:6], func(t *testing.T) {
			f := open(t, nil, t.TempDir(), forward.Destination{Name: "a", To: x.to})
			defer shut(t, f)
			want := map[string]bool{}
			for seed := range uint64(20) {
				b := tame(telemetrytest.Random(seed, 30))
				for i := range b.Spans {
					want[x.sink.textOf(b, i)] = true
				}
				if _, err := f.Watch(stored)(t.Context(), b); err != nil {
					t.Fatal(err)
				}
			}
			within(t, func() bool { return f.Stats()[0].SentSpans == 600 }, func() string { return fmt.Sprintf("%+v", f.Stats()[0]) })
			got := x.sink.spans()
			for text := range want {
				if got[text] == 0 {
					delete(want, text)
					for other := range got {
						if !want[other] {
							t.Fatalf("sent %q\ncame %q", text, other)
						}
					}
				}
			}
		})
	}
}

// tame makes of random spans such as SDKs send, which end after they start.
func tame(b *telemetry.Batch) *telemetry.Batch {
	for i := range b.Spans {
		s := &b.Spans[i]
		s.Start = 1_790_000_000_000_000_000 + s.Start%1e12
		s.End = s.Start + 1000 + s.End%1e12
	}
	for i := range b.Events {
		b.Events[i].Time = 1_790_000_000_000_000_000 + b.Events[i].Time%1e12
	}
	return b
}

// Only what the filter lets through is sent.
func TestMatch(t *testing.T) {
	var errs sink
	_, at := receive(t, &errs)
	f := open(t, nil, t.TempDir(), forward.Destination{Name: "errors", To: "otlp+http://" + at, Match: "{ status = error }"})
	defer shut(t, f)
	want := map[string]bool{}
	b := telemetrytest.Random(5, 300)
	for i := range b.Spans {
		if b.Spans[i].Status == telemetry.StatusError {
			want[telemetrytest.DumpSpan(b, i)] = true
		}
	}
	if len(want) == 0 {
		t.Fatal("no span has failed: this test is blind")
	}
	if _, err := f.Watch(stored)(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	errs.wait(t, want)
}

// What the store refuses is not forwarded: the client sends it again.
func TestRefusedByStore(t *testing.T) {
	f := open(t, nil, t.TempDir(), forward.Destination{Name: "a", To: "otlp+http://127.0.0.1:1"})
	defer shut(t, f)
	full := errors.New("full")
	_, err := f.Watch(func(context.Context, *telemetry.Batch) (telemetry.Outcome, error) { return telemetry.Outcome{}, full })(t.Context(), telemetrytest.Random(1, 10))
	if err != full || f.Stats()[0].QueuedBytes > 0 {
		t.Errorf("got %v, %+v", err, f.Stats())
	}
}

// A destination that is down for long costs its oldest spans and nobody else
// anything: those who send are answered, the other destination has everything.
func TestDownForLong(t *testing.T) {
	var up, late sink
	_, upAt := receive(t, &up)
	late.answer(&telemetry.RetryError{After: time.Millisecond, Err: errors.New("not now")})
	lateAt, _ := receive(t, &late)
	f := open(t, nil, t.TempDir(),
		forward.Destination{Name: "down", To: "otlp+grpc://" + lateAt, QueueBytes: 400 << 10},
		forward.Destination{Name: "up", To: "otlp+http://" + upAt},
	)
	defer shut(t, f)
	want := send(t, f, 100, 60, 100)
	up.wait(t, want)
	down := f.Stats()[0]
	if down.QueuedBytes > 500<<10 || down.QueuedBytes < 200<<10 {
		t.Errorf("%d bytes are queued, 400 KiB may be", down.QueuedBytes)
	}
	if down.Failure == "" || down.FailingSince.IsZero() || down.SentSpans > 0 {
		t.Errorf("nothing tells that it is down: %+v", down)
	}
	dropped := down.Dropped[0]
	if dropped == 0 || dropped >= 6000 {
		t.Errorf("%d spans were dropped", dropped)
	}
	late.answer(nil)
	within(t, func() bool { s := f.Stats()[0]; return s.SentSpans+dropped == 6000 && s.Failure == "" }, func() string { return fmt.Sprintf("%+v", f.Stats()[0]) })
	for text, n := range late.spans() {
		if !want[text] || n > 1 {
			t.Fatalf("a span came %d times", n)
		}
	}
}

// What is queued is sent after a restart, and after a power cut at any moment.
func TestRestart(t *testing.T) {
	disk := vfs.NewMem(0)
	if err := errors.Join(disk.MkdirAll("data"), disk.SyncDir(".")); err != nil { // as the store does
		t.Fatal(err)
	}
	nowhere := forward.Destination{Name: "a", To: "otlp+http://127.0.0.1:1"}
	f := open(t, disk, "data/forward", nowhere)
	want := send(t, f, 1, 20, 30)
	cut := disk.CrashClone(rand.New(rand.NewPCG(7, 7)))
	shut(t, f)
	var got sink
	_, at := receive(t, &got)
	there := forward.Destination{Name: "a", To: "otlp+http://" + at}
	f = open(t, disk, "data/forward", there)
	got.wait(t, want)
	shut(t, f)

	var after sink
	_, at = receive(t, &after)
	f = open(t, cut, "data/forward", forward.Destination{Name: "a", To: "otlp+http://" + at})
	defer shut(t, f)
	after.wait(t, want)
}

// What a destination calls malformed is dropped; what follows is sent.
func TestAnswers(t *testing.T) {
	var mu sync.Mutex
	var answers []int
	var seen []time.Time
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, time.Now())
		if r.Header.Get("Authorization") != "Bearer x" {
			t.Errorf("headers are %v", r.Header)
		}
		if len(answers) == 0 {
			return
		}
		if answers[0] == http.StatusServiceUnavailable {
			w.Header().Set("Retry-After", "1")
		}
		w.WriteHeader(answers[0])
		answers = answers[1:]
	}))
	defer server.Close()
	f := open(t, nil, t.TempDir(), forward.Destination{Name: "a", To: strings.Replace(server.URL, "http", "otlp+http", 1), Headers: map[string]string{"Authorization": "Bearer x"}})
	defer shut(t, f)
	for _, x := range []struct {
		answers          []int
		sent, drop, fail uint64
		pause            time.Duration
	}{
		{answers: []int{503}, sent: 10, fail: 1, pause: time.Second},
		{answers: []int{401, 404, 500}, sent: 10, fail: 3},
		{answers: []int{400}, drop: 10, fail: 1},
		{answers: []int{413}, sent: 10},
		{answers: []int{413, 413, 413, 413, 413}, sent: 8, drop: 2}, // 10, 5, 2, 1, 1
	} {
		before := f.Stats()[0]
		mu.Lock()
		answers, seen = x.answers, nil
		mu.Unlock()
		send(t, f, 1, 1, 10)
		var s forward.Stats
		within(t, func() bool { s = f.Stats()[0]; return s.QueuedBytes == 0 && s.Requests > before.Requests }, func() string { return fmt.Sprintf("%v: %+v", x.answers, s) })
		drop := uint64(0)
		for i := range s.Dropped {
			drop += s.Dropped[i] - before.Dropped[i]
		}
		if s.SentSpans-before.SentSpans != x.sent || drop != x.drop || s.Failed-before.Failed != x.fail {
			t.Errorf("%v: %+v after %+v", x.answers, s, before)
		}
		if mu.Lock(); x.pause > 0 && seen[1].Sub(seen[0]) < x.pause {
			t.Errorf("%v: sent again after %s", x.answers, seen[1].Sub(seen[0]))
		}
		mu.Unlock()
	}
}

func TestMistakes(t *testing.T) {
	for _, x := range []struct {
		d    forward.Destination
		want string
	}{
		{forward.Destination{To: "otlp+gprc://h"}, `begins with none of otlp+grpc, otlp+grpcs`},
		{forward.Destination{To: "otlp+gprc://h"}, `did you mean "otlp+grpc"`},
		{forward.Destination{To: "otlp+http:///x"}, "has no host"},
		{forward.Destination{To: "file://x"}, "has no path"},
		{forward.Destination{To: "otlp+http://u:secret@h"}, "credentials are headers"},
		{forward.Destination{To: "otlp+http://h", CA: "x"}, "without"},
		{forward.Destination{To: "otlp+https://h", CA: "none.pem"}, "none.pem"},
		{forward.Destination{To: "otlp+https://h", Cert: "x"}, "belong together"},
		{forward.Destination{To: "file:///x", Headers: map[string]string{"a": "b"}}, "has none"},
		{forward.Destination{To: "otlp+http://h", Match: "{ .a = }"}, "match: "},
		{forward.Destination{To: "otlp+http://h", Match: "{ rootName = `a` }"}, "whole trace"},
	} {
		x.d.Name = "a"
		f, err := forward.Open(forward.Options{Dir: t.TempDir(), Destinations: []forward.Destination{x.d}, Logger: slog.New(slog.DiscardHandler)})
		if err == nil {
			shut(t, f)
			t.Errorf("%+v is taken", x.d)
		} else if !strings.Contains(err.Error(), x.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%+v: %v", x.d, err)
		}
	}
}

// Files have the spans as OTLP/JSON, and no more of them than are wanted.
func TestFile(t *testing.T) {
	disk := vfs.NewMem(0)
	to := forward.Destination{Name: "file", To: "file:///out/spans.jsonl", FileBytes: 100 << 10, Files: 3}
	f := open(t, disk, "forward", to)
	want := send(t, f, 1, 4, 20)
	read := func(name string) string {
		data, err := vfs.ReadFile(disk, filepath.FromSlash("/out/"+name))
		if err != nil {
			return ""
		}
		return string(data)
	}
	spansOf := func(text string) map[string]bool {
		d := otlp.NewDecoder(otlp.DecodeLimits{Depth: 32, Elements: 1 << 20})
		got := map[string]bool{}
		for line := range strings.Lines(text) {
			var b telemetry.Batch
			if _, err := d.DecodeJSON([]byte(line), &b); err != nil {
				t.Fatalf("%v in %s", err, line)
			}
			for i := range b.Spans {
				got[telemetrytest.DumpSpan(&b, i)] = true
			}
		}
		return got
	}
	within(t, func() bool { return maps.Equal(spansOf(read("spans.jsonl")), want) }, func() string { return "spans are missing in " + read("spans.jsonl") })
	shut(t, f)

	torn, err := disk.Append(filepath.FromSlash("/out/spans.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	torn.Write([]byte(`{"resourceSp`))
	torn.Close()
	f = open(t, disk, "forward", to)
	defer shut(t, f)
	send(t, f, 50, 1, 1)
	within(t, func() bool { return strings.Contains(read("spans.jsonl"), "{\"resourceSp\n{") }, func() string { return "a torn line is not ended" })
	for seed := uint64(200); read("spans.jsonl.2") == ""; seed += 10 {
		send(t, f, seed, 10, 20)
		within(t, func() bool { return f.Stats()[0].QueuedBytes == 0 }, func() string { return "not sent" })
	}
	for range 5 {
		send(t, f, 900, 10, 20)
		within(t, func() bool { return f.Stats()[0].QueuedBytes == 0 }, func() string { return "not sent" })
	}
	if names, err := disk.List("/out"); err != nil || len(names) != 3 {
		t.Errorf("%v, %v", names, err)
	}
	if text := read("spans.jsonl.1"); len(text) > 100<<10 && strings.Count(text, "\n") > 1 {
		t.Errorf("a file has %d bytes", len(text))
	}
}
