package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/kiseki-dev/kiseki/config"
)

// as sends a request as a tenant, or without a tenant's header if that is "".
func (r *running) as(t *testing.T, tenant, method, url, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if tenant != "" {
		req.Header.Set("X-Scope-OrgID", tenant)
	}
	resp, err := r.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(answer)
}

// sendAs stores a span with the one trace ID that all tenants have.
func (r *running) sendAs(t *testing.T, tenant, name string) (int, string) {
	t.Helper()
	return r.as(t, tenant, http.MethodPost, r.otlpHTTP+"/v1/traces", fmt.Sprintf(`{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":%q,
		"spanId":"eee19b7ec3c1b174","name":%q,"startTimeUnixNano":"1790000000000000000","endTimeUnixNano":"1790000000250000000"}]}]}]}`, traceID, name))
}

// wantTrace checks that a tenant has the span of its own in the trace, by every
// API, and nothing else.
func (r *running) wantTrace(t *testing.T, tenant, name string) {
	t.Helper()
	for _, path := range []string{"/api/kiseki/v1/traces/", "/api/v2/trace/", "/tempo/api/traces/"} {
		status, body := r.as(t, tenant, http.MethodGet, r.web+path+traceID, "")
		if status != 200 || strings.Count(body, `"name":`) != 1 || !strings.Contains(body, fmt.Sprintf(`"name":%q`, name)) {
			t.Errorf("tenant %q, %s: %d %s, want the span %q alone", tenant, path, status, body, name)
		}
	}
	if _, body := r.as(t, tenant, http.MethodGet, r.web+"/api/kiseki/v1/status", ""); !strings.Contains(body, `"spanCount":1,`) {
		t.Errorf("tenant %q: %s", tenant, body)
	}
}

func TestTenantsAreApart(t *testing.T) {
	data := t.TempDir()
	flags := []string{"--tenants", "true", "--retention-age", "0"}
	r := startServe(t, data, flags...)
	spans := map[string]string{"": "nobody's", "acme": "of acme", "GlobeX.1": "of globex"}
	for id, name := range spans {
		if status, body := r.sendAs(t, id, name); status != 200 {
			t.Fatalf("send as %q: %d %s", id, status, body)
		}
	}
	if _, metrics := r.get(t, "/metrics"); !strings.Contains(metrics, "kiseki_head_spans 3\n") {
		t.Errorf("/metrics does not add up the tenants' spans:\n%s", metrics)
	}
	for range 2 { // before and after a restart
		for id, name := range spans {
			r.wantTrace(t, id, name)
		}
		r.wantTrace(t, "default", spans[""])
		r.stop(t)
		r = startServe(t, data, flags...)
	}

	// What one tenant deletes the others keep.
	if status, body := r.as(t, "acme", http.MethodPost, r.web+"/api/kiseki/v1/deletions", fmt.Sprintf(`{"traceIds":[%q]}`, traceID)); status >= 300 {
		t.Fatalf("delete: %d %s", status, body)
	}
	if status, _ := r.as(t, "acme", http.MethodGet, r.web+"/api/v2/trace/"+traceID, ""); status != 404 {
		t.Errorf("a deleted trace: %d", status)
	}
	r.wantTrace(t, "GlobeX.1", spans["GlobeX.1"])

	// A tenant's folder is a data folder of its own.
	r.stop(t)
	alone := startServe(t, filepath.Join(data, "tenants", "GlobeX.1"), "--retention-age", "0")
	alone.wantTrace(t, "", spans["GlobeX.1"])
}

// TestTenantIsMadeOnce: all of the first requests of a tenant are stored.
func TestTenantIsMadeOnce(t *testing.T) {
	r := startServe(t, t.TempDir(), "--tenants", "true", "--retention-age", "0")
	var senders sync.WaitGroup
	for i := range 8 {
		senders.Go(func() {
			body := fmt.Sprintf(`{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":%q,"spanId":"%016x"}]}]}]}`, traceID, i+1)
			req, err := http.NewRequest(http.MethodPost, r.otlpHTTP+"/v1/traces", strings.NewReader(body))
			if err != nil {
				t.Error(err)
				return
			}
			req.Header = http.Header{"Content-Type": {"application/json"}, "X-Scope-Orgid": {"acme"}}
			resp, err := r.client.Do(req)
			if err != nil {
				t.Error(err)
				return
			}
			resp.Body.Close()
			if resp.StatusCode != 200 {
				t.Errorf("send: %s", resp.Status)
			}
		})
	}
	senders.Wait()
	if _, body := r.as(t, "acme", http.MethodGet, r.web+"/api/v2/trace/"+traceID, ""); strings.Count(body, `"id":`) != 8 {
		t.Errorf("of 8 spans: %s", body)
	}
}

