package tempo_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/kiseki-dev/kiseki/api/tempo"
	"github.com/kiseki-dev/kiseki/api/tempo/tempopb"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/storage/scan/scantest"
	"github.com/kiseki-dev/kiseki/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var rewrite = flag.Bool("rewrite", false, "write the answers the tests get to testdata")

// epoch is the second in which the first trace of the shop starts; the tests'
// clock stands a minute later.
const epoch = 1_790_000_000

// shop is three traces: a checkout whose payment fails, a quick search a
// second later, and two seconds later a job whose parent has not arrived.
func shop() *telemetry.Batch {
	b := &telemetry.Batch{}
	attrs := func(kv ...telemetry.Attr) telemetry.Range {
		start := uint32(len(b.Attrs))
		b.Attrs = append(b.Attrs, kv...)
		return telemetry.Range{Start: start, End: uint32(len(b.Attrs))}
	}
	text := func(k, v string) telemetry.Attr { return telemetry.Attr{Key: k, Value: telemetry.StringValue(v)} }
	number := func(k string, v int64) telemetry.Attr { return telemetry.Attr{Key: k, Value: telemetry.IntValue(v)} }
	for _, service := range []string{"frontend", "payment", "batch"} {
		b.Resources = append(b.Resources, telemetry.Resource{Attrs: attrs(text("service.name", service), text("cluster", "eu-1"))})
	}
	b.Scopes = []telemetry.Scope{{Name: "net/http", Version: "1.2"}}
	b.Events = []telemetry.Event{{Time: epoch*1e9 + 2e6, Name: "exception", Attrs: attrs(text("exception.message", "card declined"))}}
	b.Links = []telemetry.Link{{TraceID: telemetry.TraceID{15: 0xa1}, SpanID: telemetry.SpanID{7: 1}, Attrs: attrs(text("link.type", "cause"))}}
	span := func(trace, id, parent byte, resource uint32, name string, start, duration uint64, kind telemetry.Kind, st telemetry.Status, a telemetry.Range) *telemetry.Span {
		b.Spans = append(b.Spans, telemetry.Span{
			TraceID: telemetry.TraceID{15: trace}, SpanID: telemetry.SpanID{7: id}, ParentID: telemetry.SpanID{7: parent}, Resource: resource, Name: name,
			Start: epoch*1e9 + start, End: epoch*1e9 + start + duration, Kind: kind, Status: st, Attrs: a,
		})
		return &b.Spans[len(b.Spans)-1]
	}
	span(0xa1, 1, 0, 0, "POST /checkout", 0, 500e6, telemetry.KindServer, telemetry.StatusUnset, attrs(text("http.route", "/checkout"), number("http.status_code", 500)))
	span(0xa1, 2, 1, 0, "charge", 1e6, 400e6, telemetry.KindClient, telemetry.StatusError, attrs(number("http.status_code", 402)))
	failed := span(0xa1, 3, 2, 1, "POST /charge", 2e6, 300e6, telemetry.KindServer, telemetry.StatusError,
		attrs(number("http.status_code", 402), telemetry.Attr{Key: "retry", Value: telemetry.BoolValue(true)}))
	failed.StatusMessage, failed.Events = "card declined", telemetry.Range{Start: 0, End: 1}
	span(0xb2, 4, 0, 0, "GET /search", 1e9, 20e6, telemetry.KindServer, telemetry.StatusOK, attrs(text("http.route", "/search"), number("http.status_code", 200)))
	job := span(0xc3, 5, 9, 2, "nightly", 2e9, 5e9, telemetry.KindInternal, telemetry.StatusUnset, attrs(telemetry.Attr{Key: "share", Value: telemetry.DoubleValue(0.5)}))
	job.Links = telemetry.Range{Start: 0, End: 1}
	return b
}

func newAPI(store scan.Store) *tempo.API {
	return tempo.New(tempo.Options{
		Store: store, Version: "1.0", Logger: slog.New(slog.DiscardHandler), Now: func() time.Time { return time.Unix(epoch+60, 0) },
	})
}

// TestScripts runs the scripts of testdata against the shop. A script is
// paragraphs: a request over HTTP with its parameters and headers,
//
//	GET path
//	  parameter=value
//	  Header: value
//
// or a call of the gRPC service with its message as JSON,
//
//	CALL method {…}
//
// and then the answer: its status, and its body or messages. Protobuf is shown
// as JSON.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			c := newClient(t, scantest.New(shop()))
			got := c.run(string(text))
			if *rewrite {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != string(text) {
				t.Errorf("got\n%s", got)
			}
		})
	}
}

// client asks the API, over HTTP without a network and over gRPC.
type client struct {
	*testing.T
	api *tempo.API
	*connection
}

func newClient(t *testing.T, store scan.Store) *client {
	api := newAPI(store)
	api.SendEvery(time.Hour) // what a stream sends is to depend on no clock
	return &client{t, api, connect(t, api)}
}

