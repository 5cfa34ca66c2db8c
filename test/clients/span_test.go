package clients

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
)

// The JSON of OTLP, https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding,
// as far as traces need it.
type (
	attribute struct {
		Key   string
		Value anyValue
	}
	anyValue struct {
		StringValue *string
		BoolValue   *bool
		IntValue    json.RawMessage // a number, or one in a string
		DoubleValue json.RawMessage // a number, or one in a string: "NaN"
		BytesValue  *[]byte
		ArrayValue  *struct{ Values []anyValue }
		KvlistValue *struct{ Values []attribute }
	}
	event struct {
		TimeUnixNano           string
		Name                   string
		Attributes             []attribute
		DroppedAttributesCount uint32
	}
	link struct {
		TraceID, SpanID, TraceState string
		Attributes                  []attribute
		DroppedAttributesCount      uint32
		Flags                       uint32
	}
	resource struct {
		Attributes             []attribute
		DroppedAttributesCount uint32
	}
	scope struct {
		Name, Version          string
		Attributes             []attribute
		DroppedAttributesCount uint32
	}
	span struct {
		TraceID, SpanID, ParentSpanID, TraceState string
		Flags                                     uint32
		Name                                      string
		Kind                                      int
		StartTimeUnixNano, EndTimeUnixNano        string
		Status                                    struct {
			Code    int
			Message string
		}
		Attributes             []attribute
		DroppedAttributesCount uint32
		Events                 []event
		DroppedEventsCount     uint32
		Links                  []link
		DroppedLinksCount      uint32

		// Beside the span in what a client writes; in an answer they are the
		// messages around it.
		Scope             scope
		ScopeSchemaURL    string
		Resource          resource
		ResourceSchemaURL string
	}
	tracesData struct {
		ResourceSpans []struct {
			Resource   resource
			SchemaURL  string
			ScopeSpans []struct {
				Scope     scope
				SchemaURL string
				Spans     []span
			}
		}
	}
)

// spans are all spans of an answer, with scope and resource beside them.
func (d tracesData) spans() []span {
	var all []span
	for _, r := range d.ResourceSpans {
		for _, c := range r.ScopeSpans {
			for _, s := range c.Spans {
				s.Scope, s.ScopeSchemaURL = c.Scope, c.SchemaURL
				s.Resource, s.ResourceSchemaURL = r.Resource, r.SchemaURL
				all = append(all, s)
			}
		}
	}
	return all
}

// String is the value with its type, such as `int 5`.
func (v anyValue) String() string {
	switch {
	case v.StringValue != nil:
		return fmt.Sprintf("string %q", *v.StringValue)
	case v.BoolValue != nil:
		return fmt.Sprintf("bool %t", *v.BoolValue)
	case v.IntValue != nil:
		return "int " + unquote(v.IntValue)
	case v.DoubleValue != nil:
		f, err := strconv.ParseFloat(unquote(v.DoubleValue), 64)
		if err != nil {
			return "double " + err.Error()
		}
		if math.IsNaN(f) {
			return "double NaN"
		}
		return fmt.Sprintf("double %v (%#x)", f, math.Float64bits(f))
	case v.BytesValue != nil:
		return fmt.Sprintf("bytes %q", *v.BytesValue)
	case v.ArrayValue != nil:
		var all []string
		for _, e := range v.ArrayValue.Values {
			all = append(all, e.String())
		}
		return "array [" + strings.Join(all, ", ") + "]"
	case v.KvlistValue != nil:
		var all []string
		for _, e := range v.KvlistValue.Values {
			all = append(all, fmt.Sprintf("%q: %s", e.Key, e.Value))
		}
		return "map {" + strings.Join(all, ", ") + "}"
	}
	return "empty"
}

func unquote(number json.RawMessage) string { return strings.Trim(string(number), `"`) }

// fields is a span as field paths and values. The order of attributes means
// nothing and is not in it, nor are fields that are absent, empty or zero,
// which OTLP holds to be the same.
func (s span) fields() map[string]string {
	f := fieldMap{}
	f.set("traceId", s.TraceID)
	f.set("spanId", s.SpanID)
	f.set("parentSpanId", s.ParentSpanID)
	f.set("traceState", s.TraceState)
	f.set("flags", s.Flags)
	f.set("name", s.Name)
	f.set("kind", s.Kind)
	f.set("startTimeUnixNano", s.StartTimeUnixNano)
	f.set("endTimeUnixNano", s.EndTimeUnixNano)
	f.set("status.code", s.Status.Code)
	f.set("status.message", s.Status.Message)
	f.attributes("", s.Attributes, s.DroppedAttributesCount)
	for i, e := range s.Events {
		at := fmt.Sprintf("events[%d].", i)
		f.set(at+"timeUnixNano", e.TimeUnixNano)
		f.set(at+"name", e.Name)
		f.attributes(at, e.Attributes, e.DroppedAttributesCount)
	}
	f.set("droppedEventsCount", s.DroppedEventsCount)
	for i, l := range s.Links {
		at := fmt.Sprintf("links[%d].", i)
		f.set(at+"traceId", l.TraceID)
		f.set(at+"spanId", l.SpanID)
		f.set(at+"traceState", l.TraceState)
		f.set(at+"flags", l.Flags)
		f.attributes(at, l.Attributes, l.DroppedAttributesCount)
	}
	f.set("droppedLinksCount", s.DroppedLinksCount)
	f.set("scope.name", s.Scope.Name)
	f.set("scope.version", s.Scope.Version)
	f.set("scope.schemaUrl", s.ScopeSchemaURL)
	f.attributes("scope.", s.Scope.Attributes, s.Scope.DroppedAttributesCount)
	f.set("resource.schemaUrl", s.ResourceSchemaURL)
	f.attributes("resource.", s.Resource.Attributes, s.Resource.DroppedAttributesCount)
	return f
}

