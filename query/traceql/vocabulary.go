package traceql

// WordKind is where in a query a word stands.
type WordKind string

// The kinds.
const (
	WordIntrinsic WordKind = "intrinsic" // a built-in field
	WordScope     WordKind = "scope"     // of attributes, with its dot
	WordStage     WordKind = "stage"     // a function on spansets
	WordAggregate WordKind = "aggregate" // a function that makes a number of a spanset
	WordMetrics   WordKind = "metrics"   // a function that makes series of spans
	WordSeries    WordKind = "series"    // a function on series
	WordRelation  WordKind = "relation"  // an operator on the spans of a trace
	WordHint      WordKind = "hint"      // a name in "with (…)"
)

// Word is a name or operator that a query can be written with.
type Word struct {
	Name string
	Kind WordKind
	// Takes is what is compared with an intrinsic or is the value of a hint
	// (string, int, duration, status, kind, id, bool, share), or what stands in
	// the parentheses of a function (field, fields, quantiles, filter, int).
	// It is empty for a function without argument, for scopes and relations.
	Takes string
	// Values are all that an intrinsic is compared with, where these are few.
	Values []string
}

var fieldTypeNames = map[fieldType]string{
	typeString: "string", typeName: "string", typeEvent: "string", typeInt: "int", typeDuration: "duration",
	typeEventTime: "duration", typeStatus: "status", typeKind: "kind", typeTraceID: "id", typeSpanID: "id",
	typeParentID: "id", typeLinkTraceID: "id", typeLinkSpanID: "id",
}

var hintTakes = map[HintName]string{
	HintMostRecent: "bool", HintSample: "share", HintSpanSample: "share", HintTraceSample: "share",
	HintExtrapolate: "bool", HintExemplars: "int", HintSpanOnlyFetch: "bool",
}

// Vocabulary is every word of the language, read off the tables that the
// parser goes by: what it offers can be parsed. Of an intrinsic that has
// several names it has the one that is printed.
func Vocabulary() []Word {
	var words []Word
	for _, in := range &intrinsics {
		name := in.short
		if name == "" {
			name = in.scoped
		}
		words = append(words, Word{Name: name, Kind: WordIntrinsic, Takes: fieldTypeNames[in.typ], Values: valueNames(in.typ)})
	}
	for _, s := range &scopes {
		words = append(words, Word{Name: s.name + ".", Kind: WordScope})
	}
	add := func(name string, kind WordKind, takes string) {
		words = append(words, Word{Name: name, Kind: kind, Takes: takes})
	}
	add("by", WordStage, "fields")
	add("select", WordStage, "fields")
	add("coalesce", WordStage, "")
	for i, name := range &aggregateNames {
		takes := "field"
		if AggregateFunc(i) == Count {
			takes = ""
		}
		add(name, WordAggregate, takes)
	}
	for i, name := range &metricsNames {
		add(name, WordMetrics, MetricsFunc(i).takes())
	}
	add("topk", WordSeries, "int")
	add("bottomk", WordSeries, "int")
	for _, op := range setOps[SetChild:] {
		add(op, WordRelation, "")
	}
	for _, name := range hintNames {
		add(name, WordHint, hintTakes[HintName(name)])
	}
	return words
}

// takes is what stands in the parentheses of f.
func (f MetricsFunc) takes() string {
	switch {
	case f == QuantileOverTime:
		return "quantiles"
	case f == Compare:
		return "filter"
	case f.HasArgument():
		return "field"
	}
	return ""
}
