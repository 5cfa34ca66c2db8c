package storage

import (
	"slices"

	"github.com/kiseki-dev/kiseki/telemetry"
)

// copyFinder finds spans of a trace that equal another one in every field: a
// client that did not hear the answer sends again. It also finds those that are
// outdated (see [telemetry.Batch.Outdated]). Other spans with the same ID that
// differ, as the two sides of a call have with Zipkin, are two spans. Its memory
// is reused.
type copyFinder struct {
	first map[telemetry.SpanID]int32 // place in kept of the latest span with the ID
	next  []int32                    // of each place, the place before with the same ID, or -1
	kept  []uint32
}

// fewIDs is up to how many IDs comparing all of them is faster than a map.
const fewIDs = 24

// repeats reports whether an ID occurs twice.
func (c *copyFinder) repeats(ids []telemetry.SpanID) bool {
	if len(ids) <= fewIDs {
		for i, id := range ids {
			if slices.Contains(ids[:i], id) {
				return true
			}
		}
		return false
	}
	c.begin()
	for _, id := range ids {
		if _, again := c.first[id]; again {
			return true
		}
		c.first[id] = 0
	}
	return false
}

func (c *copyFinder) begin() {
	if c.first == nil {
		c.first = make(map[telemetry.SpanID]int32)
	}
	clear(c.first)
	c.next, c.kept = c.next[:0], c.kept[:0]
}

// without is rows without those that repeat an earlier one or are outdated,
// valid until the next call.
func (c *copyFinder) without(b *telemetry.Batch, rows []uint32) []uint32 {
	if len(rows) < 2 {
		return rows
	}
	c.begin()
	for _, row := range rows {
		id := b.Spans[row].SpanID
		before, ok := c.first[id]
		if !ok {
			before = -1
		}
		if c.known(b, row, before) {
			continue
		}
		c.first[id] = int32(len(c.kept))
		c.next = append(c.next, before)
		c.kept = append(c.kept, row)
	}
	return c.upToDate(b)
}

// upToDate is what is kept but for outdated spans.
func (c *copyFinder) upToDate(b *telemetry.Batch) []uint32 {
	var outdated map[uint32]struct{}
	var same []int
	for place, row := range c.kept {
		last := c.first[b.Spans[row].SpanID]
		if b.Spans[row].End != 0 || last == int32(place) && c.next[last] < 0 {
			continue
		}
		same = same[:0]
		for at := last; at >= 0; at = c.next[at] {
			same = append(same, int(c.kept[at]))
		}
		for _, i := range b.Outdated(same) {
			if outdated == nil {
				outdated = map[uint32]struct{}{}
			}
			outdated[uint32(i)] = struct{}{}
		}
	}
	if outdated == nil {
		return c.kept
	}
	return slices.DeleteFunc(c.kept, func(row uint32) bool { _, ok := outdated[row]; return ok })
}

func (c *copyFinder) known(b *telemetry.Batch, row uint32, at int32) bool {
	for ; at >= 0; at = c.next[at] {
		if sameSpan(b, &b.Spans[row], &b.Spans[c.kept[at]]) {
			return true
		}
	}
	return false
}

// sameSpan reports whether two spans of b say the same.
func sameSpan(b *telemetry.Batch, x, y *telemetry.Span) bool {
	// Where they lie in the batch says nothing.
	p, q := *x, *y
	for _, s := range []*telemetry.Span{&p, &q} {
		s.Resource, s.Scope = 0, 0
		s.Attrs, s.Events, s.Links = telemetry.Range{}, telemetry.Range{}, telemetry.Range{}
	}
	return p == q && sameAttrs(b, x.Attrs, y.Attrs) && sameResource(b, x.Resource, y.Resource) && sameScope(b, x.Scope, y.Scope) &&
		slices.EqualFunc(b.EventsOf(x), b.EventsOf(y), func(e, f telemetry.Event) bool {
			return e.Time == f.Time && e.Name == f.Name && e.DroppedAttrs == f.DroppedAttrs && sameAttrs(b, e.Attrs, f.Attrs)
		}) &&
		slices.EqualFunc(b.LinksOf(x), b.LinksOf(y), func(k, l telemetry.Link) bool {
			same := sameAttrs(b, k.Attrs, l.Attrs)
			k.Attrs, l.Attrs = telemetry.Range{}, telemetry.Range{}
			return same && k == l
		})
}

func sameAttrs(b *telemetry.Batch, x, y telemetry.Range) bool {
	return slices.Equal(b.AttrsOf(x), b.AttrsOf(y))
}

func sameResource(b *telemetry.Batch, i, j uint32) bool {
	x, y := b.Resources[i], b.Resources[j]
	return i == j || x.DroppedAttrs == y.DroppedAttrs && x.SchemaURL == y.SchemaURL && sameAttrs(b, x.Attrs, y.Attrs)
}

func sameScope(b *telemetry.Batch, i, j uint32) bool {
	x, y := b.Scopes[i], b.Scopes[j]
	return i == j || x.Name == y.Name && x.Version == y.Version && x.DroppedAttrs == y.DroppedAttrs && x.SchemaURL == y.SchemaURL &&
		sameAttrs(b, x.Attrs, y.Attrs)
}
