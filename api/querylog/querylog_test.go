package querylog

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestShape(t *testing.T) {
	for in, want := range map[string]string{
		"": "",
		`{ resource.service.name = "cart" && duration > 500ms }`:  `{ resource.service.name = ? && duration > ? }`,
		`{ .http.status_code2 >= 500 || span.a1 = 1.5e9 }`:        `{ .http.status_code2 >= ? || span.a1 = ? }`,
		`{ span."user name" =~ "al\"ice.*" } | count() > 3`:       `{ span.? =~ ? } | count() > ?`,
		"{ .x = `back\\` && .y = -7 }":                            "{ .x = ? && .y = -? }",
		`{ .enduser = "alice`:                                     `{ .enduser = ?`,
		`{ status = error } | quantile_over_time(duration, .5,1)`: `{ status = error } | quantile_over_time(duration, .?,?)`,
	} {
		if got := Shape(in); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", in, got, want)
		}
	}
}

func FuzzShape(f *testing.F) {
	f.Add(`{ .x = "secret" }`, "secret")
	f.Add("{ .x = `a\"b` }", `"\`)
	f.Fuzz(func(t *testing.T, around, secret string) {
		if strings.ContainsAny(around, "\"`") || strings.ContainsAny(secret, "\"\\") || len(secret) < 4 || strings.Contains(around, secret) {
			return
		}
		if got := Shape(around + `"` + secret + `"` + around); strings.Contains(got, secret) && !strings.Contains(Shape(around)+"?"+Shape(around), secret) {
			t.Errorf("%q tells %q", got, secret)
		}
	})
}

func TestClass(t *testing.T) {
	for q, want := range map[string]string{
		`{ status = error }`: "filter", `{ } | rate()`: "metrics", `{ } >> { status = error }`: "pipeline", `{ traceDuration > 1s }`: "pipeline", `{`: "other",
	} {
		if got := Class(url.Values{"q": {q}}); got != want {
			t.Errorf("%s is of class %s, want %s", q, got, want)
		}
	}
	if got := Class(url.Values{"service": {"cart"}}); got != "other" {
		t.Errorf("without TraceQL: %s", got)
	}
}

func TestText(t *testing.T) {
	v := url.Values{"q": {`{ .user = "alice" }`}, "tags": {`{"user":"alice"}`}, "limit": {"20"}}
	if got := New(Options{}).Text(v); got != "limit=20 q={ .user = ? } tags=?" {
		t.Errorf("without literals: %s", got)
	}
	if got := New(Options{Literals: true}).Text(v); got != `limit=20 q={ .user = "alice" } tags={"user":"alice"}` {
		t.Errorf("with literals: %s", got)
	}
	if got := New(Options{Literals: true}).Text(url.Values{"q": {strings.Repeat("é", 5000)}}); len(got) > maxText {
		t.Errorf("%d bytes are kept", len(got))
	}
}

func TestLog(t *testing.T) {
	var out bytes.Buffer
	l := New(Options{Slow: time.Second, Logger: slog.New(slog.NewTextHandler(&out, nil))})
	for i := range kept + 10 {
		l.Add(Entry{Tenant: fmt.Sprint("t", i%2), Text: fmt.Sprint(i)})
	}
	if out.Len() > 0 {
		t.Errorf("quick ones are logged: %s", out.String())
	}
	l.Add(Entry{Tenant: "t0", Text: "q={}", Took: 2 * time.Second, Status: "200"})
	if !strings.Contains(out.String(), `msg="slow query"`) || !strings.Contains(out.String(), "q={}") {
		t.Errorf("a slow one is logged as %s", out.String())
	}
	got := l.Latest("t0")
	if len(got) != kept/2 || got[0].Text != "q={}" || got[1].Text != fmt.Sprint(kept+8) || got[len(got)-1].Text != "12" {
		t.Errorf("%d are remembered: %s, %s … %s", len(got), got[0].Text, got[1].Text, got[len(got)-1].Text)
	}
}
