package storage

import (
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// maxValues bounds what Values collects in memory.
const maxValues = 10_000

// headSource is a head as of one moment.
type headSource struct {
	h        *head
	views    []*view // by shard
	blocks   []scan.Block
	byView   [][]*headBlock
	spans    uint64
	min, max uint64
}

// source is h as it is now.
func (h *head) source() *headSource {
	s := &headSource{h: h, min: ^uint64(0)}
	for _, shard := range h.shards {
		v := shard.view.Load()
		var blocks []*headBlock
		for base := 0; base < v.n; base += chunkRows {
			c := v.chunks[base/chunkRows]
			b := &headBlock{v: v, base: uint32(base), n: min(chunkRows, v.n-base), min: c.minStart.Load(), max: c.maxStart.Load()}
			s.min, s.max = min(s.min, b.min), max(s.max, b.max)
			blocks = append(blocks, b)
			s.blocks = append(s.blocks, b)
		}
		s.views = append(s.views, v)
		s.byView = append(s.byView, blocks)
		s.spans += uint64(v.n)
	}
	return s
}

// Blocks implements [scan.Source].
func (s *headSource) Blocks() []scan.Block { return s.blocks }

// SpanCount implements [scan.Source].
func (s *headSource) SpanCount() uint64 { return s.spans }

// Bounds implements [scan.Source].
func (s *headSource) Bounds() (min, max uint64) { return s.min, s.max }

// Find implements [scan.Source].
func (s *headSource) Find(id telemetry.TraceID, f func(b scan.Block, lo, hi int) error) error {
	hash := s.h.hash(&id)
	shard := s.h.shardOf(hash)
	v := s.views[shard]
	e, ok := v.find(&id, hash)
	if !ok {
		return nil
	}
	lo := v.trace(e).first
	for hi := lo + 1; ; {
		next := atomic.LoadUint32(&v.row(hi - 1).next) // a row number plus one; 0 ends
		if int(next) > v.n {
			next = 0
		}
		if next == hi+1 && hi%chunkRows != 0 {
			hi++
			continue
		}
		base := lo / chunkRows * chunkRows
		if err := f(s.byView[shard][lo/chunkRows], int(lo-base), int(hi-base)); err != nil || next == 0 {
			return err
		}
		lo, hi = next-1, next
	}
}

// Operations implements [scan.Source].
func (s *headSource) Operations(f func(scan.Operation)) error {
	type code struct {
		resource, name uint32
		kind           telemetry.Kind
	}
	type key struct {
		service, name string
		kind          telemetry.Kind
	}
	sums := map[key]*scan.Operation{}
	for _, v := range s.views {
		codes := map[code]*scan.Operation{}
		for i := range uint32(v.n) {
			r := v.row(i)
			c := code{r.resource, r.name, r.kind}
			op := codes[c]
			if op == nil {
				k := key{v.resources[r.resource].service, v.names[r.name], r.kind}
				if op = sums[k]; op == nil {
					op = &scan.Operation{Service: k.service, Name: k.name, Kind: k.kind}
					sums[k] = op
				}
				codes[c] = op
			}
			op.Spans++
			if r.status == telemetry.StatusError {
				op.Errors++
			}
		}
	}
	for _, op := range sums {
		f(*op)
	}
	return nil
}

// keyCounter counts the spans that carry a key, each span once.
type keyCounter struct {
	spans map[scan.Key]uint64 // Spans unset in the key
	v     *view
	last  map[scan.Scope][]uint32 // by column: the last row counted plus one
	count map[scan.Scope][]uint64
}

// Keys implements [scan.Source].
func (s *headSource) Keys(f func(scan.Key)) error {
	k := keyCounter{spans: map[scan.Key]uint64{}}
	for _, v := range s.views {
		k.view(v)
	}
	for key, spans := range k.spans {
		key.Spans = spans
		f(key)
	}
	return nil
}

func (k *keyCounter) view(v *view) {
	k.v = v
	k.last, k.count = map[scan.Scope][]uint32{}, map[scan.Scope][]uint64{}
	for _, scope := range [...]scan.Scope{scan.ScopeSpan, scan.ScopeEvent, scan.ScopeLink} {
		k.last[scope], k.count[scope] = make([]uint32, len(v.columns)), make([]uint64, len(v.columns))
	}
	resources, scopes := make([]uint64, len(v.resources)), make([]uint64, len(v.scopes))
	for i := range uint32(v.n) {
		r := v.row(i)
		resources[r.resource]++
		scopes[r.scope]++
		c := v.attrs(r)
		k.list(k.last[scan.ScopeSpan], k.count[scan.ScopeSpan], i, &c)
		rest := v.rest(r, true)
		if rest.events != nil {
			v.eachEvent(&rest.events, func(_ int64, _ string, _ uint32, c *cursor) {
				k.list(k.last[scan.ScopeEvent], k.count[scan.ScopeEvent], i, c)
			})
		}
		if rest.links != nil {
			v.eachLink(&rest.links, func(_ *telemetry.Link, c *cursor) {
				k.list(k.last[scan.ScopeLink], k.count[scan.ScopeLink], i, c)
			})
		}
	}
	for scope, counts := range k.count {
		for i, n := range counts {
			k.add(scope, v.columns[i].key, v.columns[i].typ, n)
		}
	}
	for i, n := range resources {
		k.attrs(scan.ScopeResource, v.resources[i].attrs, n)
	}
	for i, n := range scopes {
		k.attrs(scan.ScopeInstrumentation, v.scopes[i].attrs, n)
	}
}

func (k *keyCounter) add(scope scan.Scope, key string, typ telemetry.ValueType, n uint64) {
	if n > 0 {
		k.spans[scan.Key{Scope: scope, Key: key, Type: typ}] += n
	}
}

// list counts the attributes of a list of row i.
func (k *keyCounter) list(last []uint32, count []uint64, i uint32, c *cursor) {
	for range c.uvarint() {
		code := c.uvarint()
		c.skipValue(k.v.columns[code].typ)
		if last[code] != i+1 {
			last[code] = i + 1
			count[code]++
		}
	}
}

// attrs counts the attributes of a resource or scope that n spans have.
func (k *keyCounter) attrs(scope scan.Scope, attrs []telemetry.Attr, n uint64) {
	for i, a := range attrs {
		repeated := false
		for _, b := range attrs[:i] {
			repeated = repeated || b.Key == a.Key && b.Value.Type() == a.Value.Type()
		}
		if !repeated {
			k.add(scope, a.Key, a.Value.Type(), n)
		}
	}
}

// Values implements [scan.Source]. Beyond maxValues distinct values, further
// ones are not reported.
func (s *headSource) Values(field scan.Field, prefix string, f func(value string, spans uint64) bool) error {
	counts := map[string]uint64{}
	for _, v := range s.views {
		reader := newFieldReader(v, field)
		if reader.never {
			continue
		}
		for i := range uint32(v.n) {
			reader.any(v.row(i), func(value telemetry.Value) bool {
				text, ok := valueText(field, value)
				if !ok || !strings.HasPrefix(text, prefix) {
					return false
				}
				if n := counts[text]; n > 0 || len(counts) < maxValues {
					counts[text] = n + 1
				}
				return false
			})
		}
	}
	for text, n := range counts {
		if !f(text, n) {
			break
		}
	}
	return nil
}

// valueText is a value's string form; ok is false for those that have none.
func valueText(field scan.Field, v telemetry.Value) (text string, ok bool) {
	switch v.Type() {
	case telemetry.ValueString:
		return v.Str(), true
	case telemetry.ValueBool:
		return strconv.FormatBool(v.Bool()), true
	case telemetry.ValueDouble:
		return strconv.FormatFloat(v.Double(), 'g', -1, 64), true
	case telemetry.ValueInt:
		if field.Scope == scan.ScopeIntrinsic {
			switch field.Intrinsic {
			case scan.IntrinsicKind:
				return telemetry.Kind(v.Int()).String(), true
			case scan.IntrinsicStatus:
				return telemetry.Status(v.Int()).String(), true
			}
		}
		return strconv.FormatInt(v.Int(), 10), true
	}
	return "", false
}
