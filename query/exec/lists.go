package exec

import (
	"fmt"

	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// Events and links have no codes: what a query asks of them is taken from
// whole spans, which is dear. So only those of rows that are selected are read.

// ofList reports whether a span may have a field several times.
func ofList(f scan.Field) bool {
	switch f.Intrinsic {
	case scan.IntrinsicEventName, scan.IntrinsicEventTime, scan.IntrinsicLinkTraceID, scan.IntrinsicLinkSpanID:
		return f.Scope == scan.ScopeIntrinsic
	}
	return f.Scope == scan.ScopeEvent || f.Scope == scan.ScopeLink
}

// listGap is how many rows that nobody wants are read rather than begin anew
// behind them: a read costs about as much as that many rows.
const listGap = 8

// readList fills out with a field of those of rows [lo, hi) that are wanted,
// and of some in between; nil wants all.
func readList(b scan.Block, f scan.Field, lo, hi int, wanted *scan.Bitmap, out *rowValues) error {
	var batch telemetry.Batch
	for from := lo; from < hi; {
		to := hi
		if wanted != nil {
			if from, to = nextRun(wanted, from, hi); from < 0 {
				return nil
			}
		}
		batch.Reset()
		if err := b.Spans(from, to, &batch); err != nil {
			return err
		}
		for i := range batch.Spans {
			if v, ok := firstOf(&batch, &batch.Spans[i], f); ok {
				out.set(from-lo+i, v)
			}
		}
		from = to
	}
	return nil
}

// nextRun is the next run of wanted rows below hi, -1 if there is none, with
// the gaps in it that are worth reading.
func nextRun(wanted *scan.Bitmap, from, hi int) (first, end int) {
	first = wanted.Next(from)
	if first < 0 || first >= hi {
		return -1, 0
	}
	for next := first; next >= 0 && next < hi && (next == first || next <= end+listGap); next = wanted.Next(end) {
		end = next + 1
	}
	return first, end
}

// firstOf is the field of the first event or link that has it.
func firstOf(b *telemetry.Batch, s *telemetry.Span, f scan.Field) (telemetry.Value, bool) {
	attr := func(r telemetry.Range) (telemetry.Value, bool) {
		for _, a := range b.AttrsOf(r) {
			if a.Key == f.Key {
				return a.Value, true
			}
		}
		return telemetry.Value{}, false
	}
	events, links := b.EventsOf(s), b.LinksOf(s)
	switch {
	case f.Scope == scan.ScopeEvent:
		for i := range events {
			if v, ok := attr(events[i].Attrs); ok {
				return v, true
			}
		}
	case f.Scope == scan.ScopeLink:
		for i := range links {
			if v, ok := attr(links[i].Attrs); ok {
				return v, true
			}
		}
	case f.Intrinsic == scan.IntrinsicEventName && len(events) > 0:
		return telemetry.StringValue(events[0].Name), true
	case f.Intrinsic == scan.IntrinsicEventTime && len(events) > 0:
		return telemetry.IntValue(int64(events[0].Time - s.Start)), true
	case f.Intrinsic == scan.IntrinsicLinkTraceID && len(links) > 0:
		return telemetry.BytesValue(string(links[0].TraceID[:])), true
	case f.Intrinsic == scan.IntrinsicLinkSpanID && len(links) > 0:
		return telemetry.BytesValue(string(links[0].SpanID[:])), true
	}
	return telemetry.Value{}, false
}

// listsOfRow are fields of one span of a trace. Its events and links are read
// once, and no other span's.
type listsOfRow struct {
	*view
	row   int
	batch *telemetry.Batch // nil until asked for
}

func (l *listsOfRow) value(f traceql.Field) (GroupValue, error) {
	if f.Trace != traceql.TraceNone || !ofList(f.Field) || l.columns[f] != nil {
		c, err := l.column(f)
		if err != nil {
			return GroupValue{}, err
		}
		return GroupValue{c.has[l.row], c.values[l.row]}, nil
	}
	if l.batch == nil {
		l.batch = &telemetry.Batch{}
		if err := l.read(l.row, l.batch); err != nil {
			return GroupValue{}, err
		}
	}
	value, ok := firstOf(l.batch, &l.batch.Spans[0], f.Field)
	return GroupValue{ok, value}, nil
}

// read appends the whole span of a row.
func (v *view) read(row int, dst *telemetry.Batch) error {
	for _, p := range v.pieces {
		if n := p.hi - p.lo; row >= n {
			row -= n
			continue
		}
		return p.block.Spans(p.lo+row, p.lo+row+1, dst)
	}
	return fmt.Errorf("read row %d: the trace has fewer", row)
}
