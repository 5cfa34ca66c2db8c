package redact

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// Removed is written in the place of what was removed.
const Removed = "[redacted]"

// Options say what is removed beside what always is:
//
//   - values of attributes whose name says that they are secret: passwords,
//     tokens, API keys, credentials, authorization headers, cookies;
//   - in any text: passwords in URLs, secret parameters of URLs, bearer and
//     basic credentials, JSON web tokens, AWS access keys, private keys;
//   - in any text and integer: card numbers, by length, issuer and checksum.
type Options struct {
	// Off removes nothing.
	Off bool
	// Emails also removes e-mail addresses.
	Emails bool
	// SQL also replaces the values in db.query.text and db.statement by "?".
	SQL bool
	// Keys are the names of more attributes whose values are removed,
	// whatever their case.
	Keys []string
	// Patterns match more text to remove, in any attribute.
	Patterns []*regexp.Regexp
}

// Redactor removes by its options. It may be used by any number of
// goroutines.
type Redactor struct {
	opts Options
	keys map[string]bool // more secret names, in lower case

	// known remembers which names are secret: a program has few.
	known      sync.Map // attribute.Key → bool
	knownCount atomic.Int64
}

// maxKnown bounds the names that are remembered.
const maxKnown = 4096

// New makes a redactor.
func New(o Options) *Redactor {
	r := &Redactor{opts: o, keys: map[string]bool{}}
	for _, k := range o.Keys {
		r.keys[lower(k)] = true
	}
	return r
}

// Span returns the span without what must not be in it: its name, status,
// attributes, and those of its events and links. It is the span itself where
// there is nothing to remove. The resource, which is the same for all spans,
// is for [Redactor.Attributes].
func (r *Redactor) Span(s sdktrace.ReadOnlySpan) sdktrace.ReadOnlySpan {
	if r.opts.Off {
		return s
	}
	attrs, changed := r.attributes(s.Attributes())
	events, eventsChanged := r.events(s.Events())
	links, linksChanged := r.links(s.Links())
	name, status := r.Text(s.Name()), s.Status()
	description := r.Text(status.Description)
	if !changed && !eventsChanged && !linksChanged && name == s.Name() && description == status.Description {
		return s
	}
	status.Description = description
	return &redacted{ReadOnlySpan: s, name: name, status: status, attributes: attrs, events: events, links: links}
}

// redacted is a span with other contents.
type redacted struct {
	sdktrace.ReadOnlySpan
	name       string
	status     sdktrace.Status
	attributes []attribute.KeyValue
	events     []sdktrace.Event
	links      []sdktrace.Link
}

// The methods below stand before those of the span.

func (s *redacted) Name() string                     { return s.name }
func (s *redacted) Status() sdktrace.Status          { return s.status }
func (s *redacted) Attributes() []attribute.KeyValue { return s.attributes }
func (s *redacted) Events() []sdktrace.Event         { return s.events }
func (s *redacted) Links() []sdktrace.Link           { return s.links }

// Attributes returns the attributes without what must not be in them. The
// slice is the given one where there is nothing to remove; that one is never
// changed.
func (r *Redactor) Attributes(kvs []attribute.KeyValue) []attribute.KeyValue {
	if r.opts.Off {
		return kvs
	}
	kvs, _ = r.attributes(kvs)
	return kvs
}

func (r *Redactor) attributes(kvs []attribute.KeyValue) (_ []attribute.KeyValue, changed bool) {
	for i := range kvs {
		v, differs := r.value(kvs[i])
		if !differs {
			continue
		}
		if !changed {
			kvs, changed = slices.Clone(kvs), true
		}
		kvs[i].Value = v
	}
	return kvs, changed
}

func (r *Redactor) events(list []sdktrace.Event) (_ []sdktrace.Event, changed bool) {
	for i := range list {
		attrs, differs := r.attributes(list[i].Attributes)
		name := r.Text(list[i].Name)
		if !differs && name == list[i].Name {
			continue
		}
		if !changed {
			list, changed = slices.Clone(list), true
		}
		list[i].Attributes, list[i].Name = attrs, name
	}
	return list, changed
}

func (r *Redactor) links(list []sdktrace.Link) (_ []sdktrace.Link, changed bool) {
	for i := range list {
		attrs, differs := r.attributes(list[i].Attributes)
		if !differs {
			continue
		}
		if !changed {
			list, changed = slices.Clone(list), true
		}
		list[i].Attributes = attrs
	}
	return list, changed
}

// value is what an attribute may say.
func (r *Redactor) value(kv attribute.KeyValue) (v attribute.Value, changed bool) {
	if kv.Value.Type() != attribute.BOOL && r.secret(kv.Key) {
		return attribute.StringValue(Removed), true
	}
	switch kv.Value.Type() {
	case attribute.STRING:
		s := kv.Value.AsString()
		t := r.Text(s)
		if r.opts.SQL && (kv.Key == "db.query.text" || kv.Key == "db.statement") {
			t = SQL(t)
		}
		return attribute.StringValue(t), t != s
	case attribute.INT64:
		if n := kv.Value.AsInt64(); n >= 1e12 && isCard(fmt.Sprint(n)) {
			return attribute.StringValue(Removed), true
		}
	case attribute.STRINGSLICE:
		list := kv.Value.AsStringSlice() // a copy
		for i, s := range list {
			list[i] = r.Text(s)
			changed = changed || list[i] != s
		}
		return attribute.StringSliceValue(list), changed
	case attribute.BYTESLICE:
		if s := string(kv.Value.AsByteSlice()); r.Text(s) != s {
			return attribute.StringValue(Removed), true
		}
	case attribute.MAP:
		inner, changed := r.attributes(kv.Value.AsMap())
		return attribute.MapValue(inner...), changed
	case attribute.SLICE:
		list := slices.Clone(kv.Value.AsSlice())
		for i := range list {
			inner, differs := r.value(attribute.KeyValue{Key: kv.Key, Value: list[i]})
			if differs {
				list[i], changed = inner, true
			}
		}
		return attribute.SliceValue(list...), changed
	}
	return kv.Value, false
}

// Exporter removes from every span before next sees it, for a set-up of the
// SDK that is not instrument's.
func Exporter(next sdktrace.SpanExporter, o Options) sdktrace.SpanExporter {
	return &exporter{SpanExporter: next, redactor: New(o)}
}

type exporter struct {
	sdktrace.SpanExporter
	redactor *Redactor
}

// ExportSpans implements the SDK's SpanExporter.
func (e *exporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	clean := make([]sdktrace.ReadOnlySpan, len(spans))
	for i, s := range spans {
		clean[i] = e.redactor.Span(s)
	}
	return e.SpanExporter.ExportSpans(ctx, clean)
}
