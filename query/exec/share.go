package exec

import (
	"encoding/binary"

	"github.com/kiseki-dev/kiseki/telemetry"
)

// share makes spans of equal resources refer to one of them, and likewise for
// scopes. What is no longer referred to is dropped.
func share(b *telemetry.Batch) {
	var key []byte
	resources := make([]uint32, len(b.Resources))
	known := map[string]uint32{}
	kept := b.Resources[:0]
	for i, r := range b.Resources {
		key = appendAttrs(appendText(binary.AppendUvarint(key[:0], uint64(r.DroppedAttrs)), r.SchemaURL), b.AttrsOf(r.Attrs))
		at, ok := known[string(key)]
		if !ok {
			at = uint32(len(kept))
			known[string(key)] = at
			kept = append(kept, r)
		}
		resources[i] = at
	}
	b.Resources = kept
	scopes := make([]uint32, len(b.Scopes))
	clear(known)
	keptScopes := b.Scopes[:0]
	for i, s := range b.Scopes {
		key = appendText(binary.AppendUvarint(key[:0], uint64(s.DroppedAttrs)), s.SchemaURL)
		key = appendAttrs(appendText(appendText(key, s.Name), s.Version), b.AttrsOf(s.Attrs))
		at, ok := known[string(key)]
		if !ok {
			at = uint32(len(keptScopes))
			known[string(key)] = at
			keptScopes = append(keptScopes, s)
		}
		scopes[i] = at
	}
	b.Scopes = keptScopes
	for i := range b.Spans {
		s := &b.Spans[i]
		s.Resource, s.Scope = resources[s.Resource], scopes[s.Scope]
	}
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func appendAttrs(dst []byte, attrs []telemetry.Attr) []byte {
	for _, a := range attrs {
		dst = append(appendText(dst, a.Key), byte(a.Value.Type()))
		dst = appendText(binary.AppendUvarint(dst, a.Value.Num()), a.Value.Str())
	}
	return dst
}

// repeated marks the spans of a trace that equal an earlier one in every field,
// for a client that did not hear the answer sends again, and those that are
// outdated (see [telemetry.Batch.Outdated]). b's resources and scopes are
// shared. Other spans with the same ID that differ, as the two sides of a call
// have with Zipkin, are two spans.
func repeated(b *telemetry.Batch) []bool {
	out := make([]bool, len(b.Spans))
	first := make(map[telemetry.SpanID]int32, len(b.Spans))
	var seen map[string]struct{} // the spans whose ID occurs twice, in full
	var key []byte
	note := func(i int) bool {
		key = appendSpan(key[:0], b, &b.Spans[i])
		_, again := seen[string(key)]
		seen[string(key)] = struct{}{}
		return again
	}
	for i := range b.Spans {
		id := b.Spans[i].SpanID
		at, ok := first[id]
		if !ok {
			first[id] = int32(i)
			continue
		}
		if seen == nil {
			seen = map[string]struct{}{}
		}
		if at >= 0 { // the first of its ID has not been noted yet
			note(int(at))
			first[id] = -1
		}
		out[i] = note(i)
	}
	if seen != nil {
		markOutdated(b, out, func(id telemetry.SpanID) bool { return first[id] < 0 })
	}
	return out
}

// markOutdated marks what is outdated among the spans that are not marked yet;
// shared reports whether several have an ID.
func markOutdated(b *telemetry.Batch, marked []bool, shared func(telemetry.SpanID) bool) {
	byID := map[telemetry.SpanID][]int{} // of those of which one has no end
	for i := range b.Spans {
		if s := &b.Spans[i]; s.End == 0 && !marked[i] && shared(s.SpanID) {
			byID[s.SpanID] = nil
		}
	}
	if len(byID) == 0 {
		return
	}
	for i := range b.Spans {
		if rows, ok := byID[b.Spans[i].SpanID]; ok && !marked[i] {
			byID[b.Spans[i].SpanID] = append(rows, i)
		}
	}
	for _, rows := range byID {
		for _, i := range b.Outdated(rows) {
			marked[i] = true
		}
	}
}

// appendContent appends all that a span says, its resource and scope
// included, which makes it independent of the batch.
func appendContent(dst []byte, b *telemetry.Batch, s *telemetry.Span) []byte {
	resource, scope := &b.Resources[s.Resource], &b.Scopes[s.Scope]
	alone := *s
	alone.Resource, alone.Scope = 0, 0
	dst = appendText(appendSpan(dst, b, &alone), resource.SchemaURL)
	dst = appendAttrs(binary.AppendUvarint(dst, uint64(resource.DroppedAttrs)), b.AttrsOf(resource.Attrs))
	dst = appendText(appendText(appendText(dst, scope.Name), scope.Version), scope.SchemaURL)
	return appendAttrs(binary.AppendUvarint(dst, uint64(scope.DroppedAttrs)), b.AttrsOf(scope.Attrs))
}

// appendSpan appends all that a span says; of its resource and scope only
// which ones of b they are.
func appendSpan(dst []byte, b *telemetry.Batch, s *telemetry.Span) []byte {
	dst = append(append(append(dst, s.TraceID[:]...), s.SpanID[:]...), s.ParentID[:]...)
	for _, n := range [...]uint64{
		s.Start, s.End, uint64(s.Flags), uint64(s.Kind), uint64(s.Status), uint64(s.Resource), uint64(s.Scope),
		uint64(s.DroppedAttrs), uint64(s.DroppedEvents), uint64(s.DroppedLinks),
		uint64(s.Attrs.Len()), uint64(s.Events.Len()), uint64(s.Links.Len()),
	} {
		dst = binary.AppendUvarint(dst, n)
	}
	dst = appendText(appendText(appendText(dst, s.Name), s.TraceState), s.StatusMessage)
	dst = appendAttrs(dst, b.AttrsOf(s.Attrs))
	for _, e := range b.EventsOf(s) {
		dst = binary.AppendUvarint(binary.AppendUvarint(binary.AppendUvarint(dst, e.Time), uint64(e.DroppedAttrs)), uint64(e.Attrs.Len()))
		dst = appendAttrs(appendText(dst, e.Name), b.AttrsOf(e.Attrs))
	}
	for _, l := range b.LinksOf(s) {
		dst = append(append(dst, l.TraceID[:]...), l.SpanID[:]...)
		dst = binary.AppendUvarint(binary.AppendUvarint(binary.AppendUvarint(dst, uint64(l.Flags)), uint64(l.DroppedAttrs)), uint64(l.Attrs.Len()))
		dst = appendAttrs(appendText(dst, l.TraceState), b.AttrsOf(l.Attrs))
	}
	return dst
}
