package xray

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/kiseki-dev/kiseki/telemetry"
)

// FuzzPacket: whatever comes makes spans that hold together, or an error.
func FuzzPacket(f *testing.F) {
	documents, _ := filepath.Glob("testdata/*.json")
	for _, path := range documents {
		document, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(line + string(document)))
	}
	f.Add([]byte(line + `{"trace_id":"1-581cf771-a006649127e371903a2de979","id":"70de5b6f19ff9a0a","name":"a","start_time":1,"aws":7,"http":[],"sql":null,"annotations":{"a":{"b":[]}},"metadata":"x","cause":{"exceptions":[7,{"stack":[7]}]},"links":[7],"service":true,"origin":7}`))
	f.Fuzz(func(t *testing.T, packet []byte) {
		var b telemetry.Batch
		if _, err := decodePacket(limits(), packet, &b); err != nil {
			return
		}
		checkBatch(t, &b)
	})
}

// FuzzDecode: so does whatever is sent to /TraceSegments.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"TraceSegmentDocuments":["{\"trace_id\":\"1-581cf771-a006649127e371903a2de979\",\"id\":\"70de5b6f19ff9a0a\",\"name\":\"a\",\"start_time\":1}","{}","",7]}`))
	f.Add([]byte(`{"TraceSegmentDocuments":["{\"trace_id\":\"1-581cf771-a006649127e371903a2de979\",\"id\":\"70de5b6f19ff9a0a\",\"name\":\"a\",\"start_time\":1,\"subsegments\":[{}]}"]}`))
	d := decoder{limits()}
	f.Fuzz(func(t *testing.T, body []byte) {
		var b telemetry.Batch
		if _, err := d.Decode(encodingJSON, body, &b); err != nil {
			return
		}
		checkBatch(t, &b)
	})
}

func checkBatch(t *testing.T, b *telemetry.Batch) {
	for i := range b.Spans {
		s := &b.Spans[i]
		if s.TraceID.IsZero() || s.SpanID.IsZero() || s.Name == "" || int(s.Resource) >= len(b.Resources) || int(s.Scope) >= len(b.Scopes) {
			t.Fatalf("span %+v", s)
		}
		b.AttrsOf(s.Attrs)
		b.LinksOf(s)
		for _, e := range b.EventsOf(s) {
			b.AttrsOf(e.Attrs)
		}
	}
}
