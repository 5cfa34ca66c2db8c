package zipkin

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"reflect"
	"slices"
	"testing"

	zipkinmodel "github.com/openzipkin/zipkin-go/model"
	"github.com/openzipkin/zipkin-go/proto/zipkin_proto3"

	api "github.com/kiseki-dev/kiseki/api/zipkin"
	"github.com/kiseki-dev/kiseki/ingest"
	"github.com/kiseki-dev/kiseki/storage/scan/scantest"
	"github.com/kiseki-dev/kiseki/telemetry"
)

type object = map[string]any

const testTrace = "463ac35c9f6413ad48485a3953bb6124"

// ask is what Zipkin's query API answers of the one trace of a batch.
func ask(t *testing.T, b *telemetry.Batch) (spans []object) {
	t.Helper()
	w := httptest.NewRecorder()
	api.New(api.Options{Store: scantest.New(b)}).ServeHTTP(w, httptest.NewRequest("GET", "/api/v2/trace/"+testTrace, nil))
	if err := json.Unmarshal(w.Body.Bytes(), &spans); err != nil {
		t.Fatalf("%v: %s", err, w.Body)
	}
	return spans
}

func decode(t *testing.T, encoding string, body []byte) *telemetry.Batch {
	t.Helper()
	var b telemetry.Batch
	if report, err := newDecoder(ingest.Limits{}).Decode(encoding, body, &b); err != nil || report != (ingest.Report{}) {
		t.Fatalf("%v, %+v in %s", err, report, body)
	}
	return &b
}

// same compares spans whatever their order.
func same(t *testing.T, got, want []object) {
	t.Helper()
	for _, l := range [][]object{got, want} {
		slices.SortFunc(l, func(a, b object) int { return cmp.Compare(text(a), text(b)) })
	}
	if len(got) != len(want) {
		t.Fatalf("%d spans, not %d", len(got), len(want))
	}
	for i := range got {
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Fatalf("got\n%s\nwant\n%s", text(got[i]), text(want[i]))
		}
	}
}

func text(v any) string {
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		panic(err)
	}
	return string(b)
}

// pick is one of the choices, evenly.
func pick[T any](r *rand.Rand, choices ...T) T { return choices[r.IntN(len(choices))] }

func randomEndpoint(r *rand.Rand) object {
	e := object{}
	if r.IntN(3) > 0 {
		e["serviceName"] = pick(r, "frontend", "Backend", "ü", "10.0.0.1")
	}
	if r.IntN(2) == 0 {
		e["ipv4"] = pick(r, "192.168.0.1", "10.0.0.1")
	}
	if r.IntN(3) == 0 {
		e["ipv6"] = "2001:db8::c001"
	}
	if r.IntN(2) == 0 {
		e["port"] = float64(1 + r.IntN(65535))
	}
	return e
}

// randomSpan is a span with keys of tags that mean something elsewhere.
func randomSpan(r *rand.Rand, i int) object {
	s := object{"traceId": testTrace, "id": fmt.Sprintf("%016x", 1+i/2)}
	set := func(chance int, key string, v any) {
		if r.IntN(chance) > 0 {
			s[key] = v
		}
	}
	set(2, "parentId", fmt.Sprintf("%016x", 1000+r.IntN(9)))
	set(2, "kind", pick(r, "CLIENT", "SERVER", "PRODUCER", "CONSUMER"))
	set(4, "name", pick(r, "GET /", "get", "日本", "a \"quoted\" <name>"))
	set(4, "timestamp", float64(1790000000000000+r.IntN(1e6)))
	set(4, "duration", float64(1+r.IntN(1e6)))
	for _, side := range []string{"localEndpoint", "remoteEndpoint"} {
		if e := randomEndpoint(r); len(e) > 0 {
			s[side] = e
		}
	}
	if r.IntN(4) == 0 {
		s["debug"] = true
	}
	if r.IntN(4) == 0 {
		s["shared"] = true
	}
	var annotations []any
	for range r.IntN(3) {
		annotations = append(annotations, object{"timestamp": float64(1790000000000000 + r.IntN(1e6)), "value": pick(r, "ws", "", "event: {\"a\":1}")})
	}
	if annotations != nil {
		s["annotations"] = annotations
	}
	tags := object{}
	for range r.IntN(5) {
		key := pick(r, "http.path", "error", "otel.status_code", "otel.scope.name", "otel.scope.version", "otel.dropped_events_count",
			"peer.service", "network.peer.address", "network.local.port", "zipkin.debug", "zipkin.tags", "kiseki.received", "service.name", "", "answer")
		tags[key] = pick(r, "", "true", "false", "ERROR", "OK", "7", "007", "broken", "192.168.0.1")
	}
	if len(tags) > 0 {
		s["tags"] = tags
	}
	return s
}

// What is sent as JSON is what is answered.
func TestRoundTrip(t *testing.T) {
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 1))
		var sent []object
		for i := range 1 + r.IntN(6) {
			sent = append(sent, randomSpan(r, i))
		}
		body, err := json.Marshal(sent)
		if err != nil {
			t.Fatal(err)
		}
		same(t, ask(t, decode(t, encodingJSON, body)), sent)
	}
}

// The protobuf of Zipkin's own library means what its JSON means.
func TestProtobuf(t *testing.T) {
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 2))
		var sent []object
		for i := range 1 + r.IntN(6) {
			s := randomSpan(r, i)
			s["timestamp"] = 1790000000000000 // without one the library writes that of the year 1
			s["duration"] = 1 + r.IntN(1e6)
			s["name"] = "get" // the library lowers all names, in JSON only
			delete(s, "annotations")
			if r.IntN(2) == 0 {
				s["annotations"] = []any{object{"timestamp": 1790000000000000, "value": "x"}}
			}
			for _, side := range []string{"localEndpoint", "remoteEndpoint"} {
				if e, ok := s[side].(object); ok {
					delete(e, "ipv6") // the library sends one address
					if e["serviceName"] != nil {
						e["serviceName"] = "backend"
					}
				}
			}
			sent = append(sent, s)
		}
		inJSON, err := json.Marshal(sent)
		if err != nil {
			t.Fatal(err)
		}
		var models []*zipkinmodel.SpanModel
		if err := json.Unmarshal(inJSON, &models); err != nil {
			t.Fatal(err)
		}
		inProto, err := zipkin_proto3.SpanSerializer{}.Serialize(models)
		if err != nil {
			t.Fatal(err)
		}
		again, err := json.Marshal(models)
		if err != nil {
			t.Fatal(err)
		}
		same(t, ask(t, decode(t, encodingProto, inProto)), ask(t, decode(t, encodingJSON, again)))
	}
}
