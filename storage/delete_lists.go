package storage

import (
	"fmt"
	"strings"
	"sync"

	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// What a source without some of its traces says of operations, keys and
// values, exactly: a value that only deleted spans had may be the person's
// name they were deleted for.
//
// Operations and keys are those of the segment less those of the deleted
// spans, which are counted once. Values have no counts in a segment, so the
// rows that are left are asked: some nanoseconds a span, until the segment is
// rewritten.

// listRows is how many rows are asked for their values, or counted, at a time.
const listRows = 4096

// deletedCounts is what the deleted spans of a source would add to its lists.
type deletedCounts struct {
	operations map[scan.Operation]scan.Operation // by an Operation without counts
	keys       map[scan.Key]uint64               // by a Key without Spans
}

// countsOnce counts the deleted spans once; after an error it tries again.
type countsOnce struct {
	sync.Mutex
	done *deletedCounts
}

// deleted counts the spans that are not shown.
func (w *without) deleted() (*deletedCounts, error) {
	w.counts.Lock()
	defer w.counts.Unlock()
	if w.counts.done != nil {
		return w.counts.done, nil
	}
	c := &deletedCounts{operations: map[scan.Operation]scan.Operation{}, keys: map[scan.Key]uint64{}}
	var b telemetry.Batch
	for _, k := range w.cut {
		err := k.eachDeleted(func(lo, hi int) error {
			b.Reset()
			err := k.b.Spans(lo, hi, &b)
			c.add(&b)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("count deleted spans: %w", err)
		}
	}
	w.counts.done = c
	return c, nil
}

// eachDeleted calls f with runs of rows below that are not shown.
func (k *keptBlock) eachDeleted(f func(lo, hi int) error) error {
	n := k.live.Len()
	for lo := 0; lo < n; {
		if k.live.Get(lo) {
			lo++
			continue
		}
		hi := lo + 1
		for hi < n && hi-lo < listRows && !k.live.Get(hi) {
			hi++
		}
		if err := f(lo, hi); err != nil {
			return err
		}
		lo = hi
	}
	return nil
}

func (c *deletedCounts) add(b *telemetry.Batch) {
	for i := range b.Spans {
		s := &b.Spans[i]
		key := scan.Operation{Service: b.ServiceName(s.Resource), Name: s.Name, Kind: s.Kind}
		sum, known := c.operations[key]
		if !known {
			key.Service, key.Name = strings.Clone(key.Service), strings.Clone(key.Name)
		}
		sum.Spans++
		if s.Status == telemetry.StatusError {
			sum.Errors++
		}
		c.operations[key] = sum
		c.addKeys(b, s)
	}
}

// addKeys counts each key and type that a span has once.
func (c *deletedCounts) addKeys(b *telemetry.Batch, s *telemetry.Span) {
	var seen []scan.Key
	add := func(scope scan.Scope, attrs telemetry.Range) {
		for _, a := range b.AttrsOf(attrs) {
			key := scan.Key{Scope: scope, Key: a.Key, Type: a.Value.Type()}
			if containsKey(seen, key) {
				continue
			}
			seen = append(seen, key)
			n, known := c.keys[key]
			if !known {
				key.Key = strings.Clone(key.Key)
			}
			c.keys[key] = n + 1
		}
	}
	add(scan.ScopeSpan, s.Attrs)
	add(scan.ScopeResource, b.Resources[s.Resource].Attrs)
	add(scan.ScopeInstrumentation, b.Scopes[s.Scope].Attrs)
	for _, e := range b.EventsOf(s) {
		add(scan.ScopeEvent, e.Attrs)
	}
	for _, l := range b.LinksOf(s) {
		add(scan.ScopeLink, l.Attrs)
	}
}

// containsKey goes from the end: an event repeats the keys of the one before.
func containsKey(seen []scan.Key, key scan.Key) bool {
	for i := len(seen) - 1; i >= 0; i-- {
		if seen[i] == key {
			return true
		}
	}
	return false
}

// Operations implements [scan.Source].
func (w *without) Operations(f func(scan.Operation)) error {
	if len(w.blocks) == 0 {
		return nil
	}
	gone, err := w.deleted()
	if err != nil {
		return err
	}
	return w.src.Operations(func(op scan.Operation) {
		less := gone.operations[scan.Operation{Service: op.Service, Name: op.Name, Kind: op.Kind}]
		op.Spans, op.Errors = op.Spans-less.Spans, op.Errors-less.Errors
		if op.Spans > 0 {
			f(op)
		}
	})
}

// Keys implements [scan.Source].
func (w *without) Keys(f func(scan.Key)) error {
	if len(w.blocks) == 0 {
		return nil
	}
	gone, err := w.deleted()
	if err != nil {
		return err
	}
	return w.src.Keys(func(k scan.Key) {
		if k.Spans -= gone.keys[scan.Key{Scope: k.Scope, Key: k.Key, Type: k.Type}]; k.Spans > 0 {
			f(k)
		}
	})
}

// Values implements [scan.Source]. Span counts are not known.
func (w *without) Values(field scan.Field, prefix string, f func(value string, spans uint64) bool) error {
	l := valueLister{field: field, prefix: prefix, f: f}
	for _, b := range w.blocks {
		var err error
		switch {
		case field.Scope == scan.ScopeEvent, field.Scope == scan.ScopeLink,
			field.Scope == scan.ScopeIntrinsic && field.Intrinsic == scan.IntrinsicEventName:
			err = l.elements(b)
		case listed(field):
			err = l.single(b)
		}
		if err != nil || l.done {
			return err
		}
	}
	return nil
}

// listed reports whether a segment lists the values of a field that has one a
// span.
func listed(field scan.Field) bool {
	if field.Scope != scan.ScopeIntrinsic {
		return true
	}
	switch field.Intrinsic {
	case scan.IntrinsicName, scan.IntrinsicStatusMessage, scan.IntrinsicTraceState, scan.IntrinsicKind, scan.IntrinsicStatus,
		scan.IntrinsicScopeName, scan.IntrinsicScopeVersion:
		return true
	}
	return false
}

// valueLister is one call of Values.
type valueLister struct {
	field  scan.Field
	prefix string
	f      func(string, uint64) bool
	done   bool // f has enough
}

func (l *valueLister) add(v telemetry.Value) {
	if text, ok := valueText(l.field, v); ok && !l.done && strings.HasPrefix(text, l.prefix) {
		l.done = !l.f(text, 0)
	}
}

// single lists what the rows of b have in a field of one value a span, each
// value once.
func (l *valueLister) single(b scan.Block) error {
	var codes scan.Codes
	var seen []bool
	for lo := 0; lo < b.Len() && !l.done; lo += listRows {
		if err := b.Codes(l.field, lo, min(lo+listRows, b.Len()), &codes); err != nil {
			return err
		}
		seen = append(seen, make([]bool, len(codes.Dict)-len(seen))...)
		for _, code := range codes.Rows {
			if code > 0 && !seen[code-1] {
				seen[code-1] = true
				l.add(codes.Dict[code-1])
			}
		}
	}
	return nil
}

// elements lists what the events or links of the rows of b have in a field.
func (l *valueLister) elements(b scan.Block) error {
	var sel scan.Bitmap
	sel.Reset(b.Len(), true)
	if err := b.Narrow([]scan.Predicate{{Field: l.field, Op: scan.OpExists}}, &sel); err != nil {
		return err
	}
	seen := map[telemetry.Value]bool{}
	add := func(v telemetry.Value) {
		if !seen[v] {
			seen[v] = true
			l.add(v)
		}
	}
	for row := sel.Next(0); row >= 0 && !l.done; {
		hi := row + 1
		for hi < b.Len() && hi-row < listRows && sel.Get(hi) {
			hi++
		}
		var batch telemetry.Batch // a new one: seen keeps its strings
		if err := b.Spans(row, hi, &batch); err != nil {
			return err
		}
		elementValues(&batch, l.field, add)
		row = sel.Next(hi)
	}
	return nil
}

// elementValues calls f with what the events or links of a batch have in a
// field.
func elementValues(b *telemetry.Batch, field scan.Field, f func(telemetry.Value)) {
	add := func(attrs telemetry.Range) {
		if v, ok := b.Lookup(attrs, field.Key); ok {
			f(v)
		}
	}
	switch field.Scope {
	case scan.ScopeIntrinsic:
		for _, e := range b.Events {
			f(telemetry.StringValue(e.Name))
		}
	case scan.ScopeEvent:
		for _, e := range b.Events {
			add(e.Attrs)
		}
	case scan.ScopeLink:
		for _, l := range b.Links {
			add(l.Attrs)
		}
	}
}
