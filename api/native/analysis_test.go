package native_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/kiseki-dev/kiseki/storage/scan/scantest"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// callingServices is traces in which web calls shop, and shop a database, an
// external service, a queue and somebody it does not name. Each fifth trace
// fails, is slow and has a version and an id of its own.
func callingServices() *telemetry.Batch {
	b := &telemetry.Batch{Scopes: make([]telemetry.Scope, 1)}
	attrs := func(pairs ...string) telemetry.Range {
		start := uint32(len(b.Attrs))
		for _, p := range pairs {
			key, value, _ := strings.Cut(p, "=")
			b.Attrs = append(b.Attrs, telemetry.Attr{Key: key, Value: telemetry.StringValue(value)})
		}
		return telemetry.Range{Start: start, End: uint32(len(b.Attrs))}
	}
	b.Resources = []telemetry.Resource{{Attrs: attrs("service.name=web")}, {Attrs: attrs("service.name=shop")}, {Attrs: attrs("service.name=pay")}}
	for i := range 5000 {
		span := func(id, parent byte, resource uint32, kind telemetry.Kind, at uint64, pairs ...string) {
			s := telemetry.Span{
				TraceID: telemetry.TraceID{14: byte(i >> 8), 15: byte(i)}, SpanID: telemetry.SpanID{7: id}, ParentID: telemetry.SpanID{7: parent},
				Name: "work", Kind: kind, Resource: resource, Start: 1_790_000_000_000_000_000 + at,
			}
			pairs, s.End = append(pairs, fmt.Sprint("request=", i, "-", id)), s.Start+50
			if i%5 == 0 {
				pairs, s.Status, s.End = append(pairs, "version=2"), telemetry.StatusError, s.End+100
			}
			s.Attrs = attrs(pairs...)
			b.Spans = append(b.Spans, s)
		}
		span(1, 0, 0, telemetry.KindServer, 0)
		span(2, 1, 0, telemetry.KindClient, 1)
		span(3, 2, 1, telemetry.KindServer, 2)
		if i > 0 {
			continue
		}
		span(4, 3, 1, telemetry.KindClient, 3, "db.system.name=mysql", "db.namespace=orders")
		span(5, 3, 1, telemetry.KindClient, 4, "server.address=bank.example")
		span(6, 3, 1, telemetry.KindProducer, 5, "messaging.system=kafka", "messaging.destination.name=mail")
		span(7, 3, 1, telemetry.KindClient, 6)
		span(8, 3, 2, telemetry.KindServer, 900)
	}
	return b
}

// TestAnalyses: the figures of one answer of each kind.
func TestAnalyses(t *testing.T) {
	c := newClient(t, scantest.New(callingServices()))
	for path, want := range map[string]string{
		"/analysis/service-graph": `{"client":"web","server":"shop","serverKind":"service","messaging":false,"callCount":5000,"errorCount":1000,`,
		"/analysis/service-graph?q=%7Bresource.service.name%3D%22pay%22%7D": `{"client":"shop","server":"orders","serverKind":"database","serverSystem":"mysql","messaging":false,"callCount":1,`,
		"/analysis/service-graph/changes?start=1790000000000000500":         `"addedServices":["pay"],"removedServices":["web"]`,
		"/analysis/service-paths?service=shop":                              `"upstream":[{"service":"web","depth":1,"callCount":5000}],"downstream":[{"service":"pay","depth":1,"callCount":1}]`,
		"/analysis/critical-path":                                           `{"traceCount":5000,"sampledOneOf":1,`,
		"/analysis/flame-graph":                                             `{"service":"shop","name":"work","kind":"server","parent":1,"spanCount":5000,"errorCount":1000,`,
		"/analysis/heat-map?columns=2":                                      `"rows":[{"fromNanos":"48","toNanos":"56","counts":[12000,0],"errors":[0,0]}`,
		"/analysis/top-values?by=span.version&limit=1":                      `"valueCount":2,"values":[{"value":null,"errorCount":0,"latency":{"count":12000,`,
		"/analysis/comparison?q=%7Bstatus%3Derror%7D":                       `{"field":"span.version","value":{"stringValue":"2"},"lift":null,`,
	} {
		if body := c.get(path, http.StatusOK); !strings.Contains(body, want) {
			t.Errorf("%s: got %.2000s, want it to contain %s", path, body, want)
		}
	}
}