func TestTenantsOverGRPC(t *testing.T) {
	r := startServe(t, t.TempDir(), "--tenants", "true", "--retention-age", "0")
	exporter, err := otlptrace.New(t.Context(), otlptracegrpc.NewClient(otlptracegrpc.WithEndpoint(r.otlpGRPC), otlptracegrpc.WithInsecure(),
		otlptracegrpc.WithHeaders(map[string]string{"x-scope-orgid": "acme"})))
	if err != nil {
		t.Fatal(err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter))
	_, span := provider.Tracer("").Start(t.Context(), "of acme")
	span.End()
	if err := provider.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	path := r.web + "/api/kiseki/v1/traces/" + span.SpanContext().TraceID().String()
	if status, body := r.as(t, "acme", http.MethodGet, path, ""); status != 200 || !strings.Contains(body, "of acme") {
		t.Errorf("what was sent by gRPC: %d %s", status, body)
	}
	if status, _ := r.as(t, "", http.MethodGet, path, ""); status != 404 {
		t.Errorf("the default tenant has acme's trace: %d", status)
	}
	health := grpc_health_v1.NewHealthClient(r.dialWeb(t, nil))
	for id, want := range map[string]codes.Code{"acme": codes.OK, "default": codes.OK, "absent": codes.NotFound, "../x": codes.InvalidArgument} {
		ctx := metadata.AppendToOutgoingContext(t.Context(), "x-scope-orgid", id)
		if _, err := health.Check(ctx, &grpc_health_v1.HealthCheckRequest{}); status.Code(err) != want {
			t.Errorf("gRPC as %q: %v, want %s", id, err, want)
		}
	}
}

func TestTenantsAreRefused(t *testing.T) {
	data := t.TempDir()
	r := startServe(t, data, "--tenants", "true", "--max-tenants", "2", "--retention-age", "0")
	for _, x := range []struct {
		id, want string
		status   int
	}{
		{"first", "{}", 200}, {"second", "as many tenants as tenants.max", 400}, {"../../x", "X-Scope-OrgID: the tenant ID", 400}, {"..", "no tenant ID", 400},
		{strings.Repeat("x", 151), "longer than 150", 400}, {"a|b", "X-Scope-OrgID", 400},
	} {
		if status, body := r.sendAs(t, x.id, "x"); status != x.status || !strings.Contains(body, x.want) {
			t.Errorf("send as %.20q: %d %s, want %d with %q", x.id, status, body, x.status, x.want)
		}
	}
	if status, body := r.as(t, "second", http.MethodGet, r.web+"/api/v2/services", ""); status != 404 || !strings.Contains(body, "has no data") {
		t.Errorf("a query of a tenant without data: %d %s", status, body)
	}
	if status, body := r.as(t, "a/b", http.MethodGet, r.web+"/api/v2/services", ""); status != 400 || !strings.Contains(body, "X-Scope-OrgID") {
		t.Errorf("a query with a bad ID: %d %s", status, body)
	}
	// What has no spans makes no tenant.
	if status, body := r.as(t, "third", http.MethodPost, r.otlpHTTP+"/v1/traces", "{}"); status != 200 {
		t.Errorf("an empty request: %d %s", status, body)
	}
	r.stop(t)

	entries, err := os.ReadDir(filepath.Join(data, "tenants"))
	if err != nil || len(entries) != 2 {
		t.Errorf("folders of tenants: %v, %v", entries, err)
	}
	code, _, stderr := kiseki(t, "serve", "--data", data, "--tenants", "true", "--max-tenants", "1", "--http", "127.0.0.1:0", "--otlp-http", "127.0.0.1:0", "--otlp-grpc", "127.0.0.1:0")
	if code != exitFailed || !strings.Contains(stderr, "has 2 tenants and tenants.max is 1") {
		t.Errorf("more tenants than allowed: %d %s", code, stderr)
	}
}

