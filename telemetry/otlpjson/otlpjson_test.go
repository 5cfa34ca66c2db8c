package otlpjson_test

import (
	"testing"

	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/kiseki-dev/kiseki/telemetry/otlpjson"
	"github.com/kiseki-dev/kiseki/telemetry/otlpproto"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// TestProtobufForm: protobuf's own reader of JSON reads in that form what its
// reader of bytes reads of the same spans.
func TestProtobufForm(t *testing.T) {
	for seed := range uint64(40) {
		b := telemetrytest.Random(seed, 50)
		text, err := otlpjson.WriteResourceSpans([]byte(`{"resourceSpans":[`), b, otlpjson.Protobuf, func(p []byte) ([]byte, error) { return p, nil })
		if err != nil {
			t.Fatal(err)
		}
		var got, want trace.TracesData
		if err := protojson.Unmarshal(append(text, "]}"...), &got); err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
		if err := proto.Unmarshal(otlpproto.Append(nil, b), &want); err != nil {
			t.Fatal(err)
		}
		if !proto.Equal(&got, &want) {
			t.Fatalf("seed %d:\ngot\n%v\nwant\n%v", seed, &got, &want)
		}
	}
}
