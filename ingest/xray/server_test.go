package xray

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kiseki-dev/kiseki/ingest"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// fixture is a server and what it was given.
type fixture struct {
	url, udp string
	mu       struct {
		sync.Mutex
		names, outcomes []string
		busy            bool
	}
}

func start(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{}
	s := New(ingest.Options{
		Append: func(_ context.Context, b *telemetry.Batch) (telemetry.Outcome, error) {
			f.mu.Lock()
			defer f.mu.Unlock()
			if f.mu.busy {
				return telemetry.Outcome{}, &telemetry.RetryError{After: 3 * time.Second, Err: errors.New("the disk is full")}
			}
			for i := range b.Spans {
				f.mu.names = append(f.mu.names, b.Spans[i].Name)
			}
			return telemetry.Outcome{}, nil
		},
		Limits: ingest.Limits{RequestBytes: 200_000, DecodedBytes: 300_000, Elements: 1000},
		Observe: func(o ingest.Observation) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.mu.outcomes = append(f.mu.outcomes, strings.Join([]string{o.Transport, o.Encoding, o.Outcome}, " "))
		},
		Logger: slog.New(slog.DiscardHandler),
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f.url, f.udp = "http://"+l.Addr().String(), c.LocalAddr().String()
	done := make(chan error, 2)
	go func() { done <- s.Serve(l) }()
	go func() { done <- s.ServePackets(c) }()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		if err := errors.Join(s.Shutdown(context.Background()), <-done, <-done); err != nil {
			t.Error(err)
		}
	})
	return f
}

// outcome is the next one that is observed, and what was stored until then.
func (f *fixture) outcome(t *testing.T) (outcome, names string) {
	t.Helper()
	for until := time.Now().Add(5 * time.Second); time.Now().Before(until); time.Sleep(time.Millisecond) {
		f.mu.Lock()
		if len(f.mu.outcomes) > 0 {
			outcome, names = f.mu.outcomes[0], strings.Join(f.mu.names, " ")
			f.mu.outcomes, f.mu.names = slices.Delete(f.mu.outcomes, 0, 1), nil
		}
		f.mu.Unlock()
		if outcome != "" {
			return outcome, names
		}
	}
	t.Fatal("nothing was observed")
	return "", ""
}

