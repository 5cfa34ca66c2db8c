package redact

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

func TestText(t *testing.T) {
	r := New(Options{})
	for _, x := range []struct{ text, want string }{
		{"GET /products/4711", ""},
		{"https://example.org/a?b=c", ""},
		{"2026-11-22T08:00:00Z took 12.5 ms", ""},
		{"postgres://app:s3cret@db:5432/shop?sslmode=off", "postgres://app:[redacted]@db:5432/shop?sslmode=off"},
		{"amqp://:p@ss@mq/", "amqp://:[redacted]@mq/"},
		{"see https://example.org/~anna@home", ""},
		{"app:s3cret@tcp(db:3306)/shop", "app:[redacted]@tcp(db:3306)/shop"},
		{"host=db user=app password=s3cret dbname=shop", "host=db user=app password=[redacted] dbname=shop"},
		{"/callback?code=abc&state=1&access_token=xyz#top", "/callback?code=[redacted]&state=1&access_token=[redacted]"},
		{"token=abc", "token=[redacted]"},
		{"max_tokens=100&zipcode=12345", ""},
		{"X-Amz-Signature=0a1b2c&X-Amz-Date=20261122", "X-Amz-Signature=[redacted]&X-Amz-Date=20261122"},
		{`{"user":"anna","password":"p\"w","n":1}`, `{"user":"anna","password":"[redacted]","n":1}`},
		{`{'apiKey': 'abc'}`, `{'apiKey': "[redacted]"}`},
		{"Authorization: Bearer abc\nHost: x", "Authorization: [redacted]\nHost: x"},
		{"Cookie: a=b; c=d", "Cookie: [redacted]"},
		{"got Bearer abcdef123456 from client", "got Bearer [redacted] from client"},
		{"basic authentication failed", ""},
		{"bearer authentication is required", ""},
		{"Basic YW5uYTpzM2NyZXQ=", "Basic [redacted]"},
		{"jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N", "jwt [redacted]"},
		{"key AKIAIOSFODNN7EXAMPLE in use", "key [redacted] in use"},
		{"-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", "[redacted]"},
		{"-----BEGIN PRIVATE KEY-----\nMIIE", "[redacted]"},
		{"card 4111 1111 1111 1111 declined", "card [redacted] declined"},
		{"card 4111-1111-1111-1111.", "card [redacted]."},
		{"378282246310005", "[redacted]"}, {"5555555555554444", "[redacted]"}, {"6011111111111117", "[redacted]"},
		{"30569309025904", "[redacted]"}, {"3530111333300000", "[redacted]"},
		{"4111111111111112", ""},                  // wrong check digit
		{"1700000000000000000", ""},               // nanoseconds
		{"41111111111111111111", ""},              // too long
		{"a4111111111111111b", ""},                // part of an identifier
		{"0.4111111111111111", ""},                // a fraction
		{"anna@example.org ordered", ""},          // only on demand
		{"SELECT * FROM t WHERE a = 'b'", ""},     // only on demand
		{"a bearer of news, a secret garden", ""}, // prose
	} {
		want := x.want
		if want == "" {
			want = x.text
		}
		if got := r.Text(x.text); got != want {
			t.Errorf("%q\n got %q\nwant %q", x.text, got, want)
		}
	}
}

