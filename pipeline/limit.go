package pipeline

import (
	"math"
	"sync/atomic"
	"unicode/utf8"

	"github.com/kiseki-dev/kiseki/telemetry"
)

// limit brings every part of b within the limits. What it drops stays in the
// batch's slices, outside every range that is still referred to.
func (p *Pipeline) limit(b *telemetry.Batch) {
	for i := range b.Resources {
		r := &b.Resources[i]
		p.attrs(b, &r.Attrs, &r.DroppedAttrs)
		p.text(&r.SchemaURL)
	}
	for i := range b.Scopes {
		s := &b.Scopes[i]
		p.attrs(b, &s.Attrs, &s.DroppedAttrs)
		p.text(&s.Name)
		p.text(&s.Version)
		p.text(&s.SchemaURL)
	}
	for i := range b.Spans {
		p.span(b, &b.Spans[i])
	}
}

func (p *Pipeline) span(b *telemetry.Batch, s *telemetry.Span) {
	p.attrs(b, &s.Attrs, &s.DroppedAttrs)
	p.text(&s.Name)
	p.text(&s.TraceState)
	p.text(&s.StatusMessage)
	cut(&s.Events, p.limits.Events, &s.DroppedEvents, &p.stats.droppedEvents)
	cut(&s.Links, p.limits.Links, &s.DroppedLinks, &p.stats.droppedLinks)
	events := b.EventsOf(s)
	for i := range events {
		p.attrs(b, &events[i].Attrs, &events[i].DroppedAttrs)
		p.text(&events[i].Name)
	}
	links := b.LinksOf(s)
	for i := range links {
		p.attrs(b, &links[i].Attrs, &links[i].DroppedAttrs)
		p.text(&links[i].TraceState)
	}
}

// cut shortens r to at most n elements and counts those it drops.
func cut(r *telemetry.Range, n int, dropped *uint32, total *atomic.Uint64) {
	if r.Len() <= n {
		return
	}
	more := uint32(r.Len() - n)
	r.End -= more
	*dropped = uint32(min(uint64(*dropped)+uint64(more), math.MaxUint32)) // the client chose what it starts from
	total.Add(uint64(more))
}

// attrs drops attributes whose keys are too long, then those that are too
// many, and cuts the values of the rest.
func (p *Pipeline) attrs(b *telemetry.Batch, r *telemetry.Range, dropped *uint32) {
	list := b.AttrsOf(*r)
	kept := 0
	for i := range list {
		if len(list[i].Key) > p.limits.KeyBytes {
			continue
		}
		if kept != i {
			list[kept] = list[i]
		}
		if v := &list[kept].Value; len(v.Str()) > p.limits.ValueBytes && kept < p.limits.Attrs {
			p.value(v)
		}
		kept++
	}
	cut(r, kept, dropped, &p.stats.droppedKeys)
	cut(r, p.limits.Attrs, dropped, &p.stats.droppedAttrs)
}

// text cuts a text that is too long.
func (p *Pipeline) text(s *string) {
	if len(*s) > p.limits.NameBytes {
		*s = prefix(*s, p.limits.NameBytes)
		p.stats.truncatedNames.Add(1)
	}
}

// prefix is the longest prefix of s of at most n bytes that does not end
// within a character.
func prefix(s string, n int) string {
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// value cuts a value that is too long.
func (p *Pipeline) value(v *telemetry.Value) {
	n := p.limits.ValueBytes
	switch v.Type() {
	case telemetry.ValueString:
		*v = telemetry.StringValue(prefix(v.Str(), n))
	case telemetry.ValueArray:
		*v = telemetry.ArrayValue(arrayPrefix(v.Str(), n))
	case telemetry.ValueMap:
		*v = telemetry.MapValue(mapPrefix(v.Str(), n))
	default:
		*v = telemetry.BytesValue(v.Str()[:n])
	}
	p.stats.truncatedValues.Add(1)
}

// arrayPrefix is an array of the first elements of encoded whose encoding
// together is at most n bytes. The producer has validated encoded, so that
// walking it cannot fail.
func arrayPrefix(encoded string, n int) string {
	var kept []byte
	_ = telemetry.Elements(encoded, func(v telemetry.Value) bool {
		longer := telemetry.AppendElement(kept, v)
		if len(longer) > n {
			return false
		}
		kept = longer
		return true
	})
	return string(kept)
}

// mapPrefix is [arrayPrefix] for a map.
func mapPrefix(encoded string, n int) string {
	var kept []byte
	_ = telemetry.Entries(encoded, func(a telemetry.Attr) bool {
		longer := telemetry.AppendEntry(kept, a.Key, a.Value)
		if len(longer) > n {
			return false
		}
		kept = longer
		return true
	})
	return string(kept)
}
