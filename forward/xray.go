package forward

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
	"unicode"

	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/plain"
)

// X-Ray's daemon takes datagrams of a header and a document of at most 64 kB,
// https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html.
// It answers nothing: what is written counts as sent.
const (
	xrayHeader = `{"format":"json","version":1}` + "\n"
	mostXRay   = 64_000
	mostName   = 200

	// A socket's buffer has room for some hundred datagrams; what comes faster
	// than it is read is lost. So there are pauses, and 10,000 spans a second.
	xrayBurst = 20
	xrayPause = 2 * time.Millisecond
)

// xray writes a datagram a span: a segment of each that is a server's, a
// consumer's or a root, else a subsegment.
type xray struct {
	host string
	conn net.Conn // nil: not yet
}

func newXRay(_ *Options, t *target) (sender, error) { return &xray{host: t.host}, nil }

func (s *xray) send(ctx context.Context, b *telemetry.Batch) error {
	if s.conn == nil {
		conn, err := (&net.Dialer{}).DialContext(ctx, "udp", s.host)
		if err != nil {
			return err
		}
		s.conn = conn
	}
	large := 0
	for i := range b.Spans {
		doc := xrayDocument(b, &b.Spans[i])
		if doc == nil {
			large++
			continue
		}
		if i%xrayBurst == xrayBurst-1 {
			if sleep(ctx, xrayPause); ctx.Err() != nil {
				return ctx.Err()
			}
		}
		if _, err := s.conn.Write(append([]byte(xrayHeader), doc...)); err != nil {
			return errors.Join(err, s.close())
		}
	}
	if large > 0 {
		return &sendError{rejected: large, err: fmt.Errorf("%d spans are larger than the 64 kB that a segment may have", large)}
	}
	return nil
}

func (s *xray) close() error {
	if s.conn == nil {
		return nil
	}
	conn := s.conn
	s.conn = nil
	return conn.Close()
}

// xrayDocument is a span as a document, nil if it is too large. One that is so
// by its metadata goes without.
func xrayDocument(b *telemetry.Batch, s *telemetry.Span) []byte {
	w := xrayWriter{b: b, s: s, doc: map[string]any{}, left: map[string]any{}, metadata: map[string]any{}}
	w.write()
	doc, err := json.Marshal(w.doc)
	if err == nil && len(doc) > mostXRay {
		delete(w.doc, "metadata")
		doc, err = json.Marshal(w.doc)
	}
	if err != nil || len(doc) > mostXRay {
		return nil
	}
	return doc
}

// xrayWriter makes a document as the Collector's exporter does
// (opentelemetry-collector-contrib, exporter/awsxrayexporter): what X-Ray has a
// field for is there, the attributes that aws.xray.annotations lists are
// annotations, the others metadata of the namespace default. What a span has
// beside attributes is in the namespace otel.
type xrayWriter struct {
	b              *telemetry.Batch
	s              *telemetry.Span
	doc            map[string]any
	left, metadata map[string]any // attributes that no field took; metadata
}

func (w *xrayWriter) write() {
	s, id := w.s, w.s.TraceID.String()
	segment := s.ParentID.IsZero() || s.Kind == telemetry.KindServer || s.Kind == telemetry.KindConsumer
	for _, a := range w.b.AttrsOf(s.Attrs) {
		if _, repeated := w.left[a.Key]; !repeated {
			w.left[a.Key] = jsonValue(a.Value)
		}
	}
	w.doc["trace_id"], w.doc["id"], w.doc["start_time"] = "1-"+id[:8]+"-"+id[8:], s.SpanID.String(), seconds(s.Start)
	if !s.ParentID.IsZero() {
		w.doc["parent_id"] = s.ParentID.String()
	}
	if s.End == 0 {
		w.doc["in_progress"] = true
	} else {
		w.doc["end_time"] = seconds(max(s.Start, s.End))
	}
	name := s.Name
	if segment {
		if service := w.b.ServiceName(s.Resource); service != "" {
			name = service
		}
		w.runsOn()
	} else {
		w.doc["type"] = "subsegment"
		name = w.callee(name)
	}
	w.doc["name"] = xrayName(name)
	w.http()
	w.fields("sql", xraySQL)
	w.fields("aws", xrayAWS)
	if user, ok := w.take("enduser.id").(string); ok {
		w.doc["user"] = user
	}
	w.failure()
	w.annotations()
	w.links()
	w.otel(name)
	if len(w.left) > 0 {
		w.metadata["default"] = w.left
	}
	if len(w.metadata) > 0 {
		w.doc["metadata"] = w.metadata
	}
}