func TestOptions(t *testing.T) {
	r := New(Options{Emails: true, SQL: true, Keys: []string{"shop.Voucher"}, Patterns: []*regexp.Regexp{regexp.MustCompile(`CUST-\d+`)}})
	for _, x := range []struct {
		key, text, want string
	}{
		{"message", "mail to anna.b+shop@mail.example.org failed", "mail to [redacted] failed"},
		{"message", "customer CUST-123 is gone", "customer [redacted] is gone"},
		{"shop.voucher", "SUMMER", "[redacted]"},
		{"db.query.text", "SELECT a FROM t WHERE b = 'c' AND d = 7", "SELECT a FROM t WHERE b = ? AND d = ?"},
	} {
		if got := r.Attributes([]attribute.KeyValue{attribute.String(x.key, x.text)})[0].Value.AsString(); got != x.want {
			t.Errorf("%s=%q became %q", x.key, x.text, got)
		}
	}
	off := New(Options{Off: true})
	kvs := []attribute.KeyValue{attribute.String("password", "x")}
	if got := off.Attributes(kvs)[0].Value.AsString() + off.Text("password=abc"); got != "xpassword=abc" {
		t.Errorf("off, but got %q", got)
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string]bool{
		"http.request.header.authorization": true, "http.request.header.cookie": true, "http.response.header.set-cookie": true,
		"http.request.header.x-api-key": true, "db.password": true, "userPassword": true, "apiKey": true, "AWS_SECRET_ACCESS_KEY": true,
		"access_token": true, "oauth.client_secret": true, "card.number": true,
		"http.request.method": false, "http.route": false, "session.id": false, "gen_ai.usage.input_tokens": false, "messaging.message.id": false,
		"key": false, "cache.key": false, "tokenizer": false, "password_attempts": false, "enduser.id": false,
	} {
		if got := secretName(name) && !harmless[name]; got != want {
			t.Errorf("%s: secret is %t", name, got)
		}
	}
}

// TestSpan: every part of a span is looked at, and the original stays.
func TestSpan(t *testing.T) {
	const dsn, clean = "postgres://app:s3cret@db/shop", "postgres://app:[redacted]@db/shop"
	attrs := []attribute.KeyValue{
		attribute.String("plain", "x"), attribute.String("url.full", dsn), attribute.StringSlice("list", []string{"x", dsn}),
		attribute.StringSlice("http.request.header.cookie", []string{"a=b"}), attribute.Int64("order", 4111111111111111),
		attribute.Int64("small", 7), attribute.Bool("has.token", true), attribute.ByteSlice("raw", []byte(dsn)),
		attribute.Map("map", attribute.String("password", "x"), attribute.String("ok", "y")),
		attribute.Slice("mixed", attribute.StringValue(dsn), attribute.IntValue(1)),
	}
	stub := tracetest.SpanStub{
		Name: "connect " + dsn, StartTime: time.Now(), Attributes: attrs,
		Events: []sdktrace.Event{{Name: "exception", Attributes: []attribute.KeyValue{attribute.String("exception.message", dsn)}}},
		Links:  []sdktrace.Link{{Attributes: []attribute.KeyValue{attribute.String("from", dsn)}}},
		Status: sdktrace.Status{Code: codes.Error, Description: "dial " + dsn},
	}
	original := stub.Snapshot()
	r := New(Options{})
	s := r.Span(original)
	got := attribute.NewSet(s.Attributes()...)
	for key, want := range map[attribute.Key]string{
		"plain": "x", "url.full": clean, "list": `["x","` + clean + `"]`, "http.request.header.cookie": Removed,
		"order": Removed, "small": "7", "has.token": "true", "raw": Removed,
	} {
		if v, _ := got.Value(key); v.String() != want {
			t.Errorf("%s is %s", key, v.String())
		}
	}
	for _, key := range []attribute.Key{"map", "mixed"} {
		if v, _ := got.Value(key); strings.Contains(v.String(), "s3cret") || strings.Contains(v.String(), `"x"`) {
			t.Errorf("%s is %s", key, v.String())
		}
	}
	if s.Name() != "connect "+clean || s.Status().Description != "dial "+clean ||
		s.Events()[0].Attributes[0].Value.AsString() != clean || s.Links()[0].Attributes[0].Value.AsString() != clean {
		t.Errorf("%q %v %v %v", s.Name(), s.Status(), s.Events(), s.Links())
	}
	if original.Attributes()[1].Value.AsString() != dsn || original.Events()[0].Attributes[0].Value.AsString() != dsn {
		t.Error("the original was changed")
	}
	harmless := tracetest.SpanStub{Name: "GET /", Attributes: attrs[:1]}.Snapshot()
	if _, copied := r.Span(harmless).(*redacted); copied {
		t.Error("a span without secrets was copied")
	}
	memory := tracetest.NewInMemoryExporter()
	if err := Exporter(memory, Options{}).ExportSpans(context.Background(), []sdktrace.ReadOnlySpan{original}); err != nil {
		t.Fatal(err)
	}
	if got := memory.GetSpans()[0].Name; got != "connect "+clean {
		t.Errorf("exported was %q", got)
	}
}

