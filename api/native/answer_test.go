package native_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/kiseki-dev/kiseki/api/native"
	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/storage/scan/scantest"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/otlpjson"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// largeTrace has an answer of several pieces.
func largeTrace() *telemetry.Batch {
	b := telemetrytest.Random(3, 6000)
	for i := range b.Spans {
		b.Spans[i].TraceID = b.Spans[0].TraceID
	}
	return b
}

// TestPieces: a large trace comes in pieces that make up what one piece would,
// compressed or not; a small one comes whole, with its length.
func TestPieces(t *testing.T) {
	b := largeTrace()
	store := scantest.New(b)
	snap := store.Snapshot()
	defer snap.Release()
	trace, err := exec.FindTrace(t.Context(), snap, b.Spans[0].TraceID, exec.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	whole := func(p []byte) ([]byte, error) { return p, nil }
	columns, err := native.WriteColumns(nil, trace, whole)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(native.New(native.Options{Store: store, Logger: slog.New(slog.DiscardHandler)}))
	defer server.Close()
	for format, want := range map[string][]byte{"otlp": otlpjson.Append(nil, &trace.Batch), "columns": columns} {
		for _, compressed := range []bool{false, true} {
			client := http.Client{Transport: &http.Transport{DisableCompression: !compressed, DisableKeepAlives: true}}
			resp, err := client.Get(server.URL + native.Prefix + "/traces/" + b.Spans[0].TraceID.String() + "?format=" + format)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || resp.ContentLength >= 0 || resp.Uncompressed != compressed {
				t.Errorf("%s: %v, length %d, compressed %t", format, err, resp.ContentLength, resp.Uncompressed)
			}
			if g, w := withoutTime(string(got)), withoutTime(string(want)); g != w {
				t.Errorf("%s: %d bytes are not the %d that one piece has", format, len(g), len(w))
			}
		}
	}
	c := newClient(t, scantest.New(shop()))
	small := c.ask(http.MethodGet, "/traces/000000000000000000000000000000aa", "", http.StatusOK)
	if small.Header().Get("Content-Length") == "" {
		t.Error("a small trace comes without its length")
	}
}

// TestParts: a trace that is too large to be held is sent as it is read, every
// span once. That some of it cannot be read is in the trailer then.
func TestParts(t *testing.T) {
	b := telemetrytest.Random(4, 40_000)
	for i := range b.Spans {
		b.Spans[i].TraceID = b.Spans[0].TraceID
	}
	get := func(store scan.Store) (spans int, incomplete string) {
		server := httptest.NewServer(native.New(native.Options{Store: store, Logger: slog.New(slog.DiscardHandler)}))
		defer server.Close()
		client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		resp, err := client.Get(server.URL + native.Prefix + "/traces/" + b.Spans[0].TraceID.String())
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.Header.Get("Kiseki-Incomplete") != "" {
			t.Fatalf("%v, %v", err, resp.Header)
		}
		traces, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(body)
		if err != nil {
			t.Fatal(err)
		}
		return traces.SpanCount(), resp.Trailer.Get("Kiseki-Incomplete")
	}
	whole := scantest.New(b)
	snap := whole.Snapshot()
	defer snap.Release()
	trace, err := exec.FindTrace(t.Context(), snap, b.Spans[0].TraceID, exec.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	if spans, why := get(whole); spans != len(trace.Batch.Spans) || why != "" {
		t.Errorf("%d spans of %d, %q", spans, len(trace.Batch.Spans), why)
	}
	if spans, why := get(cutOff{whole}); spans == 0 || spans > 30_000 || why != "some of the stored data could not be read" {
		t.Errorf("of a trace that is damaged: %d spans, %q", spans, why)
	}
}

// cutOff is a store whose spans cannot be read from row 30,000 of a block on.
type cutOff struct{ scan.Store }

type cutOffSnapshot struct{ scan.Snapshot }

type cutOffSource struct{ scan.Source }

type cutOffBlock struct{ scan.Block }

func (s cutOff) Snapshot() scan.Snapshot { return cutOffSnapshot{s.Store.Snapshot()} }

func (s cutOffSnapshot) Sources() (out []scan.Source) {
	for _, src := range s.Snapshot.Sources() {
		out = append(out, cutOffSource{src})
	}
	return out
}

func (s cutOffSource) Find(id telemetry.TraceID, f func(scan.Block, int, int) error) error {
	return s.Source.Find(id, func(b scan.Block, lo, hi int) error { return f(cutOffBlock{b}, lo, hi) })
}

func (b cutOffBlock) Spans(lo, hi int, dst *telemetry.Batch) error {
	if hi > 30_000 {
		return errBroken
	}
	return b.Block.Spans(lo, hi, dst)
}

// TestBrokenOff: an error after the first piece breaks the connection, so that
// the client sees that it has not all of the answer.
func TestBrokenOff(t *testing.T) {
	b := largeTrace()
	api := native.New(native.Options{Store: scantest.New(b), Logger: slog.New(slog.DiscardHandler)})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		api.ServeHTTP(&failing{ResponseWriter: w, left: 2}, r)
	}))
	defer server.Close()
	for _, format := range []string{"otlp", "columns"} {
		client := http.Client{Transport: &http.Transport{DisableCompression: true, DisableKeepAlives: true}}
		resp, err := client.Get(server.URL + native.Prefix + "/traces/" + b.Spans[0].TraceID.String() + "?format=" + format)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if !errors.Is(err, io.ErrUnexpectedEOF) || bytes.HasSuffix(got, []byte("}}")) {
			t.Errorf("%s: %d bytes and %v", format, len(got), err)
		}
	}
}

// failing passes some writes and fails the others.
type failing struct {
	http.ResponseWriter
	left int
}

func (f *failing) Write(p []byte) (int, error) {
	if f.left--; f.left < 0 {
		return 0, errors.New("no more writes")
	}
	return f.ResponseWriter.Write(p)
}
