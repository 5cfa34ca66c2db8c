package telemetry_test

import (
	"testing"

	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

func TestNestedValues(t *testing.T) {
	inner := telemetry.AppendEntry(nil, "k", telemetry.BoolValue(true))
	inner = telemetry.AppendEntry(inner, "none", telemetry.Value{})
	array := telemetry.AppendElement(nil, telemetry.IntValue(-1))
	array = telemetry.AppendElement(array, telemetry.MapValue(string(inner)))
	array = telemetry.AppendElement(array, telemetry.DoubleValue(0.5))
	array = telemetry.AppendElement(array, telemetry.BytesValue("\x00\xff"))
	array = telemetry.AppendElement(array, telemetry.StringValue("日本"))
	got := telemetrytest.DumpValue(telemetry.ArrayValue(string(array)))
	want := `array [int -1, map {"k": bool true, "none": empty}, double 0.5 0x3fe0000000000000, bytes "\x00\xff", string "日本"]`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for n := 1; n < len(array); n++ {
		// Every cut either fails or ends between two elements.
		_ = telemetry.Elements(string(array[:n]), func(telemetry.Value) bool { return true })
	}
}

func TestParseIDs(t *testing.T) {
	id, err := telemetry.ParseTraceID("4EFAAF4D1E8720B39541901950019EE5")
	if err != nil || id.String() != "4efaaf4d1e8720b39541901950019ee5" {
		t.Errorf("got %s, %v", id, err)
	}
	if id, err = telemetry.ParseTraceID("1e8720b395419019"); err != nil || id.String() != "00000000000000001e8720b395419019" {
		t.Errorf("64-bit id: got %s, %v", id, err)
	}
	if id, err = telemetry.ParseTraceID("1-4efaaf4d-1e8720b39541901950019ee5"); err != nil || id.String() != "4efaaf4d1e8720b39541901950019ee5" {
		t.Errorf("as X-Ray writes it: got %s, %v", id, err)
	}
	for _, bad := range []string{"", "xyz", "2-4efaaf4d-1e8720b39541901950019ee5", "1-4efaaf4d1e8720b39541901950019ee5-", "1-4efaaf4d-1e8720b39541901950019eeg", "4efaaf4d1e8720b39541901950019eg5", "4efaaf4d1e8720b39541901950019ee55"} {
		if _, err := telemetry.ParseTraceID(bad); err == nil {
			t.Errorf("%q was taken for a trace ID", bad)
		}
	}
	if _, err := telemetry.ParseSpanID("4efaaf4d1e8720b"); err == nil {
		t.Error("15 digits were taken for a span ID")
	}
}
