package forward

import "github.com/kiseki-dev/kiseki/telemetry"

// merge appends the spans of src, with all that they refer to, to dst. Strings
// are shared.
func merge(dst, src *telemetry.Batch) {
	resources, scopes := uint32(len(dst.Resources)), uint32(len(dst.Scopes))
	attrs, events, links := uint32(len(dst.Attrs)), uint32(len(dst.Events)), uint32(len(dst.Links))
	dst.Attrs = append(dst.Attrs, src.Attrs...)
	for _, r := range src.Resources {
		r.Attrs = shift(r.Attrs, attrs)
		dst.Resources = append(dst.Resources, r)
	}
	for _, s := range src.Scopes {
		s.Attrs = shift(s.Attrs, attrs)
		dst.Scopes = append(dst.Scopes, s)
	}
	for _, e := range src.Events {
		e.Attrs = shift(e.Attrs, attrs)
		dst.Events = append(dst.Events, e)
	}
	for _, l := range src.Links {
		l.Attrs = shift(l.Attrs, attrs)
		dst.Links = append(dst.Links, l)
	}
	for _, s := range src.Spans {
		s.Resource += resources
		s.Scope += scopes
		s.Attrs, s.Events, s.Links = shift(s.Attrs, attrs), shift(s.Events, events), shift(s.Links, links)
		dst.Spans = append(dst.Spans, s)
	}
}

func shift(r telemetry.Range, by uint32) telemetry.Range {
	return telemetry.Range{Start: r.Start + by, End: r.End + by}
}
