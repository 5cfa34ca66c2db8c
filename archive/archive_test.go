package archive_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"go.uber.org/goleak"

	"github.com/kiseki-dev/kiseki/archive"
	"github.com/kiseki-dev/kiseki/ingest/otlp"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// odd are spans that a file must not change: repeated keys, empty lists and
// times that no clock shows.
func odd() *telemetry.Batch {
	b := &telemetry.Batch{
		Resources: []telemetry.Resource{{}},
		Scopes:    []telemetry.Scope{{}},
		Attrs: []telemetry.Attr{
			{Key: "twice", Value: telemetry.IntValue(1)}, {Key: "twice", Value: telemetry.StringValue("1")}, {Key: "", Value: telemetry.Value{}},
			{Key: "array", Value: telemetry.ArrayValue("")}, {Key: "map", Value: telemetry.MapValue("")}, {Key: "nan", Value: telemetry.DoubleValue(math.NaN())},
		},
	}
	b.Spans = []telemetry.Span{
		{TraceID: telemetry.TraceID{1}, SpanID: telemetry.SpanID{1}, Start: math.MaxUint64, End: math.MaxUint64 - 1, Attrs: telemetry.Range{End: 6}},
		{TraceID: telemetry.TraceID{1}, SpanID: telemetry.SpanID{2}, Flags: math.MaxUint32, DroppedAttrs: math.MaxUint32},
	}
	return b
}

