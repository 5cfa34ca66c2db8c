package main

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/kiseki-dev/kiseki/api/native"
)

// ask decodes an answer of the native API.
func ask[T any](t *testing.T, r *running, path string) (out T) {
	t.Helper()
	status, body := r.get(t, native.Prefix+path)
	if status != 200 {
		t.Fatalf("%s: %d %s", path, status, body)
	}
	if err := json.Unmarshal([]byte(body), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestServerStatus: /server counts what /metrics does, and /status tells what
// is kept and how long.
func TestServerStatus(t *testing.T) {
	r := startServe(t, t.TempDir(), "--retention-age", "36500d", "--retention-rules", `[{match: "{ status = error }", age: 0}]`)
	r.send(t, traceID, "hello")
	if status, _ := r.as(t, "", http.MethodPost, r.otlpHTTP+"/v1/traces", "{"); status != 400 {
		t.Fatalf("a broken request: %d", status)
	}
	s := ask[native.Server](t, r, "/server")
	if len(s.Receivers) != 1 || s.TenantCount != 1 || s.Disk == nil || s.Disk.Size < s.Disk.Free || s.Memory.Head == 0 {
		t.Fatalf("%+v", s)
	}
	in := s.Receivers[0]
	if in.Transport != "http" || in.RequestCount != 2 || in.RefusedRequestCount != 1 || in.SpanCount != 1 || in.Bytes == 0 {
		t.Errorf("received: %+v", in)
	}
	i := slices.IndexFunc(s.Drops, func(d native.Drop) bool { return d.Count > 0 })
	if i < 0 || s.Drops[i].Reason != "malformed" || s.Drops[i].Count != 1 {
		t.Errorf("drops: %+v", s.Drops)
	}

	st := ask[native.Status](t, r, "/status")
	if st.Storage.HeadSpanCount != 1 || st.Storage.SegmentSpanCount != 0 {
		t.Errorf("storage: %+v", st.Storage)
	}
	if keep := st.Retention; keep.Age == 0 || len(keep.Rules) != 1 || keep.Rules[0].Age != 0 || keep.Next != nil {
		t.Errorf("retention: %+v", keep)
	}
}

func TestSettingsInForce(t *testing.T) {
	r := startServe(t, t.TempDir(), "--retention-age", "30d")
	got := map[string]native.Setting{}
	for _, s := range ask[native.Settings](t, r, "/settings").Settings {
		got[s.Key] = s
	}
	for key, want := range map[string]string{"retention.age": "30d option", "limits.memory": "256MiB derived", "log.level": "info default"} {
		if s := got[key]; s.Value+" "+s.Source != want {
			t.Errorf("%s: %+v, want %s", key, s, want)
		}
	}
}

// TestServerIsTheDefaultTenants: what all tenants have in common is not every
// tenant's to know.
func TestServerIsTheDefaultTenants(t *testing.T) {
	r := startServe(t, t.TempDir(), "--tenants", "true", "--retention-age", "0")
	r.sendAs(t, "acme", "x")
	for _, path := range []string{"/server", "/settings"} {
		if status, body := r.as(t, "acme", http.MethodGet, r.web+native.Prefix+path, ""); status != 403 || !strings.Contains(body, "default tenant") {
			t.Errorf("%s as acme: %d %s", path, status, body)
		}
		if status, _ := r.as(t, "default", http.MethodGet, r.web+native.Prefix+path, ""); status != 200 {
			t.Errorf("%s as the default tenant: %d", path, status)
		}
	}
}