// xrayField is an attribute with a field for it.
type xrayField struct{ attribute, field string }

var (
	xrayRequest = []xrayField{
		{"http.request.method", "method"}, {"http.method", "method"}, {"url.full", "url"}, {"http.url", "url"},
		{"user_agent.original", "user_agent"}, {"http.user_agent", "user_agent"}, {"client.address", "client_ip"}, {"http.client_ip", "client_ip"},
	}
	xrayResponse = []xrayField{
		{"http.response.status_code", "status"}, {"http.status_code", "status"}, {"http.response.body.size", "content_length"},
	}
	xraySQL = []xrayField{{"db.query.text", "sanitized_query"}, {"db.statement", "sanitized_query"}, {"db.user", "user"}, {"db.system.name", "database_type"}}
	xrayAWS = []xrayField{
		{"aws.operation", "operation"}, {"aws.account_id", "account_id"}, {"aws.region", "region"}, {"aws.request_id", "request_id"},
		{"aws.queue_url", "queue_url"}, {"aws.table_name", "table_name"},
	}
)

// take takes an attribute that a field is made of.
func (w *xrayWriter) take(key string) any {
	v := w.left[key]
	delete(w.left, key)
	return v
}

// object is the fields that there are attributes for, nil if there are none.
func (w *xrayWriter) object(all []xrayField) map[string]any {
	out := map[string]any{}
	for _, f := range all {
		if _, taken := out[f.field]; !taken {
			if v := w.take(f.attribute); v != nil {
				out[f.field] = v
			}
		}
	}
	return out
}

func (w *xrayWriter) fields(name string, all []xrayField) {
	if o := w.object(all); len(o) > 0 {
		w.doc[name] = o
	}
}

func (w *xrayWriter) http() {
	out := map[string]any{}
	if r := w.object(xrayRequest); len(r) > 0 {
		out["request"] = r
	}
	if r := w.object(xrayResponse); len(r) > 0 {
		out["response"] = r
	}
	if len(out) > 0 {
		w.doc["http"] = out
	}
}

// runsOn adds what the resource says that X-Ray has a field for.
func (w *xrayWriter) runsOn() {
	r := w.b.Resources[w.s.Resource].Attrs
	if v, ok := w.b.Lookup(r, "aws.xray.origin"); ok && v.Type() == telemetry.ValueString {
		w.doc["origin"] = v.Str()
	}
	if v, ok := w.b.Lookup(r, "service.version"); ok && v.Type() == telemetry.ValueString {
		w.doc["service"] = map[string]any{"version": v.Str()}
	}
}

// callee is the name of what a client calls, which X-Ray shows as a service.
func (w *xrayWriter) callee(name string) string {
	if w.s.Kind != telemetry.KindClient && w.s.Kind != telemetry.KindProducer {
		return name
	}
	w.doc["namespace"] = "remote"
	if w.left["rpc.system"] == "aws-api" {
		w.doc["namespace"] = "aws"
	}
	for _, key := range []string{"peer.service", "rpc.service", "db.namespace", "server.address", "messaging.destination.name"} {
		if text, ok := w.left[key].(string); ok && text != "" {
			return text
		}
	}
	return name
}

// failure tells whether and why the span failed: 4xx is an error of the
// caller's, 429 a throttling, everything else a fault.
func (w *xrayWriter) failure() {
	if w.s.Status != telemetry.StatusError {
		return
	}
	status := int64(0)
	for _, key := range []string{"http.response.status_code", "http.status_code"} {
		if v, ok := w.b.Lookup(w.s.Attrs, key); ok && v.Type() == telemetry.ValueInt {
			status = v.Int()
		}
	}
	switch {
	case status == 429:
		w.doc["error"], w.doc["throttle"] = true, true
	case status >= 400 && status < 500:
		w.doc["error"] = true
	default:
		w.doc["fault"] = true
	}
	var exceptions []any
	for i, e := range w.b.EventsOf(w.s) {
		if e.Name != "exception" {
			continue
		}
		x := map[string]any{"id": exceptionID(w.s.SpanID, i)}
		for _, f := range []xrayField{{"exception.type", "type"}, {"exception.message", "message"}} {
			if v, ok := w.b.Lookup(e.Attrs, f.attribute); ok {
				x[f.field] = string(plain.AppendText(nil, v))
			}
		}
		exceptions = append(exceptions, x)
	}
	if len(exceptions) == 0 && w.s.StatusMessage != "" {
		exceptions = append(exceptions, map[string]any{"id": exceptionID(w.s.SpanID, 0), "message": w.s.StatusMessage})
	}
	if len(exceptions) > 0 {
		w.doc["cause"] = map[string]any{"exceptions": exceptions}
	}
}