// TestTenantsOff: the header of a proxy that nobody asked about changes nothing.
func TestTenantsOff(t *testing.T) {
	r := startServe(t, t.TempDir(), "--retention-age", "0")
	if status, body := r.sendAs(t, "../acme", "everybody's"); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	r.wantTrace(t, "", "everybody's")
	r.wantTrace(t, "someone", "everybody's")
}

// TestTenantThatCannotBeOpened: the client is told to come again, and the log why.
func TestTenantThatCannotBeOpened(t *testing.T) {
	data := t.TempDir()
	r := startServe(t, data, "--tenants", "true")
	if err := os.WriteFile(filepath.Join(data, "tenants", "acme"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if status, body := r.sendAs(t, "acme", "x"); status != http.StatusServiceUnavailable || !strings.Contains(body, "cannot be opened") {
		t.Errorf("got %d %s", status, body)
	}
	r.stop(t)
	if log := r.log.String(); !strings.Contains(log, "tenant cannot be opened") || !strings.Contains(log, "acme") {
		t.Errorf("log:\n%s", log)
	}
}

// TestFlushShare: all heads together have the memory that one would have.
func TestFlushShare(t *testing.T) {
	c := config.Default()
	c.Storage.FlushBytes = 64 << 20
	for tenants, want := range map[int]int64{1: 64 << 20, 2: 32 << 20, 64: 1 << 20, 1000: 1 << 20} {
		if got := flushShare(&c, tenants); got != want {
			t.Errorf("of %d tenants: %d, want %d", tenants, got, want)
		}
	}
}

// TestCommandsOfATenant takes one tenant's span through all commands that copy
// or delete, first with a server and then with the folders alone.
func TestCommandsOfATenant(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	r := startServe(t, at("data"), "--tenants", "true", "--retention-age", "0", "--backup-directory", at("backups"))
	for id, name := range map[string]string{"acme": "of acme", "": "nobody's"} {
		if status, body := r.sendAs(t, id, name); status != 200 {
			t.Fatalf("send as %q: %d %s", id, status, body)
		}
	}
	must := func(args ...string) {
		t.Helper()
		if status, stdout, stderr := kiseki(t, args...); status != exitOK {
			t.Fatalf("kiseki %s: status %d\n%s%s", strings.Join(args, " "), status, stdout, stderr)
		}
	}
	must("export", "--server", r.web, "--tenant", "acme", "--out", at("acme.parquet"))
	must("import", "--otlp-http", r.otlpHTTP, "--tenant", "copy", at("acme.parquet"))
	r.wantTrace(t, "copy", "of acme")
	must("backup", "--server", r.web, "--tenant", "acme")
	must("delete", "--server", r.web, "--tenant", "acme", "--trace", traceID, "--yes")
	if status, _ := r.as(t, "acme", http.MethodGet, r.web+"/api/v2/trace/"+traceID, ""); status != 404 {
		t.Errorf("the deleted trace: %d", status)
	}
	r.wantTrace(t, "", "nobody's")
	r.stop(t)

	must("backup", "--data", at("data"), "--tenant", "copy", "--to", at("backups"))
	for _, id := range []string{"acme", "copy"} {
		must("restore", "--from", at("backups"), "--tenant", id, "--data", at("restored"))
	}
	must("export", "--data", at("restored"), "--tenant", "copy", "--out", at("copy.parquet"))
	r = startServe(t, at("restored"), "--tenants", "true", "--retention-age", "0")
	r.wantTrace(t, "acme", "of acme")
	r.wantTrace(t, "copy", "of acme")

	for _, args := range [][]string{
		{"restore", "--from", at("backups"), "--data", at("more"), "--tenant", ".."},
		{"import", "--tenant", "../x", at("acme.parquet")},
	} {
		if status, _, stderr := kiseki(t, args...); status != exitUsage || !strings.Contains(stderr, "--tenant") {
			t.Errorf("kiseki %s: %d %s", strings.Join(args, " "), status, stderr)
		}
	}
}