func TestSQL(t *testing.T) {
	for _, x := range []struct{ sql, want string }{
		{"SELECT * FROM t1 WHERE a=1 AND b='it''s' -- note", "SELECT * FROM t1 WHERE a=? AND b=? -- note"},
		{"INSERT INTO users (name, age) VALUES ('anna', 42), (E'b\\'c', -1.5e-3)", "INSERT INTO users (name, age) VALUES (?, ?), (?, -?)"},
		{`SELECT "id" FROM "users" u WHERE u."mail" = $1 AND "x" = 0xff`, `SELECT "id" FROM "users" u WHERE u."mail" = $1 AND "x" = ?`},
		{`SELECT a FROM t WHERE b = "secret" AND c LIKE "x%"`, `SELECT a FROM t WHERE b = ? AND c LIKE ?`},
		{"SELECT `2fa` FROM [dbo].[t] WHERE a IN (1,2,:name,@p1,?)", "SELECT `2fa` FROM [dbo].[t] WHERE a IN (?,?,:name,@p1,?)"},
		{"DO $$ secret $$; DO $fn$ x $fn$", "DO ?; DO ?"},
		{"/*traceparent='00-ab-cd-01'*/ SELECT 1", "/*traceparent='00-ab-cd-01'*/ SELECT ?"},
		{"SELECT 'open", "SELECT ?"},
		{`SELECT * FROM t WHERE dir = 'C:\' AND name = 'anna'`, "SELECT * FROM t WHERE dir = ?"},
		{`SELECT * FROM t WHERE name = "an\"na" AND x = 1`, "SELECT * FROM t WHERE name = ?"},
		{`SELECT * FROM t WHERE name = "an""na" AND x = 1`, "SELECT * FROM t WHERE name = ? AND x = ?"},
		{"SELECT straße FROM ort", "SELECT straße FROM ort"},
	} {
		if got := SQL(x.sql); got != x.want {
			t.Errorf("%s\n got %s\nwant %s", x.sql, got, x.want)
		}
	}
}

// FuzzText: nothing breaks, what is removed stays removed, and valid text
// stays valid.
func FuzzText(f *testing.F) {
	for _, s := range []string{"postgres://a:b@c", "password=x&y", `{"token": "x"}`, "4111 1111 1111 1111", "Bearer a1b2c3d4e5", "x@y.de", "SELECT 'a' FROM \"b\""} {
		f.Add(s)
	}
	r := New(Options{Emails: true, SQL: true})
	f.Fuzz(func(t *testing.T, s string) {
		once := r.Text(s)
		if utf8.ValidString(s) && !utf8.ValidString(once) {
			t.Errorf("%q became %q", s, once)
		}
		// Whatever is around it, a text in quotes does not get out, unless a
		// quote or a comment before it is open.
		if !strings.ContainsAny(s, "'\"`[$-/\\") && strings.Contains(SQL(s+" 's3cr3t' "+s), "s3cr3t") {
			t.Errorf("%q lets a value out", s)
		}
		SQL(s)
		card := r.Text(s + " 4111111111111111")
		if strings.Contains(card, "4111111111111111") && !strings.HasSuffix(s, "-") && !strings.ContainsAny(s, "0123456789") {
			t.Errorf("%q has a card number", card)
		}
	})
}

func BenchmarkSpan(b *testing.B) {
	s := tracetest.SpanStub{Name: "GET /products/{sku}", Attributes: []attribute.KeyValue{
		attribute.String("http.request.method", "GET"), attribute.String("http.route", "/products/{sku}"),
		attribute.String("url.path", "/products/4711"), attribute.String("url.scheme", "https"),
		attribute.String("server.address", "shop.example.org"), attribute.Int("server.port", 443),
		attribute.String("client.address", "192.0.2.7"), attribute.Int("http.response.status_code", 200),
	}}.Snapshot()
	r := New(Options{})
	b.ReportAllocs()
	for b.Loop() {
		r.Span(s)
	}
}