func (f *fixture) post(t *testing.T, method, path, body string) (int, string, http.Header) {
	t.Helper()
	req, err := http.NewRequest(method, f.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, strings.TrimSpace(string(text)), resp.Header
}

// quoted is documents as PutTraceSegments has them.
func quoted(documents ...string) string {
	for i := range documents {
		documents[i] = fmt.Sprintf("%q", documents[i])
	}
	return `{"TraceSegmentDocuments":[` + strings.Join(documents, ",") + `]}`
}

func segment(name string) string {
	return `{"trace_id":"1-581cf771-a006649127e371903a2de979","id":"70de5b6f19ff9a0a","start_time":1,"end_time":2,"name":"` + name + `"}`
}

// TestAnswers shows what clients of the API are told.
func TestAnswers(t *testing.T) {
	f := start(t)
	const none = `{"UnprocessedTraceSegments":[]}`
	for _, c := range []struct {
		name, method, path, body string
		status                   int
		text, outcome, stored    string
	}{
		{"two segments", "POST", pathSegments, quoted(segment("a"), segment("b")), 200, none, "http json ok", "a b"},
		{"none", "POST", pathSegments, quoted(), 200, none, "http json ok", ""},
		{"no JSON among them", "POST", pathSegments, quoted("x", segment("b")), 200, `"ErrorCode":"ParseError"`, "http json partial", "b"},
		{"no segment among them", "POST", pathSegments, quoted(segment("a"), `{"id":"70de5b6f19ff9a0b"}`, segment("b")), 200,
			`{"UnprocessedTraceSegments":[{"Id":"70de5b6f19ff9a0b","ErrorCode":"InvalidTraceId","Message":`, "http json partial", "a b"},
		{"half of one", "POST", pathSegments, quoted(strings.Replace(segment("a"), "}", `,"subsegments":[{"name":"s"}]}`, 1), segment("b")), 200,
			`"ErrorCode":"InvalidId"`, "http json partial", "b"},
		{"a large one", "POST", pathSegments, quoted(segment("a"), segment(strings.Repeat("x", maxDocument))), 200, `"ErrorCode":"DocumentTooLarge"`, "http json partial", "a"},
		{"no JSON", "POST", pathSegments, `x`, 400, "InvalidRequestException", "http json malformed", ""},
		{"something else", "POST", pathSegments, `{}`, 400, "TraceSegmentDocuments is missing", "http json malformed", ""},
		{"no text", "POST", pathSegments, `{"TraceSegmentDocuments":[{}]}`, 400, "malformed X-Ray json", "http json malformed", ""},
		{"too much", "POST", pathSegments, strings.Repeat(" ", 200_001), 413, "200000", "http json too_large", ""},
		{"too many", "POST", pathSegments, quoted(slices.Repeat([]string{segment("a")}, 400)...), 413, "1000 segments", "http json too_large", ""},
		{"another method", "GET", pathRules, "", 405, "POST", "http  unsupported", ""},
		{"another operation", "POST", "/GetGroups", "{}", 404, pathSegments, "http  unsupported", ""},
	} {
		status, text, h := f.post(t, c.method, c.path, c.body)
		outcome, stored := f.outcome(t)
		if status != c.status || !strings.Contains(text, c.text) || outcome != c.outcome || stored != c.stored {
			t.Errorf("%s: %d %.300s; %s, stored %s", c.name, status, text, outcome, stored)
		}
		if status >= 400 && h.Get("X-Amzn-Errortype") == "" {
			t.Errorf("%s: without the kind of error", c.name)
		}
	}
	f.mu.Lock()
	f.mu.busy = true
	f.mu.Unlock()
	if status, text, h := f.post(t, "POST", pathSegments, quoted(segment("a"))); status != 503 || !strings.Contains(text, "ThrottledException") || h.Get("Retry-After") != "3" {
		t.Errorf("while the store is busy: %d %s %v", status, text, h)
	}
	if outcome, _ := f.outcome(t); outcome != "http json unavailable" {
		t.Error(outcome)
	}
}

// TestDatagrams: what is malformed is counted and harms nobody.
func TestDatagrams(t *testing.T) {
	f := start(t)
	c, err := net.Dial("udp", f.udp)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, d := range []struct{ packet, outcome, stored string }{
		{line + segment("a"), "udp json ok", "a"},
		{line + segment("a") + "\n", "udp json ok", "a"},
		{segment("a"), "udp json malformed", ""},
		{line + segment("a")[:50], "udp json malformed", ""},
		{line + strings.Replace(segment("a"), "}", `,"subsegments":[{"name":"s"}]}`, 1), "udp json malformed", ""},
		{"\x00", "udp json malformed", ""},
		{line + segment(strings.Repeat("x", 60_000)), "udp json ok", strings.Repeat("x", 60_000)},
	} {
		if _, err := c.Write([]byte(d.packet)); err != nil {
			t.Fatal(err)
		}
		if outcome, stored := f.outcome(t); outcome != d.outcome || stored != d.stored {
			t.Errorf("%.60s: %s, stored %.50s", d.packet, outcome, stored)
		}
	}
}

// TestSampling: the rule is that everything is sampled.
func TestSampling(t *testing.T) {
	f := start(t)
	for _, body := range []string{`{"NextToken":null}`, `{}`, ``} {
		status, text, _ := f.post(t, "POST", pathRules, body)
		if status != 200 || !strings.Contains(text, `"FixedRate":1,`) || !strings.Contains(text, `"RuleName":"Default"`) {
			t.Errorf("%s: %d %s", body, status, text)
		}
	}
	status, text, _ := f.post(t, "POST", pathTargets, `{"SamplingStatisticsDocuments":[{"RuleName":"Default","ClientID":"a","RequestCount":1},{"RuleName":"mine"}]}`)
	if status != 200 || !strings.Contains(text, `"FixedRate":1,"Interval":10,`) || !strings.Contains(text, `"ErrorCode":"RuleNotFound"`) {
		t.Errorf("%d %s", status, text)
	}
	for _, bad := range []string{`[]`, `{"SamplingStatisticsDocuments":7}`, `{"x":"` + strings.Repeat("x", maxSampling)} {
		if status, text, _ := f.post(t, "POST", pathTargets, bad); status != 400 || !strings.Contains(text, "InvalidRequestException") {
			t.Errorf("%.30s: %d %s", bad, status, text)
		}
	}
}
