package forward_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/kiseki-dev/kiseki/forward"
	"github.com/kiseki-dev/kiseki/ingest/xray"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// toXRay sends batches to kiseki's own receiver of X-Ray and returns what came,
// each span as text.
func toXRay(t *testing.T, text func(b *telemetry.Batch, i int) string, batches ...*telemetry.Batch) map[string]int {
	t.Helper()
	s := sink{text: text}
	x := xray.New(ingestOptions(&s))
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go x.ServePackets(c)
	defer x.Shutdown(context.Background())
	f := open(t, nil, t.TempDir(), forward.Destination{Name: "a", To: "xray://" + c.LocalAddr().String()})
	defer shut(t, f)
	spans := 0
	for _, b := range batches {
		spans += len(b.Spans)
		if _, err := f.Watch(stored)(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	within(t, func() bool {
		n := 0
		for _, times := range s.spans() {
			n += times
		}
		return n == spans
	}, func() string { return fmt.Sprintf("%d kinds of %d spans: %+v", len(s.spans()), spans, f.Stats()) })
	return s.spans()
}

// Each span comes with its place, its time and whether it failed.
func TestXRay(t *testing.T) {
	text := func(b *telemetry.Batch, i int) string {
		s := &b.Spans[i]
		return fmt.Sprint(s.TraceID, s.SpanID, s.ParentID, s.Start, s.End, s.Status == telemetry.StatusError)
	}
	want := map[string]bool{}
	var batches []*telemetry.Batch
	for seed := range uint64(10) {
		b := tame(telemetrytest.Random(seed, 30))
		for i := range b.Spans {
			want[text(b, i)] = true
		}
		batches = append(batches, b)
	}
	for got := range toXRay(t, text, batches...) {
		if !want[got] {
			t.Fatalf("came %s, which was not sent", got)
		}
	}
}

// What X-Ray has fields for is in them, the rest in its metadata.
func TestXRayFields(t *testing.T) {
	text := telemetry.StringValue
	b := &telemetry.Batch{Scopes: []telemetry.Scope{{Name: "lib"}}}
	attrs := func(all ...telemetry.Attr) telemetry.Range {
		start := uint32(len(b.Attrs))
		b.Attrs = append(b.Attrs, all...)
		return telemetry.Range{Start: start, End: uint32(len(b.Attrs))}
	}
	b.Resources = []telemetry.Resource{{Attrs: attrs(telemetry.Attr{Key: "service.name", Value: text("shop")}, telemetry.Attr{Key: "service.version", Value: text("1.4")})}}
	b.Events = []telemetry.Event{{Name: "exception", Time: 1_790_000_000_500_000_000, Attrs: attrs(telemetry.Attr{Key: "exception.type", Value: text("Declined")}, telemetry.Attr{Key: "exception.message", Value: text("no money")})}}
	b.Links = []telemetry.Link{{TraceID: telemetry.TraceID{7}, SpanID: telemetry.SpanID{8}}}
	b.Spans = []telemetry.Span{{
		TraceID: telemetry.TraceID{1}, SpanID: telemetry.SpanID{2}, Name: "POST /pay", Kind: telemetry.KindServer, Status: telemetry.StatusError,
		Start: 1_790_000_000_000_000_001, End: 1_790_000_001_000_000_002, Events: telemetry.Range{End: 1}, Links: telemetry.Range{End: 1},
		Attrs: attrs(telemetry.Attr{Key: "http.request.method", Value: text("POST")}, telemetry.Attr{Key: "http.response.status_code", Value: telemetry.IntValue(402)},
			telemetry.Attr{Key: "cart", Value: telemetry.DoubleValue(1.5)}),
	}, {
		TraceID: telemetry.TraceID{1}, SpanID: telemetry.SpanID{3}, ParentID: telemetry.SpanID{2}, Name: "SELECT", Kind: telemetry.KindClient,
		Start: 1_790_000_000_000_000_001, End: 1_790_000_000_100_000_000,
		Attrs: attrs(telemetry.Attr{Key: "peer.service", Value: text("db")}, telemetry.Attr{Key: "db.query.text", Value: text("SELECT 1")}),
	}}
	var all strings.Builder
	for span := range toXRay(t, telemetrytest.DumpSpan, b) {
		all.WriteString(span)
	}
	for _, want := range []string{
		`name="shop" start=1790000000000000001 end=1790000001000000002 kind=server status=error message="no money"`,
		`"service.name" = string "shop"`, `"service.version" = string "1.4"`,
		`"http.request.method" = string "POST"`, `"http.response.status_code" = int 402`, `"aws.xray.error" = bool true`,
		`"exception.type" = string "Declined"`, "link 07000000000000000000000000000000/0800000000000000",
		`"aws.xray.metadata.default" = string "{\"cart\":1.5}"`,
		`"aws.xray.metadata.otel" = string "{\"kind\":\"server\",\"name\":\"POST /pay\",\"scope\":\"lib\"}"`,
		`name="db" start=`, "kind=client", `"db.query.text" = string "SELECT 1"`,
	} {
		if !strings.Contains(all.String(), want) {
			t.Errorf("there is no %s in\n%s", want, all.String())
		}
	}
}
