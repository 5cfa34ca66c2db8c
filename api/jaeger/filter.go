package jaeger

import (
	"strconv"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/kiseki-dev/kiseki/api/cond"
	"github.com/kiseki-dev/kiseki/api/jaeger/apiv3"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// The filter of api_v3 is a condition as a tree of calls, which Jaeger's RFC
// 0005 describes (https://github.com/jaegertracing/jaeger/blob/main/docs/rfc/0005-structured-query-filters.md).
// It becomes a condition of the query language, which knows more of levels and
// operators; what it does not know is refused, never left out.

const (
	// maxFilterDepth is how deep calls may be nested, maxFilterCalls how many
	// comparisons and calls there may be. An element of a list is a comparison.
	maxFilterDepth = 32
	maxFilterCalls = 200
	// maxFilter bounds a filter as JSON, in bytes.
	maxFilter = 64 << 10
)

// fieldKind is what a reference of a filter holds.
type fieldKind int

const (
	ofAttribute fieldKind = iota // any type
	ofText
	ofID
	ofDuration
	ofWord // status and kind
)

// operand is what a filter compares: at most one value of a span, but at the
// levels of events and links, where any of them may be meant.
type operand struct {
	level string
	field traceql.Field
	kind  fieldKind
	// always is true of fields that every span has.
	always bool
}

// attributeLevels are the levels of attributes. "" is the span's or the
// resource's.
var attributeLevels = map[string]scan.Scope{
	"": scan.ScopeAny, "span": scan.ScopeSpan, "resource": scan.ScopeResource, "scope": scan.ScopeInstrumentation,
	"event": scan.ScopeEvent, "link": scan.ScopeLink,
}

// builtIn are the fields of the levels, as "level.name".
var builtIn = map[string]operand{
	"span.traceID":         {"span", cond.Intrinsic(scan.IntrinsicTraceID), ofID, true},
	"span.spanID":          {"span", cond.Intrinsic(scan.IntrinsicSpanID), ofID, true},
	"span.parentSpanID":    {"span", cond.Intrinsic(scan.IntrinsicParentID), ofID, false},
	"span.traceState":      {"span", cond.Intrinsic(scan.IntrinsicTraceState), ofText, false},
	"span.name":            {"span", cond.Intrinsic(scan.IntrinsicName), ofText, true},
	"span.kind":            {"span", cond.Intrinsic(scan.IntrinsicKind), ofWord, true},
	"span.status":          {"span", cond.Intrinsic(scan.IntrinsicStatus), ofWord, true},
	"span.statusMessage":   {"span", cond.Intrinsic(scan.IntrinsicStatusMessage), ofText, false},
	"span.duration":        {"span", cond.Intrinsic(scan.IntrinsicDuration), ofDuration, true},
	"resource.service":     {"resource", cond.Attribute(scan.ScopeResource, telemetry.ServiceNameKey), ofText, false},
	"scope.name":           {"scope", cond.Intrinsic(scan.IntrinsicScopeName), ofText, false},
	"scope.version":        {"scope", cond.Intrinsic(scan.IntrinsicScopeVersion), ofText, false},
	"event.name":           {"event", cond.Intrinsic(scan.IntrinsicEventName), ofText, false},
	"event.timeSinceStart": {"event", cond.Intrinsic(scan.IntrinsicEventTime), ofDuration, false},
	"link.traceID":         {"link", cond.Intrinsic(scan.IntrinsicLinkTraceID), ofID, false},
	"link.spanID":          {"link", cond.Intrinsic(scan.IntrinsicLinkSpanID), ofID, false},
}

// comparison is an operator as the query language spells it. mirrored is the
// one that asks the same with the sides swapped; "": there is none.
type comparison struct{ sign, mirrored string }

var comparisons = map[string]comparison{
	"eq": {"=", "="}, "ne": {"!=", "!="}, "gt": {">", "<"}, "lt": {"<", ">"}, "gte": {">=", "<="}, "lte": {"<=", ">="}, "regex": {"=~", ""},
}

// parseFilter reads a filter as HTTP has it.
func parseFilter(text string) (*apiv3.Call, error) {
	if len(text) > maxFilter {
		return nil, badFilter("it is longer than %d bytes", maxFilter)
	}
	call := &apiv3.Call{}
	if err := protojson.Unmarshal([]byte(text), call); err != nil {
		return nil, badFilter("it is not JSON such as %s", `{"op":"eq","args":[{"attr":{"key":"http.status_code"}},{"scalar":{"value":"500"}}]}`)
	}
	return call, nil
}

func badFilter(format string, args ...any) error {
	return badRequest("malformed parameter query.filter: "+format, args...)
}

// readFilter is the condition that a filter means.
func readFilter(c *apiv3.Call) (traceql.Expr, error) { return (&filter{}).call(c, 0) }

// filter is a filter that is being read.
type filter struct{ calls int }

func (f *filter) count() error {
	if f.calls++; f.calls > maxFilterCalls {
		return badFilter("it has more than %d comparisons", maxFilterCalls)
	}
	return nil
}

func (f *filter) call(c *apiv3.Call, depth int) (traceql.Expr, error) {
	if depth > maxFilterDepth {
		return nil, badFilter("it is nested deeper than %d calls", maxFilterDepth)
	}
	if c == nil || unknown(c) {
		return nil, badFilter("an argument is no call, or has parts that are not known here")
	}
	if err := f.count(); err != nil {
		return nil, err
	}
	want := 2
	switch c.Op {
	case "and", "or":
		want = max(want, len(c.Args))
	case "not", "exists":
		want = 1
	}
	if len(c.Args) != want {
		return nil, badFilter("%.20q takes %d arguments, not %d", c.Op, want, len(c.Args))
	}
	switch c.Op {
	case "and":
		return f.join(traceql.And, c.Args, depth)
	case "or":
		return f.join(traceql.Or, c.Args, depth)
	case "not":
		x, err := f.call(c.Args[0].GetCall(), depth+1)
		return &traceql.Not{X: x}, err
	case "some":
		return f.some(c.Args[0].GetNested(), c.Args[1].GetCall(), depth)
	case "exists":
		return exists(c.Args[0])
	case "in", "not_in":
		return f.member(c)
	}
	return f.compare(c)
}

func (f *filter) join(op traceql.BinaryOp, args []*apiv3.Expression, depth int) (out traceql.Expr, err error) {
	for _, arg := range args {
		x, err := f.call(arg.GetCall(), depth+1)
		if err != nil {
			return nil, err
		}
		out = cond.Join(op, out, x)
	}
	return out, nil
}

// some is a condition of one event or link. Where it is a single comparison, or
// one of several, it is what the comparison says without some; others would
// need two comparisons of one event, which the query language has not.
func (f *filter) some(of *apiv3.NestedReference, c *apiv3.Call, depth int) (traceql.Expr, error) {
	if of.GetLevel() != "event" && of.GetLevel() != "link" {
		return nil, badFilter(`the first argument of "some" is {"nested":{"level":"event"}} or that of "link"`)
	}
	if !single(c, of.Level, depth) {
		return nil, badFilter(`"some" is served with one comparison of the %s, or with "or" of such; not with %.20q`, of.Level, c.GetOp())
	}
	return f.call(c, depth+1)
}

// single reports whether c holds for a span exactly if it holds for one of the
// span's elements of a level.
func single(c *apiv3.Call, level string, depth int) bool {
	switch c.GetOp() {
	case "or":
		for _, arg := range c.Args {
			if depth > maxFilterDepth || !single(arg.GetCall(), level, depth+1) {
				return false
			}
		}
		return true
	case "eq", "gt", "lt", "gte", "lte", "regex", "in", "exists":
		references := 0
		for _, arg := range c.Args {
			if r, ok := referenceOf(arg); ok {
				if references++; r.level != level {
					return false
				}
			}
		}
		return references == 1
	}
	return false
}

// referenceOf is what an argument refers to; false where it is none, or none
// that is known here.
func referenceOf(arg *apiv3.Expression) (operand, bool) {
	if a := arg.GetAttr(); a != nil {
		scope, ok := attributeLevels[a.Level]
		return operand{level: a.Level, field: cond.Attribute(scope, a.Key)}, ok && a.Key != "" && checkText(a.Key) == "" && !unknown(a)
	}
	r, ok := builtIn[arg.GetField().GetLevel()+"."+arg.GetField().GetName()]
	return r, ok
}

func notKnown(arg *apiv3.Expression) error {
	text := protojson.MarshalOptions{}.Format(arg)
	return badFilter("%.80s is no attribute or field that is known here", text)
}

func exists(arg *apiv3.Expression) (traceql.Expr, error) {
	r, ok := referenceOf(arg)
	switch {
	case !ok:
		return nil, notKnown(arg)
	case r.always:
		return &traceql.Constant{Value: true}, nil
	}
	return cond.Has(r.field), nil
}

// member is in and not_in.
func (f *filter) member(c *apiv3.Call) (any traceql.Expr, err error) {
	r, ok := referenceOf(c.Args[0])
	if !ok {
		return nil, notKnown(c.Args[0])
	}
	list := c.Args[1].GetList()
	if len(list.GetValues()) == 0 {
		return nil, badFilter("%q takes a reference and a list with values", c.Op)
	}
	for _, text := range list.Values {
		if why := checkText(text); why != "" {
			return nil, badFilter("a value is not taken: %s", why)
		}
		if err := f.count(); err != nil {
			return nil, err
		}
		x, err := equals(r, text, list.Type)
		if err != nil {
			return nil, err
		}
		any = cond.Join(traceql.Or, any, x)
	}
	if c.Op == "not_in" {
		return without(c.Args[0], any)
	}
	return any, nil
}

// without holds where a reference has a value and x does not hold.
func without(arg *apiv3.Expression, x traceql.Expr) (traceql.Expr, error) {
	has, err := exists(arg)
	return cond.Join(traceql.And, has, &traceql.Not{X: x}), err
}

// compare is the comparison of a reference with a constant or another
// reference.
func (f *filter) compare(c *apiv3.Call) (traceql.Expr, error) {
	op, ok := comparisons[c.Op]
	if !ok {
		return nil, badFilter("there is no operator %.20q", c.Op)
	}
	left, right, sign := c.Args[0], c.Args[1], op.sign
	if left.GetScalar() != nil && op.mirrored != "" {
		left, right, sign = right, left, op.mirrored
	}
	r, ok := referenceOf(left)
	if !ok {
		return nil, notKnown(left)
	}
	constant := right.GetScalar()
	if why := checkText(constant.GetValue()); why != "" {
		return nil, badFilter("a value is not taken: %s", why)
	}
	switch {
	case constant == nil:
		other, ok := referenceOf(right)
		if !ok {
			return nil, notKnown(right)
		}
		return parsed(r.field.String() + " " + sign + " " + other.field.String())
	case c.Op == "eq", c.Op == "ne":
		x, err := equals(r, constant.Value, constant.Type)
		if err == nil && c.Op == "ne" {
			return without(left, x)
		}
		return x, err
	case c.Op == "regex":
		return parsed(r.field.String() + " =~ " + strconv.Quote(".*(?:"+constant.Value+").*")) // it matches anywhere
	}
	text, err := literal(r, constant.Value, constant.Type)
	if err != nil {
		return nil, err
	}
	return parsed(r.field.String() + " " + sign + " " + text)
}

// equals holds where a reference has a value. That of an attribute is of any
// type, unless typ names one.
func equals(r operand, value, typ string) (traceql.Expr, error) {
	if r.kind == ofAttribute && typ == "" {
		return cond.Shown(r.field, value), nil
	}
	text, err := literal(r, value, typ)
	if err != nil {
		return nil, err
	}
	return parsed(r.field.String() + " = " + text)
}

// literal is a constant that a reference is compared with, as the query
// language spells it.
func literal(r operand, value, typ string) (string, error) {
	n, notInt := strconv.ParseInt(value, 10, 64)
	x, notDouble := strconv.ParseFloat(value, 64)
	double := notDouble == nil && x-x == 0 // it is finite
	switch r.kind {
	case ofDuration:
		if d, err := time.ParseDuration(value); err == nil && d >= 0 {
			return strconv.FormatInt(int64(d), 10) + "ns", nil
		}
		return "", badFilter("%.40q is not a length of time such as 1.5s or 300ms", value)
	case ofWord:
		return value, checkWord(r, value)
	case ofText, ofID:
		typ = "string"
	}
	switch {
	case typ == "string", typ == "" && !double:
		return strconv.Quote(value), nil
	case typ == "bool" && (value == "true" || value == "false"):
		return value, nil
	case (typ == "int" || typ == "") && notInt == nil:
		return strconv.FormatInt(n, 10), nil
	case (typ == "double" || typ == "") && double:
		text := strconv.FormatFloat(x, 'f', -1, 64)
		if notInt == nil {
			text += ".0"
		}
		return text, nil
	}
	return "", badFilter("%.40q is no constant of type %.20q", value, typ)
}

// checkWord reports that a text is no status or kind.
func checkWord(r operand, word string) error {
	_, isKind := telemetry.ParseKind(word)
	_, isStatus := telemetry.ParseStatus(word)
	if r.field.Intrinsic == scan.IntrinsicKind && isKind || r.field.Intrinsic == scan.IntrinsicStatus && isStatus {
		return nil
	}
	return badFilter("%.40q is no %s", word, r.field)
}

// parsed is a comparison as the query language reads it, which checks types.
func parsed(text string) (traceql.Expr, error) {
	x, err := traceql.ParseFilter("{ " + text + " }")
	if err != nil {
		return nil, badFilter("%.200s: %v", text, err)
	}
	return x, nil
}

// unknown reports whether a message has fields that this server does not know.
func unknown(m interface{ ProtoReflect() protoreflect.Message }) bool {
	return len(m.ProtoReflect().GetUnknown()) > 0
}
