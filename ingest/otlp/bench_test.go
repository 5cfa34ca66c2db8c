package otlp

import (
	"fmt"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/kiseki-dev/kiseki/telemetry"
)

const benchSpans = 512

// benchTraces is what an SDK sends at once: one resource of 15 attributes and
// spans of 10 attributes, of about 450 bytes each.
func benchTraces() ptrace.Traces {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", "checkout")
	for i := range 14 {
		rs.Resource().Attributes().PutStr(fmt.Sprintf("k8s.resource.attribute.%d", i), "some-value-of-it")
	}
	ss := rs.ScopeSpans().AppendEmpty()
	ss.Scope().SetName("go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp")
	for i := range benchSpans {
		s := ss.Spans().AppendEmpty()
		s.SetTraceID(pcommon.TraceID{1, 2, 3, byte(i >> 8), byte(i)})
		s.SetSpanID(pcommon.SpanID{4, 5, 6, byte(i >> 8), byte(i)})
		s.SetParentSpanID(pcommon.SpanID{4, 5, 6, 7})
		s.SetName("GET /api/cart/{cartId}")
		s.SetKind(ptrace.SpanKindServer)
		s.SetStartTimestamp(pcommon.Timestamp(1_790_000_000_000_000_000 + i))
		s.SetEndTimestamp(pcommon.Timestamp(1_790_000_000_020_000_000 + i))
		s.SetFlags(0x101)
		a := s.Attributes()
		a.PutStr("http.request.method", "GET")
		a.PutStr("url.path", "/api/cart/0f8fad5b-d9cb-469f-a165-70867728950e")
		a.PutStr("url.scheme", "https")
		a.PutStr("http.route", "/api/cart/{cartId}")
		a.PutInt("http.response.status_code", 200)
		a.PutStr("server.address", "cart.shop.svc.cluster.local")
		a.PutInt("server.port", 8443)
		a.PutStr("client.address", "10.42.17.203")
		a.PutStr("user_agent.original", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36")
		a.PutDouble("app.cart.total", 129.95)
	}
	return td
}

func perSpan(b *testing.B, body []byte) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchSpans, "ns/span")
	b.ReportMetric(float64(len(body))/benchSpans, "wire-B/span")
	b.SetBytes(int64(len(body)))
}

func BenchmarkDecodeProto(b *testing.B) {
	body := encodeProto(b, benchTraces())
	d := NewDecoder(testLimits)
	var batch telemetry.Batch
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.DecodeProto(body, &batch); err != nil {
			b.Fatal(err)
		}
	}
	perSpan(b, body)
}

func BenchmarkDecodeJSON(b *testing.B) {
	body := encodeJSON(b, benchTraces())
	d := NewDecoder(testLimits)
	var batch telemetry.Batch
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.DecodeJSON(body, &batch); err != nil {
			b.Fatal(err)
		}
	}
	perSpan(b, body)
}

func BenchmarkPdataProto(b *testing.B) {
	body := encodeProto(b, benchTraces())
	b.ReportAllocs()
	for b.Loop() {
		if err := ptraceotlp.NewExportRequest().UnmarshalProto(body); err != nil {
			b.Fatal(err)
		}
	}
	perSpan(b, body)
}

func BenchmarkPdataJSON(b *testing.B) {
	body := encodeJSON(b, benchTraces())
	b.ReportAllocs()
	for b.Loop() {
		if err := ptraceotlp.NewExportRequest().UnmarshalJSON(body); err != nil {
			b.Fatal(err)
		}
	}
	perSpan(b, body)
}

// BenchmarkRatio times pdata and us in turn in the same loop, so that what
// else the machine does falls on both.
func BenchmarkRatio(b *testing.B) {
	proto, json := encodeProto(b, benchTraces()), encodeJSON(b, benchTraces())
	d := NewDecoder(testLimits)
	var batch telemetry.Batch
	var ours, pdatas [2]time.Duration
	timed := func(total *time.Duration, f func() error) {
		start := time.Now()
		if err := f(); err != nil {
			b.Fatal(err)
		}
		*total += time.Since(start)
	}
	for b.Loop() {
		timed(&ours[0], func() error { _, err := d.DecodeProto(proto, &batch); return err })
		timed(&pdatas[0], func() error { return ptraceotlp.NewExportRequest().UnmarshalProto(proto) })
		timed(&ours[1], func() error { _, err := d.DecodeJSON(json, &batch); return err })
		timed(&pdatas[1], func() error { return ptraceotlp.NewExportRequest().UnmarshalJSON(json) })
	}
	b.ReportMetric(float64(pdatas[0])/float64(ours[0]), "proto-pdata/ours")
	b.ReportMetric(float64(pdatas[1])/float64(ours[1]), "json-pdata/ours")
	b.ReportMetric(float64(ours[0].Nanoseconds())/float64(b.N)/benchSpans, "proto-ns/span")
	b.ReportMetric(float64(ours[1].Nanoseconds())/float64(b.N)/benchSpans, "json-ns/span")
}
