package tempo

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/kiseki-dev/kiseki/api/tempo/tempopb"
	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

func (a *API) httpValues(w http.ResponseWriter, r *http.Request) error {
	in, err := readValues(r)
	if err != nil {
		return err
	}
	return unary(a, w, r, in, a.values)
}

func (a *API) httpValuesV2(w http.ResponseWriter, r *http.Request) error {
	in, err := readValues(r)
	if err != nil {
		return err
	}
	return unary(a, w, r, in, a.valuesV2)
}

func readValues(r *http.Request) (*tempopb.SearchTagValuesRequest, error) {
	p := readParams(r)
	return &tempopb.SearchTagValuesRequest{
		TagName: r.PathValue("tag"), Query: p.text("q"), Start: p.number("start"), End: p.number("end"),
		MaxTagValues: p.number("limit"), StaleValueThreshold: p.number("maxStaleValues"),
	}, p.err
}

// values lists values without their types.
func (a *API) values(ctx context.Context, in *tempopb.SearchTagValuesRequest) (*tempopb.SearchTagValuesResponse, exec.Stats, error) {
	v2, stats, err := a.valuesV2(ctx, in)
	if err != nil {
		return nil, stats, err
	}
	out := &tempopb.SearchTagValuesResponse{Metrics: v2.Metrics}
	for _, v := range v2.TagValues {
		out.TagValues = append(out.TagValues, v.Value)
	}
	return out, stats, nil
}

// valuesV2 lists the values of a field, commonest first where their number is
// known.
func (a *API) valuesV2(ctx context.Context, in *tempopb.SearchTagValuesRequest) (out *tempopb.SearchTagValuesV2Response, stats exec.Stats, err error) {
	field, err := tagField(in.TagName)
	if err != nil {
		return nil, stats, err
	}
	from, to, err := within(in.Start, in.End)
	if err != nil {
		return nil, stats, err
	}
	v := &valueList{API: a, field: field, limit: clamp(in.MaxTagValues)}
	err = a.snapshot(func(snap scan.Snapshot) (err error) {
		filter := lenientFilter(in.Query)
		switch {
		case !listed(field):
			stats.Complete = true
		case filter == nil && from == 0 && to == plan.All:
			stats, err = v.all(ctx, snap)
		case ofList(field.Field):
			stats, err = v.ofLists(ctx, snap, &plan.Search{Filter: plan.Filter(filter), Start: from, End: to})
		default:
			stats, err = v.where(ctx, snap, filter, from, to)
		}
		return err
	})
	return &tempopb.SearchTagValuesV2Response{TagValues: v.out, Metrics: metadataMetrics(stats)}, stats, err
}

// tagField is the field that a tag names: a field as queries spell it, or an
// attribute's key without a scope.
func tagField(tag string) (traceql.Field, error) {
	if name, ok := legacyNames[tag]; ok {
		tag = name
	}
	if tag == "status.code" {
		tag = "status"
	}
	f, err := traceql.ParseField(tag)
	if err != nil {
		if plain, err := traceql.ParseField("." + tag); err == nil {
			return plain, nil
		}
		return f, refuse("invalid tag %.64q: %s", tag, err)
	}
	return f, nil
}

// listed reports whether anybody would choose from the values of a field: of
// numbers and ids that nearly every span has of its own nobody would.
func listed(f traceql.Field) bool {
	switch f.Trace {
	case traceql.TraceNone:
	case traceql.TraceRootName, traceql.TraceRootService:
		return true
	default:
		return false
	}
	switch f.Intrinsic {
	case scan.IntrinsicNone, scan.IntrinsicName, scan.IntrinsicKind, scan.IntrinsicStatus, scan.IntrinsicStatusMessage,
		scan.IntrinsicScopeName, scan.IntrinsicScopeVersion, scan.IntrinsicEventName:
		return true
	}
	return false
}

// ofList reports whether a span may have several values of f.
func ofList(f scan.Field) bool {
	return f.Scope == scan.ScopeEvent || f.Scope == scan.ScopeLink || f.Intrinsic == scan.IntrinsicEventName
}

