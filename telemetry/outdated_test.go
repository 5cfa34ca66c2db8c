package telemetry_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/kiseki-dev/kiseki/telemetry"
)

func TestOutdated(t *testing.T) {
	b := telemetry.Batch{Resources: make([]telemetry.Resource, 1), Scopes: make([]telemetry.Scope, 1), Attrs: make([]telemetry.Attr, 2)}
	open := func(name string, attrs uint32) telemetry.Span {
		return telemetry.Span{Name: name, Start: 1, Attrs: telemetry.Range{End: attrs}}
	}
	ended := func(name string) telemetry.Span { return telemetry.Span{Name: name, Start: 1, End: 1} }
	for _, c := range []struct {
		spans []telemetry.Span
		want  []int
	}{
		{nil, nil},
		{[]telemetry.Span{open("a", 0)}, nil},
		{[]telemetry.Span{ended("a"), ended("b")}, nil},
		{[]telemetry.Span{open("a", 2), ended("a")}, []int{0}},
		{[]telemetry.Span{ended("a"), open("a", 0), ended("b"), open("b", 1)}, []int{1, 3}},
		{[]telemetry.Span{open("a", 0), open("a", 2), open("a", 1)}, []int{0, 2}},
		{[]telemetry.Span{open("a", 0), open("b", 0)}, []int{0}},
		{[]telemetry.Span{open("b", 0), open("a", 0)}, []int{1}},
	} {
		b.Spans = c.spans
		var rows []int
		for i := range c.spans {
			rows = append(rows, i)
		}
		if got := b.Outdated(rows); fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%+v: %v", c.spans, got)
		}
		slices.Reverse(rows)
		got := b.Outdated(rows)
		if slices.Sort(got); fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("in another order, %+v: %v", c.spans, got)
		}
	}
}
