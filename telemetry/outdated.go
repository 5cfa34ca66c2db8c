package telemetry

import (
	"cmp"
	"slices"
)

// Outdated is which of some spans of one trace and one ID say what another of
// them says better. A span that is sent while it runs has no end, and is sent
// again, with its end, when it has one: of spans with one ID those without an
// end give way to those with one, and where none has an end, all but the one
// that says most. Spans that have an end are never outdated: the two sides of a
// call share an ID with Zipkin. rows are indexes of b.Spans; the result is some
// of them, the same ones in whatever order they come.
func (b *Batch) Outdated(rows []int) (outdated []int) {
	best, ended := -1, false
	for _, i := range rows {
		switch {
		case b.Spans[i].End != 0:
			ended = true
		case best < 0 || b.compareOpen(&b.Spans[i], &b.Spans[best]) > 0:
			best = i
		}
	}
	for _, i := range rows {
		if b.Spans[i].End == 0 && (ended || i != best) {
			outdated = append(outdated, i)
		}
	}
	return outdated
}

// compareOpen orders spans without an end by how much they say, and then so that
// hardly any two are alike.
func (b *Batch) compareOpen(x, y *Span) int {
	return cmp.Or(
		cmp.Compare(x.Attrs.Len(), y.Attrs.Len()), cmp.Compare(x.Events.Len(), y.Events.Len()), cmp.Compare(x.Links.Len(), y.Links.Len()),
		cmp.Compare(x.Start, y.Start), cmp.Compare(x.Name, y.Name), cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Status, y.Status),
		cmp.Compare(x.StatusMessage, y.StatusMessage), slices.Compare(x.ParentID[:], y.ParentID[:]), cmp.Compare(x.TraceState, y.TraceState),
		b.compareAttrs(x.Attrs, y.Attrs), b.compareAttrs(b.Resources[x.Resource].Attrs, b.Resources[y.Resource].Attrs),
	)
}

func (b *Batch) compareAttrs(x, y Range) int {
	return slices.CompareFunc(b.AttrsOf(x), b.AttrsOf(y), func(p, q Attr) int {
		return cmp.Or(
			cmp.Compare(p.Key, q.Key), cmp.Compare(p.Value.Type(), q.Value.Type()), cmp.Compare(p.Value.Num(), q.Value.Num()),
			cmp.Compare(p.Value.Str(), q.Value.Str()),
		)
	})
}