// run is a script with the answers of now.
func (c *client) run(script string) string {
	var out strings.Builder
	for i, paragraph := range strings.Split(strings.TrimRight(script, "\n"), "\n\n") {
		if i > 0 {
			out.WriteString("\n")
		}
		lines := strings.Split(paragraph, "\n")
		for len(lines) > 0 && strings.HasPrefix(lines[0], "#") {
			fmt.Fprintln(&out, lines[0])
			lines = lines[1:]
		}
		if len(lines) == 0 {
			continue
		}
		fmt.Fprintln(&out, lines[0])
		verb, rest, _ := strings.Cut(lines[0], " ")
		if verb == "CALL" {
			method, message, _ := strings.Cut(rest, " ")
			out.WriteString(c.call(method, message))
			continue
		}
		query, header := url.Values{}, http.Header{}
		for _, line := range lines[1:] {
			param, ok := strings.CutPrefix(line, "  ")
			if !ok {
				break
			}
			fmt.Fprintln(&out, line)
			at := strings.IndexAny(param, "=:")
			if param[at] == ':' {
				header.Set(param[:at], strings.TrimSpace(param[at+1:]))
			} else {
				query.Add(param[:at], param[at+1:])
			}
		}
		out.WriteString(c.get(rest, query, header))
	}
	return out.String()
}

// get is the answer to a request.
func (c *client) get(path string, query url.Values, header http.Header) string {
	req := httptest.NewRequest(http.MethodGet, path+"?"+query.Encode(), nil)
	req.Header = header
	w := httptest.NewRecorder()
	c.api.ServeHTTP(w, req)
	mime := w.Header().Get("Content-Type")
	head := fmt.Sprintf("%d %s\n", w.Code, mime)
	switch mime {
	case "application/json":
		return head + indent(w.Body.Bytes())
	case "application/protobuf":
		return head + c.showProtobuf(path, w.Body.Bytes())
	}
	return head + strings.TrimRight(w.Body.String(), "\n") + "\n"
}

func (c *client) showProtobuf(path string, body []byte) string {
	var m proto.Message = &tempopb.SearchResponse{}
	switch {
	case strings.HasPrefix(path, "/api/v2/traces/"):
		m = &tempopb.TraceByIDResponse{}
	case strings.HasPrefix(path, "/api/traces/"):
		m = &tempopb.Trace{}
	}
	if err := proto.Unmarshal(body, m); err != nil {
		c.Fatalf("%s: %v", path, err)
	}
	return show(m)
}

// call is the messages that a method answers with, and its status.
func (c *client) call(method, message string) string {
	service := tempopb.File_tempo_proto.Services().ByName("StreamingQuerier")
	m := service.Methods().ByName(protoreflect.Name(method))
	if m == nil {
		c.Fatalf("no method %s", method)
	}
	in := dynamicpb.NewMessage(m.Input())
	if err := protojson.Unmarshal([]byte(message), in); err != nil {
		c.Fatalf("%s: %v", message, err)
	}
	var out strings.Builder
	err := c.stream("/tempopb.StreamingQuerier/"+method, in, func() proto.Message { return dynamicpb.NewMessage(m.Output()) }, func(m proto.Message) {
		out.WriteString(show(m))
	})
	s := status.Convert(err)
	fmt.Fprintf(&out, "%s %s", s.Code(), s.Message())
	return strings.TrimRight(out.String(), " ") + "\n"
}

func show(m proto.Message) string {
	text, err := protojson.Marshal(m)
	if err != nil {
		return err.Error()
	}
	return indent(text)
}

// indent shows JSON over lines, objects of few words on one.
func indent(text []byte) string {
	var out bytes.Buffer
	if err := json.Indent(&out, text, "", " "); err != nil {
		return err.Error() + ": " + string(text) + "\n"
	}
	return compact(out.String()) + "\n"
}

// compact joins the lines of what nests no deeper than {"key":…,"value":{…}}.
func compact(text string) string {
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		open := lines[i]
		if !strings.HasSuffix(open, "{") && !strings.HasSuffix(open, "[") {
			continue
		}
		depth := len(open) - len(strings.TrimLeft(open, " "))
		joined, end := strings.TrimRight(open, " "), i+1
		for ; end < len(lines); end++ {
			part := strings.TrimLeft(lines[end], " ")
			joined += part
			if strings.HasSuffix(part, ",") {
				joined += " "
			}
			if len(lines[end])-len(part) == depth {
				break
			}
		}
		if joined = strings.TrimRight(joined, " "); len(joined) <= 150 {
			lines = append(lines[:i], append([]string{joined}, lines[end+1:]...)...)
		}
	}
	return strings.Join(lines, "\n")
}

// TestIDsAreBytes: protobuf has ids as bytes, which JSON shows in base64.
func TestIDsAreBytes(t *testing.T) {
	c := newClient(t, scantest.New(shop()))
	body := c.get("/api/v2/traces/a1", nil, nil)
	id := base64.StdEncoding.EncodeToString(append(make([]byte, 15), 0xa1))
	if !strings.Contains(body, id) {
		t.Errorf("%s is not in\n%s", id, body)
	}
}

// TestMethods: what changes nothing is asked with GET.
func TestMethods(t *testing.T) {
	api := newAPI(scantest.New(shop()))
	for method, want := range map[string]int{http.MethodGet: 200, http.MethodHead: 200, http.MethodPost: 405, http.MethodDelete: 405} {
		w := httptest.NewRecorder()
		api.ServeHTTP(w, httptest.NewRequest(method, "/api/search", nil))
		if w.Code != want {
			t.Errorf("%s: %d, want %d", method, w.Code, want)
		}
	}
}

// TestCancelled: nobody is told what nobody waits for.
func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	w := httptest.NewRecorder()
	newAPI(scantest.New(shop())).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/search", nil).WithContext(ctx))
	if body, err := io.ReadAll(w.Body); err != nil || len(body) > 0 {
		t.Errorf("%s, %v", body, err)
	}
}
