package exec

import (
	"cmp"
	"context"
	"slices"

	"github.com/kiseki-dev/kiseki/storage/scan"
)

// ValueQuery says which values of which field are wanted.
type ValueQuery struct {
	Field  scan.Field
	Prefix string
	Limit  int
}

// ValueCount is a value in text form.
type ValueCount struct {
	Value string
	Spans uint64 // how many spans have it; 0 where that is not known
}

// Values lists the values of a field, commonest first, those of unknown count
// last, then by value.
//
// Values of ".key" are those of the span's and of the resource's attribute of
// that key. How many spans have one as their ".key" is known only if no value
// of the key occurs in the other scope.
func Values(ctx context.Context, snap scan.Snapshot, q ValueQuery, limits Limits) ([]ValueCount, Stats, error) {
	r := start(ctx, snap, limits)
	defer r.release()
	c := counter{run: r, prefix: q.Prefix, counts: map[string]uint64{}, unknown: map[string]bool{}}
	fields := []scan.Field{q.Field}
	if q.Field.Scope == scan.ScopeAny {
		fields = []scan.Field{{Scope: scan.ScopeSpan, Key: q.Field.Key}, {Scope: scan.ScopeResource, Key: q.Field.Key}}
	}
	var populated int // how many of the fields have values
	for _, f := range fields {
		if err := c.collect(f); err != nil {
			return nil, Stats{}, err
		}
		if len(fields) > 1 && c.inUse(f) {
			populated++
		}
	}
	out := make([]ValueCount, 0, len(c.counts))
	for v, n := range c.counts {
		if c.unknown[v] || populated > 1 {
			n = 0
		}
		out = append(out, ValueCount{v, n})
	}
	slices.SortFunc(out, func(a, b ValueCount) int {
		return cmp.Or(cmp.Compare(b.Spans, a.Spans), cmp.Compare(a.Value, b.Value))
	})
	if len(out) > q.Limit {
		out = out[:q.Limit]
		r.tooMany(q.Limit, "values")
	}
	return out, r.finish(), nil
}

// counter adds up the values of all sources.
type counter struct {
	*run
	prefix  string
	counts  map[string]uint64
	unknown map[string]bool // a source did not say how many
}

// collect asks all sources for the values of f.
func (c *counter) collect(f scan.Field) error {
	for _, s := range c.sources {
		if ok, err := c.more(); !ok {
			return err
		}
		err := s.Values(f, c.prefix, func(v string, spans uint64) bool {
			if _, ok := c.counts[v]; !ok && len(c.counts) >= c.limits.Names {
				c.tooMany(c.limits.Names, "values")
				return false
			}
			c.counts[v] += spans
			if spans == 0 {
				c.unknown[v] = true
			}
			return true
		})
		if err != nil {
			c.damaged("list values", err)
		}
	}
	return nil
}

// inUse reports whether f has any value at all.
func (c *counter) inUse(f scan.Field) (any bool) {
	for _, s := range c.sources {
		err := s.Values(f, "", func(string, uint64) bool {
			any = true
			return false
		})
		if err != nil {
			c.damaged("list values", err)
		}
	}
	return any
}