// valueList collects the values of a field.
type valueList struct {
	*API
	field traceql.Field
	limit int
	out   []*tempopb.TagValue
}

func (v *valueList) add(typ, value string) {
	if len(v.out) < v.limit {
		v.out = append(v.out, &tempopb.TagValue{Type: typ, Value: strings.Clone(value)})
	}
}

// of is the field whose values are listed: the name of a root is the name of
// a span.
func (v *valueList) of() scan.Field {
	switch v.field.Trace {
	case traceql.TraceRootName:
		return scan.Field{Intrinsic: scan.IntrinsicName}
	case traceql.TraceRootService:
		return scan.Field{Scope: scan.ScopeResource, Key: telemetry.ServiceNameKey}
	}
	return v.field.Field
}

const (
	typeString  = "string"
	typeKeyword = "keyword" // written without quotes in a query
)

// all lists the values of all spans; of status and kind all there can be.
func (v *valueList) all(ctx context.Context, snap scan.Snapshot) (exec.Stats, error) {
	switch v.field.Intrinsic {
	case scan.IntrinsicStatus:
		for _, s := range []telemetry.Status{telemetry.StatusError, telemetry.StatusOK, telemetry.StatusUnset} {
			v.add(typeKeyword, s.String())
		}
		return exec.Stats{Complete: true}, nil
	case scan.IntrinsicKind:
		for k := telemetry.KindUnspecified; k <= telemetry.KindConsumer; k++ {
			v.add(typeKeyword, k.String())
		}
		return exec.Stats{Complete: true}, nil
	}
	types, err := v.types(ctx, snap)
	if err != nil {
		return exec.Stats{}, err
	}
	values, stats, err := exec.Values(ctx, snap, exec.ValueQuery{Field: v.of(), Limit: v.limit}, v.o.Limits)
	for _, x := range values {
		v.add(typeOf(x.Value, types), x.Value)
	}
	return stats, err
}

// types are the types that the values of the field have.
func (v *valueList) types(ctx context.Context, snap scan.Snapshot) (types map[telemetry.ValueType]bool, err error) {
	f := v.of()
	types = map[telemetry.ValueType]bool{}
	if f.Scope == scan.ScopeIntrinsic {
		return types, nil
	}
	keys, _, err := exec.Keys(ctx, snap, exec.KeyQuery{Prefix: f.Key, Scope: f.Scope, Limit: v.o.Limits.Names}, v.o.Limits)
	for _, k := range keys {
		ofSpan := k.Scope == scan.ScopeSpan || k.Scope == scan.ScopeResource
		if k.Key != f.Key || f.Scope == scan.ScopeAny && !ofSpan {
			continue
		}
		for _, t := range k.Types {
			types[t] = true
		}
	}
	return types, err
}

// typeOf is the type of a value of which only the text is known: of the types
// that the field has the narrowest that the text is of. Where some spans have
// the int 200 and others the string "200", both are told as int.
func typeOf(text string, types map[telemetry.ValueType]bool) string {
	if types[telemetry.ValueBool] && (text == "true" || text == "false") {
		return "bool"
	}
	if _, err := strconv.ParseInt(text, 10, 64); err == nil && types[telemetry.ValueInt] {
		return "int"
	}
	if _, err := strconv.ParseFloat(text, 64); err == nil && types[telemetry.ValueDouble] {
		return "float"
	}
	return typeString
}

// where lists the values of the spans that satisfy a condition: it counts them
// by value, as a metrics query would.
func (v *valueList) where(ctx context.Context, snap scan.Snapshot, cond traceql.Expr, from, to uint64) (exec.Stats, error) {
	spans := traceql.FilterQuery(cond).Spans
	counts := &traceql.Metrics{Spans: spans, Func: traceql.CountOverTime, By: []traceql.Field{v.field}}
	res, err := exec.Metrics(ctx, snap, &exec.MetricsQuery{Expr: counts, Start: from, End: to}, v.o.Limits)
	if err != nil {
		return exec.Stats{}, err
	}
	slices.SortStableFunc(res.Series, func(x, y exec.Series) int { return cmp.Compare(y.Points[0], x.Points[0]) })
	for i := range res.Series {
		if value := res.Series[i].Labels[0].Value; value.Present {
			v.addValue(value.Value)
		}
	}
	return res.Stats, nil
}

