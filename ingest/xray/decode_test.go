package xray

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kiseki-dev/kiseki/ingest"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

var rewrite = flag.Bool("rewrite", false, "write the spans of testdata anew")

const line = `{"format": "json", "version": 1}` + "\n"

func limits() ingest.Limits { return ingest.Limits{}.WithDefaults() }

// decoded is the spans of a document as text, or the error.
func decoded(document string) string {
	var b telemetry.Batch
	if _, err := decodePacket(limits(), []byte(line+document), &b); err != nil {
		return "error: " + err.Error() + "\n"
	}
	var out strings.Builder
	for i := range b.Spans {
		out.WriteString(telemetrytest.DumpSpan(&b, i))
	}
	return out.String()
}

// TestMapping shows which fields of a document become what: testdata/*.json are
// documents, testdata/*.txt their spans. -rewrite writes these.
func TestMapping(t *testing.T) {
	documents, err := filepath.Glob("testdata/*.json")
	if err != nil || len(documents) < 5 {
		t.Fatalf("%d documents, %v", len(documents), err)
	}
	for _, path := range documents {
		document, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		got, golden := decoded(string(document)), strings.TrimSuffix(path, "json")+"txt"
		if *rewrite {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s: got\n%s\nwant\n%s", path, got, want)
		}
	}
}

// TestMalformed shows what is said of what is no segment.
func TestMalformed(t *testing.T) {
	for _, c := range []struct{ packet, want string }{
		{``, "there is no line"},
		{`{}`, "there is no line"},
		{"\n{}", "read header"},
		{`{"format":"xml","version":1}` + "\n{}", "format json"},
		{`{"format":"JSON","version":2}` + "\n{}", "version 1"},
		{line, "EOF"},
		{line + `[]`, "cannot unmarshal array"},
		{line + `{} {}`, "more behind"},
		{line + `{}`, "trace_id"},
		{line + `{"trace_id":"1-58406520-a006649127e371903a2de979"}`, "name is missing"},
		{line + `{"trace_id":"1-00000000-000000000000000000000000"}`, "trace_id"},
		{line + `{"trace_id":"1e8720b395419019"}`, "trace_id"},
		{line + `{"trace_id":"1-58406520-a006649127e371903a2de979","name":"a","id":"zz"}`, "id \"zz\" has not 16"},
		{line + `{"trace_id":"1-58406520-a006649127e371903a2de979","name":"a","id":"6b55dcc497934f1a"}`, "start_time is missing"},
		{line + `{"trace_id":"1-58406520-a006649127e371903a2de979","name":"a","id":"6b55dcc497934f1a","start_time":"now"}`, "start_time is no time"},
		{line + `{"trace_id":"1-58406520-a006649127e371903a2de979","name":"a","id":"6b55dcc497934f1a","start_time":1,"end_time":1e99}`, "end_time is no time"},
		{line + `{"trace_id":"1-58406520-a006649127e371903a2de979","name":"a","id":"6b55dcc497934f1a","start_time":1,"parent_id":7}`, "parent_id"},
		{line + `{"trace_id":"1-58406520-a006649127e371903a2de979","name":"a","id":"6b55dcc497934f1a","start_time":1,"type":"subsegment"}`, "parent_id is missing"},
		{line + `{"trace_id":"1-58406520-a006649127e371903a2de979","name":"a","id":"6b55dcc497934f1a","start_time":1,"subsegments":[7]}`, "no object"},
		{line + `{"trace_id":"1-58406520-a006649127e371903a2de979","name":"a","id":"6b55dcc497934f1a","start_time":1,"subsegments":[{}]}`, "name is missing"},
		{line + `{"x":"` + strings.Repeat("x", maxDocument) + `"}`, "the limit is 65536"},
		{line + strings.Repeat(`{"a":`, 10_900), "exceeded max depth"},
	} {
		var b telemetry.Batch
		if _, err := decodePacket(limits(), []byte(c.packet), &b); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.150s: %v", c.packet, err)
		}
	}
}

func TestNanoseconds(t *testing.T) {
	for text, want := range map[string]uint64{
		"0": 0, "1": 1e9, "1478293361.271": 1478293361271000000, "1478293361.123456789": 1478293361123456789, "1478293361.1234567899": 1478293361123456789,
		"1.478293361271E9": 1478293361271000000, "1478293361271e-3": 1478293361271000000, "9223372035.999999999": 9223372035999999999, "1e-12": 0, "0.5e+1": 5e9,
	} {
		if got, ok := nanoseconds(text); !ok || got != want {
			t.Errorf("%s: %d, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "-1", "1e11", "1e999999999999", "99999999999999999999", "1.x", "+1"} {
		if got, ok := nanoseconds(text); ok {
			t.Errorf("%s was taken for %d", text, got)
		}
	}
}

// TestDeepSubsegments: subsegments as deep as 64 kB go.
func TestDeepSubsegments(t *testing.T) {
	one := `"name":"a","id":"6b55dcc497934f1a","start_time":1`
	n := 800
	text := decoded(`{"trace_id":"1-58406520-a006649127e371903a2de979",` + one + strings.Repeat(`,"subsegments":[{`+one, n) + strings.Repeat("}]", n) + "}")
	if got := strings.Count(text, "span "); got != n+1 {
		t.Errorf("%d spans: %.300s", got, text)
	}
}