type fieldMap map[string]string

func (f fieldMap) set(path string, v any) {
	if text := fmt.Sprint(v); text != "" && text != "0" {
		f[path] = text
	}
}

func (f fieldMap) attributes(at string, list []attribute, dropped uint32) {
	for _, a := range list {
		path := at + "attributes[" + a.Key + "]"
		if old, twice := f[path]; twice {
			f[path] = old + " and again "
		}
		f[path] += a.Value.String()
	}
	f.set(at+"droppedAttributesCount", dropped)
}

// differences lists the fields in which two sets of spans differ, one a line.
func differences(sent, read []span) []string {
	var lines []string
	byID := map[string]span{}
	for _, s := range read {
		id := s.TraceID + " " + s.SpanID
		if _, twice := byID[id]; twice {
			lines = append(lines, fmt.Sprintf("span %q was read twice", s.Name))
		}
		byID[id] = s
	}
	for _, s := range sent {
		id := s.TraceID + " " + s.SpanID
		got, ok := byID[id]
		if !ok {
			lines = append(lines, fmt.Sprintf("span %q is missing", s.Name))
			continue
		}
		delete(byID, id)
		lines = append(lines, fieldDifferences(s, got)...)
	}
	for _, s := range byID {
		lines = append(lines, fmt.Sprintf("span %q was never sent", s.Name))
	}
	return lines
}

func fieldDifferences(sent, read span) []string {
	var lines []string
	want, got := sent.fields(), read.fields()
	for path, w := range want {
		if g, ok := got[path]; !ok {
			lines = append(lines, fmt.Sprintf("span %q: %s is missing, sent %s", sent.Name, path, w))
		} else if g != w {
			lines = append(lines, fmt.Sprintf("span %q: %s is %s, sent %s", sent.Name, path, g, w))
		}
	}
	for path, g := range got {
		if _, ok := want[path]; !ok {
			lines = append(lines, fmt.Sprintf("span %q: %s is %s, and was not sent", sent.Name, path, g))
		}
	}
	sort.Strings(lines)
	return lines
}

// TestDifferences makes sure that the comparison notices.
func TestDifferences(t *testing.T) {
	decode := func(text string) (s span) {
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	sent := decode(`{"spanId":"1","name":"n","kind":2,"flags":257,"attributes":[{"key":"a","value":{"intValue":"1"}},
		{"key":"b","value":{"doubleValue":1}}],"events":[{"name":"e","timeUnixNano":"5"}]}`)
	same := decode(`{"spanId":"1","name":"n","kind":2,"flags":257,"status":{},"droppedLinksCount":0,"links":[],
		"attributes":[{"key":"b","value":{"doubleValue":1.0}},{"key":"a","value":{"intValue":1}}],"events":[{"name":"e","timeUnixNano":"5"}]}`)
	if d := differences([]span{sent}, []span{same}); d != nil {
		t.Errorf("equal spans differ: %v", d)
	}
	other := decode(`{"spanId":"1","name":"n","kind":3,"attributes":[{"key":"a","value":{"doubleValue":1}},
		{"key":"b","value":{"doubleValue":1}},{"key":"c","value":{}}],"events":[{"name":"e","timeUnixNano":"6"}]}`)
	want := []string{
		`span "n": attributes[a] is double 1 (0x3ff0000000000000), sent int 1`,
		`span "n": attributes[c] is empty, and was not sent`,
		`span "n": events[0].timeUnixNano is 6, sent 5`,
		`span "n": flags is missing, sent 257`,
		`span "n": kind is 3, sent 2`,
	}
	if d := differences([]span{sent}, []span{other}); !slices.Equal(d, want) {
		t.Errorf("got %q", d)
	}
	if d := differences([]span{sent}, nil); !slices.Equal(d, []string{`span "n" is missing`}) {
		t.Errorf("got %q", d)
	}
	if d := differences([]span{sent}, []span{same, same}); len(d) != 1 {
		t.Errorf("got %q", d)
	}
}