// addValue adds a value; arrays and maps are nothing to choose from.
func (v *valueList) addValue(x telemetry.Value) {
	switch v.field.Intrinsic {
	case scan.IntrinsicStatus:
		v.add(typeKeyword, telemetry.Status(x.Int()).String())
		return
	case scan.IntrinsicKind:
		v.add(typeKeyword, telemetry.Kind(x.Int()).String())
		return
	}
	switch x.Type() {
	case telemetry.ValueString:
		v.add(typeString, x.Str())
	case telemetry.ValueInt:
		v.add("int", strconv.FormatInt(x.Int(), 10))
	case telemetry.ValueDouble:
		v.add("float", strconv.FormatFloat(x.Double(), 'g', -1, 64))
	case telemetry.ValueBool:
		v.add("bool", strconv.FormatBool(x.Bool()))
	}
}

// ofLists lists the values of the events or links of the spans of p, which it
// reads.
func (v *valueList) ofLists(ctx context.Context, snap scan.Snapshot, p *plan.Search) (exec.Stats, error) {
	counts := map[telemetry.Value]int{}
	count := func(x telemetry.Value) {
		if _, ok := counts[x]; !ok {
			if len(counts) >= v.o.Limits.Names {
				return
			}
			if x.Type() == telemetry.ValueString { // others are told by their numbers, or not at all
				x = telemetry.StringValue(strings.Clone(x.Str()))
			}
		}
		counts[x]++
	}
	stats, err := v.walk(ctx, snap, p, func(b *telemetry.Batch) error {
		for i := range b.Spans {
			v.valuesOf(b, &b.Spans[i], count)
		}
		return nil
	})
	values := slices.SortedFunc(maps.Keys(counts), func(x, y telemetry.Value) int {
		return cmp.Or(cmp.Compare(counts[y], counts[x]), cmp.Compare(x.Type(), y.Type()), cmp.Compare(x.Num(), y.Num()), strings.Compare(x.Str(), y.Str()))
	})
	for _, x := range values {
		v.addValue(x)
	}
	return stats, err
}

// valuesOf calls f with the values of the field in a span's events or links.
func (v *valueList) valuesOf(b *telemetry.Batch, s *telemetry.Span, f func(telemetry.Value)) {
	each := func(r telemetry.Range) {
		if x, ok := b.Lookup(r, v.field.Key); ok && x.Type() <= telemetry.ValueDouble {
			f(x)
		}
	}
	if v.field.Scope == scan.ScopeLink {
		for _, l := range b.LinksOf(s) {
			each(l.Attrs)
		}
		return
	}
	for _, e := range b.EventsOf(s) {
		if v.field.Intrinsic == scan.IntrinsicEventName {
			f(telemetry.StringValue(e.Name))
			continue
		}
		each(e.Attrs)
	}
}

// lenientFilter is the condition of a query that may be half written, as
// while somebody types it: of conditions joined by && those that can be read.
// It is nil where there is nothing to go by.
func lenientFilter(query string) traceql.Expr {
	if cond, err := traceql.ParseFilter(query); err == nil {
		return cond
	}
	inner, ok := strings.CutPrefix(strings.TrimSpace(query), "{")
	if !ok || len(query) > traceql.MaxLength {
		return nil
	}
	inner = strings.TrimSuffix(strings.TrimSpace(inner), "}")
	if strings.Contains(inner, "||") || strings.Contains(inner, "{") {
		return nil
	}
	var all traceql.Expr
	for part := range strings.SplitSeq(inner, "&&") {
		cond, err := traceql.ParseFilter("{" + part + "}")
		switch {
		case err != nil || cond == nil:
		case all == nil:
			all = cond
		default:
			all = &traceql.Binary{Op: traceql.And, Left: all, Right: cond}
		}
	}
	return all
}
