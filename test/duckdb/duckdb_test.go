package duckdb

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"

	"github.com/kiseki-dev/kiseki/archive"
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/storage"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/otlpjson"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

// exported stores b, exports it to a Parquet file and returns its path.
func exported(t *testing.T, b *telemetry.Batch) string {
	t.Helper()
	s, err := storage.Open(storage.Options{Dir: t.TempDir(), MinFreeBytes: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if _, err := s.Append(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	snap := s.Snapshot()
	defer snap.Release()
	var out bytes.Buffer
	p := &plan.Search{Filter: plan.Constant(true), End: plan.All}
	if n, stats, err := archive.Export(t.Context(), snap, p, archive.FormatParquet, &out, nil); err != nil || n != int64(len(b.Spans)) || !stats.Complete {
		t.Fatal(n, stats, err)
	}
	path := filepath.Join(t.TempDir(), "spans.parquet")
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func open(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// row is what DuckDB is asked for of a span: everything, lists and maps as
// JSON.
type row struct {
	TraceID, SpanID, Name, Kind, Status string
	Parent, Service, Message, State     sql.NullString
	Start, End, Duration, Flags         int64
	StartTime                           time.Time
	Span, Resource, Scope               string // maps as JSON
	Events, Links                       string // lists as JSON
	SpanOTLP                            sql.NullString
}

const question = `SELECT trace_id, span_id, name, kind, status_code, parent_span_id, service_name, status_message, trace_state,
	start_unix_nano, end_unix_nano, duration_nano, flags, start_time,
	to_json(span_attributes)::VARCHAR, to_json(resource_attributes)::VARCHAR, to_json(scope_attributes)::VARCHAR, to_json(events)::VARCHAR, to_json(links)::VARCHAR, span_attributes_otlp
	FROM read_parquet($1)`

func (r *row) scan(rows *sql.Rows) error {
	return rows.Scan(&r.TraceID, &r.SpanID, &r.Name, &r.Kind, &r.Status, &r.Parent, &r.Service, &r.Message, &r.State,
		&r.Start, &r.End, &r.Duration, &r.Flags, &r.StartTime, &r.Span, &r.Resource, &r.Scope, &r.Events, &r.Links, &r.SpanOTLP)
}

// TestDuckDBReadsWhatWasStored compares every span as DuckDB sees it with the
// span that was stored.
func TestDuckDBReadsWhatWasStored(t *testing.T) {
	b := telemetrytest.Random(21, 3000)
	want := map[string]*telemetry.Span{}
	for i := range b.Spans {
		want[b.Spans[i].SpanID.String()] = &b.Spans[i]
	}
	db := open(t)
	rows, err := db.QueryContext(t.Context(), strings.ReplaceAll(question, "$1", "'"+exported(t, b)+"'"))
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	n := 0
	for rows.Next() {
		var r row
		if err := r.scan(rows); err != nil {
			t.Fatal(err)
		}
		n++
		s := want[r.SpanID]
		if s == nil {
			t.Fatalf("span %s was not stored", r.SpanID)
		}
		compare(t, b, s, &r)
	}
	if err := rows.Err(); err != nil || n != len(b.Spans) {
		t.Errorf("%d rows, %v", n, err)
	}
}

func compare(t *testing.T, b *telemetry.Batch, s *telemetry.Span, r *row) {
	t.Helper()
	parent := ""
	if !s.ParentID.IsZero() {
		parent = s.ParentID.String()
	}
	same := r.TraceID == s.TraceID.String() && r.Name == s.Name && r.Kind == s.Kind.String() && r.Status == s.Status.String() &&
		r.Parent.String == parent && r.Service.String == b.ServiceName(s.Resource) && r.Message.String == s.StatusMessage && r.State.String == s.TraceState &&
		uint64(r.Start) == s.Start && uint64(r.End) == s.End && uint64(r.Duration) == s.Duration() && uint32(r.Flags) == s.Flags &&
		uint64(r.StartTime.UnixMicro()) == s.Start/1000
	if !same {
		t.Errorf("row %+v\nspan %s", r, telemetrytest.Dump(&telemetry.Batch{Spans: []telemetry.Span{*s}, Resources: b.Resources, Scopes: b.Scopes, Attrs: b.Attrs, Events: b.Events, Links: b.Links}))
	}
	compareMap(t, b.AttrsOf(s.Attrs), r.Span)
	compareMap(t, b.AttrsOf(b.Resources[s.Resource].Attrs), r.Resource)
	compareMap(t, b.AttrsOf(b.Scopes[s.Scope].Attrs), r.Scope)
	exact := ""
	if s.Attrs.Len() > 0 {
		exact = string(otlpjson.AppendAttrs(nil, b.AttrsOf(s.Attrs)))
	}
	if r.SpanOTLP.String != exact {
		t.Errorf("exact attributes: got %s, want %s", r.SpanOTLP.String, exact)
	}
	var events []struct {
		UnixNano   uint64 `json:"unix_nano"`
		Name       string
		Attributes json.RawMessage
	}
	var links []struct {
		TraceID    string `json:"trace_id"`
		SpanID     string `json:"span_id"`
		Attributes json.RawMessage
	}
	if err := errors.Join(json.Unmarshal([]byte(r.Events), &events), json.Unmarshal([]byte(r.Links), &links)); err != nil {
		t.Fatal(err)
	}
	if len(events) != s.Events.Len() || len(links) != s.Links.Len() {
		t.Fatalf("%d events, %d links; want %d, %d", len(events), len(links), s.Events.Len(), s.Links.Len())
	}
	for i, e := range b.EventsOf(s) {
		if events[i].UnixNano != e.Time || events[i].Name != e.Name {
			t.Errorf("event: got %+v, want %+v", events[i], e)
		}
		compareMap(t, b.AttrsOf(e.Attrs), string(events[i].Attributes))
	}
	for i, l := range b.LinksOf(s) {
		if links[i].TraceID != l.TraceID.String() || links[i].SpanID != l.SpanID.String() {
			t.Errorf("link: got %+v, want %+v", links[i], l)
		}
		compareMap(t, b.AttrsOf(l.Attrs), string(links[i].Attributes))
	}
}

// compareMap compares keys, and values where they are strings.
func compareMap(t *testing.T, attrs []telemetry.Attr, text string) {
	t.Helper()
	var got map[string]string
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	for _, a := range attrs {
		v, ok := got[a.Key]
		if !ok || a.Value.Type() == telemetry.ValueString && v != a.Value.Str() {
			t.Errorf("attribute %q: got %q in %s, want %s", a.Key, v, text, telemetrytest.DumpValue(a.Value))
		}
	}
	if len(got) != len(attrs) {
		t.Errorf("%d attributes, want %d: %s", len(got), len(attrs), text)
	}
}

// TestDocumentedQueries runs the queries for DuckDB of docs/export.md.
func TestDocumentedQueries(t *testing.T) {
	page, err := os.ReadFile("../../docs/export.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(exported(t, telemetrytest.Random(22, 500)))
	db := open(t)
	n := 0
	for _, block := range strings.Split(string(page), "```sql duckdb\n")[1:] {
		query, _, _ := strings.Cut(block, "```")
		for _, q := range strings.Split(query, ";\n") {
			if strings.TrimSpace(q) == "" {
				continue
			}
			n++
			if err := run(t.Context(), db, strings.ReplaceAll(q, "spans.parquet", filepath.Join(dir, "spans.parquet"))); err != nil {
				t.Errorf("%v\n%s", err, q)
			}
		}
	}
	if n == 0 {
		t.Error("docs/export.md has no queries for DuckDB")
	}
}

func run(ctx context.Context, db *sql.DB, query string) error {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	n := 0
	for rows.Next() {
		n++
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if n == 0 {
		return io.ErrUnexpectedEOF
	}
	return nil
}