func write(t testing.TB, f archive.Format, batches ...*telemetry.Batch) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := archive.NewWriter(f, &out)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range batches {
		if err := w.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func save(t testing.TB, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// read is the dump of all spans of a file.
func read(t testing.TB, path string) string {
	t.Helper()
	f, err := archive.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []string
	for {
		var b telemetry.Batch
		rejected, err := f.Next(&b)
		if errors.Is(err, io.EOF) {
			return dumpSorted(all)
		}
		if err != nil || rejected > 0 {
			t.Fatal(rejected, err)
		}
		for i := range b.Spans {
			all = append(all, telemetrytest.DumpSpan(&b, i))
		}
	}
}

func dumpAll(batches ...*telemetry.Batch) string {
	var all []string
	for _, b := range batches {
		for i := range b.Spans {
			all = append(all, telemetrytest.DumpSpan(b, i))
		}
	}
	return dumpSorted(all)
}

func TestRoundTrip(t *testing.T) {
	batches := []*telemetry.Batch{telemetrytest.Random(1, 700), odd(), {}, telemetrytest.Random(2, 900)}
	want := dumpAll(batches...)
	for _, f := range archive.Formats() {
		t.Run(f, func(t *testing.T) {
			if got := read(t, save(t, write(t, archive.Format(f), batches...))); got != want {
				t.Errorf("other spans came back: %s", firstDifference(got, want))
			}
			if got := read(t, save(t, write(t, archive.Format(f)))); got != "" {
				t.Errorf("an empty file has spans: %s", got)
			}
		})
	}
}

func TestEqualSpansGiveEqualFiles(t *testing.T) {
	for _, f := range archive.Formats() {
		if !bytes.Equal(write(t, archive.Format(f), telemetrytest.Random(1, 100)), write(t, archive.Format(f), telemetrytest.Random(1, 100))) {
			t.Errorf("%s: two files of the same spans differ", f)
		}
	}
}

func TestCompressedLines(t *testing.T) {
	b := telemetrytest.Random(3, 100)
	lines := append([]byte("\n"), write(t, archive.FormatOTLPJSON, b)...)
	var gz, zst bytes.Buffer
	g := gzip.NewWriter(&gz)
	z, err := zstd.NewWriter(&zst)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []io.WriteCloser{g, z} {
		if _, err := w.Write(lines); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for name, data := range map[string][]byte{"plain": lines, "without an end of line": bytes.TrimSpace(lines), "gzip": gz.Bytes(), "zstd": zst.Bytes()} {
		if got := read(t, save(t, data)); got != dumpAll(b) {
			t.Errorf("%s: other spans came back: %s", name, firstDifference(got, dumpAll(b)))
		}
	}
}

func TestNotAnArchive(t *testing.T) {
	whole := write(t, archive.FormatParquet, telemetrytest.Random(1, 50))
	for name, data := range map[string]string{
		"text": "hello\n", "broken line": `{"resourceSpans":[`, "no Parquet": "PAR1PAR1", "cut Parquet": string(whole[:len(whole)-20]),
	} {
		f, err := archive.Open(save(t, []byte(data)))
		if err == nil {
			var b telemetry.Batch
			_, err = f.Next(&b)
			f.Close()
		}
		if err == nil || errors.Is(err, io.EOF) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// receiver takes OTLP/JSON; it answers as answers say first.
type receiver struct {
	t       *testing.T
	answers []func(w http.ResponseWriter)
	spans   []string
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if len(r.answers) > 0 {
		answer := r.answers[0]
		r.answers = r.answers[1:]
		answer(w)
		return
	}
	z, err := gzip.NewReader(req.Body)
	if err != nil {
		r.t.Error(err)
		return
	}
	body, err := io.ReadAll(z)
	if err != nil {
		r.t.Error(err)
		return
	}
	var b telemetry.Batch
	if _, err := otlp.NewDecoder(otlp.DecodeLimits{Depth: 64, Elements: 1 << 24}).DecodeJSON(body, &b); err != nil {
		r.t.Error(err)
		return
	}
	for i := range b.Spans {
		r.spans = append(r.spans, telemetrytest.DumpSpan(&b, i))
	}
	fmt.Fprint(w, `{}`)
}

func status(code int, after string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.Header().Set("Retry-After", after)
		w.WriteHeader(code)
		fmt.Fprint(w, "because")
	}
}

func TestSend(t *testing.T) {
	r := &receiver{t: t, answers: []func(http.ResponseWriter){status(503, "7"), status(429, "")}}
	server := httptest.NewServer(r)
	defer server.Close()
	var waits []time.Duration
	s := archive.Sender{URL: server.URL + "/", Client: server.Client(), Wait: func(_ context.Context, d time.Duration) error {
		waits = append(waits, d)
		return nil
	}}
	b := telemetrytest.Random(5, 4500)
	if err := s.Send(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if got := dumpSorted(r.spans); got != dumpAll(b) {
		t.Errorf("other spans arrived: %s", firstDifference(got, dumpAll(b)))
	}
	if fmt.Sprint(waits) != "[7s 2s]" {
		t.Errorf("waited %v", waits)
	}
	if s.Sent.Spans != 4500 || s.Sent.Rejected != 0 || s.Sent.Retries != 2 || s.Sent.Requests < 3 {
		t.Errorf("counts: %+v", s.Sent)
	}
	r.answers = []func(http.ResponseWriter){func(w http.ResponseWriter) {
		fmt.Fprint(w, `{"partialSuccess":{"rejectedSpans":"2","errorMessage":"no"}}`)
	}}
	if err := s.Send(t.Context(), telemetrytest.Random(5, 10)); err != nil || s.Sent.Rejected != 2 || s.Sent.Message != "no" {
		t.Errorf("partial success: %v, %+v", err, s.Sent)
	}
	r.answers = []func(http.ResponseWriter){status(400, "")}
	if err := s.Send(t.Context(), telemetrytest.Random(5, 10)); err == nil || !strings.Contains(err.Error(), "because") || len(waits) != 2 {
		t.Errorf("a refusal: %v", err)
	}
}

// TestSendLargeSpans: what is too large for one request is sent in halves.
func TestSendLargeSpans(t *testing.T) {
	r := &receiver{t: t}
	server := httptest.NewServer(r)
	defer server.Close()
	b := telemetrytest.Random(5, 20)
	b.Attrs = append(b.Attrs, telemetry.Attr{Key: "big", Value: telemetry.StringValue(strings.Repeat("x", 1<<20))})
	for i := range b.Spans {
		b.Spans[i].Attrs = telemetry.Range{Start: uint32(len(b.Attrs) - 1), End: uint32(len(b.Attrs))}
	}
	s := archive.Sender{URL: server.URL, Client: server.Client()}
	if err := s.Send(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if s.Sent.Requests != 4 || dumpSorted(r.spans) != dumpAll(b) {
		t.Errorf("%d requests, %d spans", s.Sent.Requests, len(r.spans))
	}
}

func BenchmarkWrite(b *testing.B) {
	for _, f := range archive.Formats() {
		b.Run(f, func(b *testing.B) {
			batch := telemetrytest.Random(1, 2000)
			w, err := archive.NewWriter(archive.Format(f), io.Discard)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := w.Write(batch); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(batch.Spans)), "ns/span")
		})
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(write(f, archive.FormatOTLPJSON, telemetrytest.Random(1, 3)))
	f.Add(write(f, archive.FormatParquet, telemetrytest.Random(1, 3)))
	f.Add([]byte("PAR1"))
	f.Add([]byte{0x1f, 0x8b, 8})
	f.Add([]byte{0x28, 0xb5, 0x2f, 0xfd})
	f.Fuzz(func(t *testing.T, data []byte) {
		if bytes.HasPrefix(data, []byte("PAR1")) && len(data) > 1<<14 {
			return
		}
		file, err := archive.Open(save(t, data))
		if err != nil {
			return
		}
		defer file.Close()
		var b telemetry.Batch
		for range 100 {
			if _, err := file.Next(&b); err != nil {
				return
			}
		}
	})
}
