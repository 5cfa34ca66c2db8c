package traceql

import (
	"slices"
	"testing"
)

// TestVocabulary: a query with each word is read.
func TestVocabulary(t *testing.T) {
	values := map[string]string{
		"string": `"x"`, "int": "2", "duration": "1ms", "id": `"ab"`, "bool": "true", "share": "0.5",
		"": "", "field": "duration", "fields": "name, span.x", "quantiles": "duration, .5, .99", "filter": "{ status = error }",
	}
	kinds := map[WordKind]int{}
	for _, w := range Vocabulary() {
		kinds[w.Kind]++
		value, known := values[w.Takes]
		if len(w.Values) > 0 {
			value, known = w.Values[0], true
		}
		if !known {
			t.Errorf("%s takes %q, of which there is no example", w.Name, w.Takes)
		}
		call := w.Name + "(" + value + ")"
		text := map[WordKind]string{
			WordIntrinsic: "{ " + w.Name + " = " + value + " }",
			WordScope:     "{ " + w.Name + "x = 1 }",
			WordStage:     "{ } | " + call,
			WordAggregate: "{ } | " + call + " > " + call,
			WordMetrics:   "{ } | " + call,
			WordSeries:    "{ } | rate() by (name) | " + call,
			WordRelation:  "{ } " + w.Name + " { }",
			WordHint:      "{ } | rate() with (" + w.Name + " = " + value + ")",
		}[w.Kind]
		if _, err := Parse(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, kind := range []WordKind{WordIntrinsic, WordScope, WordStage, WordAggregate, WordMetrics, WordSeries, WordRelation, WordHint} {
		if kinds[kind] == 0 {
			t.Errorf("there is no word of the kind %s", kind)
		}
	}
	for _, name := range []string{"statusMessage", "trace:id", "quantile_over_time", "&>>", "span_sample", "resource."} {
		if !slices.ContainsFunc(Vocabulary(), func(w Word) bool { return w.Name == name }) {
			t.Errorf("%s is missing", name)
		}
	}
}
