package native_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/kiseki-dev/kiseki/api/native"
	"github.com/kiseki-dev/kiseki/storage"
	"github.com/kiseki-dev/kiseki/storage/vfs"
)

// newDeletionClient serves a real store with the spans of [shop].
func newDeletionClient(t *testing.T) (*client, *storage.Store) {
	t.Helper()
	s, err := storage.Open(storage.Options{FS: vfs.NewMem(0), Dir: "/data", MinFreeBytes: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := s.Append(t.Context(), shop()); err != nil {
		t.Fatal(err)
	}
	c := newClient(t, s)
	c.handler = native.New(deletionOptions(s))
	return c, s
}

// deletionOptions serve a store and its deletions.
func deletionOptions(s *storage.Store) native.Options {
	return native.Options{
		Store: s, Logger: slog.New(slog.DiscardHandler), Status: shopStatus, Server: shopServer, Settings: shopSettings,
		Delete: func(ctx context.Context, req native.DeletionRequest) (native.Deletion, error) {
			d, err := s.Delete(ctx, storage.DeletionRequest(req))
			return native.Deletion(d), err
		},
		Deletions: func() (out []native.Deletion) {
			for _, d := range s.Deletions() {
				out = append(out, native.Deletion(d))
			}
			return out
		},
	}
}

// deletions asks for a deletion in alice's name.
func (c *client) deletions(body string, wantStatus int) string {
	c.Helper()
	req := httptest.NewRequest(http.MethodPost, native.Prefix+"/deletions", strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Forwarded-User", "alice")
	return c.exchange(req, body, wantStatus).Body.String()
}

const (
	traceA = "000000000000000000000000000000aa"
	traceB = "000000000000000000000000000000bb"
)

// TestDelete: each way of choosing finds the traces it should, counts them
// without deleting them, deletes them, and leaves no value in the record.
func TestDelete(t *testing.T) {
	for _, x := range []struct {
		body          string
		traces, spans int
		what          string // the record, with H for a hash
		secret        string // what it must not contain
	}{
		{`{"traceIds":["` + traceA + `","AA00000000000001"]}`, 1, 2, `2 trace IDs H`, "aa00"},
		{`{"query":"{ name = \"job\" }"}`, 1, 1, `{ name = "H" }`, "job"},
		{`{"query":"{ (span.http.status_code > 401 || .x =~ \"secret.*\") && status = error && duration > 1ns }"}`, 1, 2,
			`{ (span.http.status_code > "H" || .x =~ "H") && status = error && duration > 1ns }`, "401"},
		{`{"query":"{}","start":"1790000001000000000"}`, 1, 1, `{}`, "1790000001"},
		{`{"query":"{}","end":"1790000001000000000"}`, 1, 2, `{}`, "1790000001"},
		{`{"attribute":{"key":"exception.message","value":"card declined"}}`, 1, 2, `exception.message = H`, "declined"},
		{`{"attribute":{"key":"service.name","value":"checkout"}}`, 2, 3, `service.name = H`, "checkout"},
		{`{"attribute":{"key":"http.status_code","value":"402"}}`, 1, 2, `http.status_code = H`, "402"},
		{`{"attribute":{"key":"ratio","value":"0.5"}}`, 1, 2, `ratio = H`, "0.5"},
		{`{"attribute":{"key":"ok","value":"false"}}`, 1, 2, `ok = H`, "false"},
		{`{"attribute":{"key":"list","value":"1"}}`, 1, 2, `list = H`, ""},
		{`{"attribute":{"key":"host.name","value":"a"}}`, 0, 0, `host.name = H`, ""},
	} {
		t.Run(x.body, func(t *testing.T) {
			c, s := newDeletionClient(t)
			want := fmt.Sprintf(`"traceCount":%d,"spanCount":%d`, x.traces, x.spans)
			dry := c.deletions(strings.TrimSuffix(x.body, "}")+`,"dryRun":true}`, http.StatusOK)
			if dry != `{"dryRun":true,`+want+`}` {
				t.Errorf("dry run: %s", dry)
			}
			if got := c.get("/deletions", http.StatusOK); got != `{"deletions":[]}` {
				t.Errorf("a dry run is listed: %s", got)
			}
			state := "pending"
			if x.traces == 0 {
				state = "erased"
			}
			if got := c.deletions(x.body, http.StatusOK); !strings.HasPrefix(got, `{"dryRun":false,`+want+`,"deletion":{"id":1,"state":"`+state+`"`) {
				t.Errorf("got %s", got)
			}
			if got := strings.Count(c.get("/traces", http.StatusOK), `"traceId"`); got != 2-x.traces {
				t.Errorf("%d traces are left", got)
			}
			if err := s.Erase(t.Context()); err != nil {
				t.Fatal(err)
			}
			c.checkRecord(x.what, x.secret)
		})
	}
}

// checkRecord checks the only deletion listed, which is erased.
func (c *client) checkRecord(what, secret string) {
	c.Helper()
	list := c.get("/deletions", http.StatusOK)
	var got struct {
		Deletions []struct{ State, What, Who, ErasedTimeUnixNano string }
	}
	if err := json.Unmarshal([]byte(list), &got); err != nil || len(got.Deletions) != 1 {
		c.Fatalf("%v: %s", err, list)
	}
	d := got.Deletions[0]
	if d.State != "erased" || d.ErasedTimeUnixNano == "" || d.Who != "alice via 192.0.2.1" {
		c.Errorf("%s", list)
	}
	plain := ""
	for i, part := range strings.Split(d.What, "sha256:") {
		if i > 0 {
			part = "H" + part[16+1+64:]
		}
		plain += part
	}
	if plain != what || secret != "" && strings.Contains(plain, secret) {
		c.Errorf("the record is %s", d.What)
	}
}

func TestDeletedTraceIsGone(t *testing.T) {
	c, _ := newDeletionClient(t)
	c.deletions(`{"traceIds":["`+traceB+`"]}`, http.StatusOK)
	c.get("/traces/"+traceB, http.StatusNotFound)
	c.get("/traces/"+traceA, http.StatusOK)
}

// TestBadDeletions: each is refused and nothing is deleted.
func TestBadDeletions(t *testing.T) {
	c, s := newDeletionClient(t)
	for body, want := range map[string]string{
		``:                                     "not the JSON object",
		`[]`:                                   "not the JSON object",
		`{}`:                                   "exactly one of traceIds, query and attribute",
		`{"query":"{}","traceIds":[]}`:         "exactly one of",
		`{"query":"{}"} {}`:                    "one JSON object",
		`{"querry":"{}"}`:                      `unknown field`,
		`{"query":""}`:                         "It is empty",
		`{"query":"{ nmae = 1 }"}`:             `"position":2`,
		`{"query":"{}","start":"x"}`:           "Invalid parameter start",
		`{"query":"{}","start":"5","end":"4"}`: "The end is before the start",
		`{"traceIds":["xyz"]}`:                 "is not a trace ID",
		`{"traceIds":["` + traceA + `"],"start":"5"}`:               "whenever they were",
		`{"traceIds":["` + strings.Repeat(`1","`, 1001) + `1"]}`:    "There are more than 1000",
		`{"attribute":{"key":"","value":"x"}}`:                      "It needs a key and a value",
		`{"attribute":{"key":"x"}}`:                                 "It needs a key and a value",
		`{"query":"` + strings.Repeat(" ", 17000) + `"}`:            "longer than 16384",
		`{"query":"{}","x":"` + strings.Repeat("x", 300_000) + `"}`: "not the JSON object",
	} {
		if got := c.deletions(body, http.StatusBadRequest); !strings.Contains(got, want) {
			t.Errorf("%.80s: %s", body, got)
		}
	}
	if n := len(s.Deletions()); n != 0 {
		t.Errorf("%d deletions", n)
	}
}

// TestDeletionFromElsewhere: a page of another site can not delete.
func TestDeletionFromElsewhere(t *testing.T) {
	c, s := newDeletionClient(t)
	for name, x := range map[string]struct {
		header, value string
		status        int
	}{
		"site":   {"Sec-Fetch-Site", "cross-site", http.StatusForbidden},
		"origin": {"Origin", "https://evil.example", http.StatusForbidden},
		"form":   {"Content-Type", "application/x-www-form-urlencoded", http.StatusUnsupportedMediaType},
	} {
		req := httptest.NewRequest(http.MethodPost, native.Prefix+"/deletions", strings.NewReader(`{"query":"{}"}`))
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set(x.header, x.value)
		w := httptest.NewRecorder()
		c.handler.ServeHTTP(w, req)
		if w.Code != x.status || len(s.Deletions()) != 0 {
			t.Errorf("%s: status %d, %d deletions", name, w.Code, len(s.Deletions()))
		}
	}
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, httptest.NewRequest(http.MethodDelete, native.Prefix+"/deletions", nil))
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD, POST" {
		t.Errorf("DELETE: %d, %q", w.Code, w.Header().Get("Allow"))
	}
}