// exceptionID is an ID of its own for each exception of a trace.
func exceptionID(id telemetry.SpanID, n int) string {
	id[0] ^= 0x80
	id[7] += byte(n)
	return id.String()
}

// annotations takes the attributes that aws.xray.annotations lists, and
// metadata under the names that ingest/xray gives it.
func (w *xrayWriter) annotations() {
	list, _ := w.take("aws.xray.annotations").([]any)
	out := map[string]any{}
	for _, key := range list {
		if key, ok := key.(string); ok {
			switch v := w.left[key].(type) {
			case string, bool, json.Number:
				out[key] = v
				delete(w.left, key)
			}
		}
	}
	if len(out) > 0 {
		w.doc["annotations"] = out
	}
	for key, v := range w.left {
		namespace, ok := strings.CutPrefix(key, "aws.xray.metadata.")
		if text, isText := v.(string); ok && isText && json.Valid([]byte(text)) {
			w.metadata[namespace] = json.RawMessage(text)
			delete(w.left, key)
		}
	}
}

func (w *xrayWriter) links() {
	var out []any
	for _, l := range w.b.LinksOf(w.s) {
		id := l.TraceID.String()
		out = append(out, map[string]any{"trace_id": "1-" + id[:8] + "-" + id[8:], "id": l.SpanID.String()})
	}
	if len(out) > 0 {
		w.doc["links"] = out
	}
}

// otel is what has no place elsewhere.
func (w *xrayWriter) otel(name string) {
	out := map[string]any{}
	if w.s.Name != name {
		out["name"] = w.s.Name
	}
	if w.s.Kind != telemetry.KindUnspecified {
		out["kind"] = w.s.Kind.String()
	}
	if scope := w.b.Scopes[w.s.Scope].Name; scope != "" {
		out["scope"] = scope
	}
	if w.s.StatusMessage != "" {
		out["status_message"] = w.s.StatusMessage
	}
	var events []any
	for _, e := range w.b.EventsOf(w.s) {
		if e.Name == "exception" && w.s.Status == telemetry.StatusError {
			continue
		}
		events = append(events, map[string]any{"name": e.Name, "time": seconds(e.Time), "attributes": json.RawMessage(plain.AppendObject(nil, w.b.AttrsOf(e.Attrs)))})
	}
	if len(events) > 0 {
		out["events"] = events
	}
	if len(out) > 0 {
		w.metadata["otel"] = out
	}
}

// seconds is a time in seconds, to the nanosecond.
func seconds(ns uint64) json.Number {
	return json.Number(fmt.Sprintf("%d.%09d", ns/1e9, ns%1e9))
}

// jsonValue is an attribute's value for json.Marshal.
func jsonValue(v telemetry.Value) any {
	if v.Type() == telemetry.ValueString {
		return v.Str()
	}
	if v.Type() == telemetry.ValueArray {
		out := []any{}
		_ = telemetry.Elements(v.Str(), func(e telemetry.Value) bool { // well formed, see telemetry.Value
			out = append(out, jsonValue(e))
			return true
		})
		return out
	}
	text := plain.AppendJSON(nil, v)
	switch v.Type() {
	case telemetry.ValueBool:
		return v.Bool()
	case telemetry.ValueInt, telemetry.ValueDouble:
		if json.Valid(text) && text[0] != '"' {
			return json.Number(text)
		}
	}
	return json.RawMessage(text)
}

// xrayName is a name in the characters that X-Ray has for one.
func xrayName(name string) string {
	name = strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsSpace(r) || strings.ContainsRune(`_.:/%&#=+\-@`, r) {
			return r
		}
		return -1
	}, name)
	if r := []rune(name); len(r) > mostName {
		name = string(r[:mostName])
	}
	if name == "" {
		return "unnamed"
	}
	return name
}
