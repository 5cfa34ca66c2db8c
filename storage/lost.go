package storage

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// errLost is what reading lost spans gives: it makes an answer incomplete.
var errLost = errors.New("spans were lost to damage")

// lostSource stands in a snapshot for spans that were lost to damage. It is a
// source of one block that cannot be read: a query that would have read the
// spans learns that its answer is incomplete, one of another time does not.
type lostSource struct{ e lostEntry }

func lostSources(entries []lostEntry) (out []*lostSource) {
	for _, e := range entries {
		out = append(out, &lostSource{e})
	}
	return out
}

func (l *lostSource) err() error {
	if l.e.Spans == 0 {
		return fmt.Errorf("%w: nobody knows how many, of %s", errLost, l.e.file())
	}
	return fmt.Errorf("%w: %d of %s", errLost, l.e.Spans, l.e.file())
}

// Blocks implements [scan.Source].
func (l *lostSource) Blocks() []scan.Block { return []scan.Block{l} }

// SpanCount implements [scan.Source]: none of the spans is there.
func (l *lostSource) SpanCount() uint64 { return 0 }

// Bounds implements [scan.Source] and [scan.Block].
func (l *lostSource) Bounds() (low, high uint64) { return l.e.MinStart, l.e.MaxStart }

// Find implements [scan.Source].
func (l *lostSource) Find(id telemetry.TraceID, _ func(scan.Block, int, int) error) error {
	for ids := l.e.Traces; len(ids) >= len(id); ids = ids[len(id):] {
		if bytes.Equal(ids[:len(id)], id[:]) {
			return l.err()
		}
	}
	if len(l.e.Traces) > 0 {
		return nil
	}
	return l.err()
}

// Operations implements [scan.Source].
func (l *lostSource) Operations(func(scan.Operation)) error { return l.err() }

// Keys implements [scan.Source].
func (l *lostSource) Keys(func(scan.Key)) error { return l.err() }

// Values implements [scan.Source].
func (l *lostSource) Values(scan.Field, string, func(string, uint64) bool) error { return l.err() }

// Len implements [scan.Block].
func (l *lostSource) Len() int { return int(max(1, min(l.e.Spans, 64<<10))) }

// NewestTrace implements [scan.Block].
func (l *lostSource) NewestTrace() uint64 { return l.e.MaxStart }

// Narrow implements [scan.Block].
func (l *lostSource) Narrow([]scan.Predicate, *scan.Bitmap) error { return l.err() }

// Trace implements [scan.Block].
func (l *lostSource) Trace(int) (scan.Trace, error) { return scan.Trace{}, l.err() }

// Rows implements [scan.Block].
func (l *lostSource) Rows(int, int, scan.Columns, *scan.Rows) error { return l.err() }

// Spans implements [scan.Block].
func (l *lostSource) Spans(int, int, *telemetry.Batch) error { return l.err() }

// Codes implements [scan.Block].
func (l *lostSource) Codes(scan.Field, int, int, *scan.Codes) error { return l.err() }
