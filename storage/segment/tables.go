package segment

import (
	"cmp"
	"encoding/binary"
	"maps"
	"slices"
	"strings"

	"github.com/kiseki-dev/kiseki/storage/column"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// operationCode is an operation in one block's codes, which are less than
// maxBlockRows.
func operationCode(name, resource, kind uint32) uint64 {
	return uint64(name)<<36 | uint64(resource)<<8 | uint64(kind)
}

func splitOperation(code uint64) (name, resource uint32, kind telemetry.Kind) {
	return uint32(code >> 36), uint32(code >> 8 & (1<<28 - 1)), telemetry.Kind(code)
}

type operationCount struct{ spans, errors uint64 }

type operationKey struct {
	service, name string
	kind          telemetry.Kind
}

type keyKey struct {
	scope scan.Scope
	key   string
	typ   telemetry.ValueType
}

// tables sums up what a segment's spans do and carry. The keys of its maps
// outlive the blocks whose strings they were looked up with, so the values are
// pointers: assigning to a present key would put the new key in its place.
type tables struct {
	operations map[operationKey]*operationCount
	keys       map[keyKey]*uint64
}

func newTables() tables {
	return tables{operations: make(map[operationKey]*operationCount), keys: make(map[keyKey]*uint64)}
}

func (t *tables) addOperation(k operationKey, n operationCount) {
	sum := t.operations[k]
	if sum == nil {
		sum = new(operationCount)
		k.service, k.name = strings.Clone(k.service), strings.Clone(k.name)
		t.operations[k] = sum
	}
	sum.spans += n.spans
	sum.errors += n.errors
}

func (t *tables) addKey(k keyKey, spans uint64) {
	sum := t.keys[k]
	if sum == nil {
		sum = new(uint64)
		k.key = strings.Clone(k.key)
		t.keys[k] = sum
	}
	*sum += spans
}

var spaceScopes = [spaces]scan.Scope{scan.ScopeSpan, scan.ScopeEvent, scan.ScopeLink}

// add sums up a block before it is reset.
func (t *tables) add(b *blockBuilder) error {
	for _, c := range b.attrs {
		if c.spans > 0 {
			t.addKey(keyKey{spaceScopes[c.kind-kindAttr], c.key, c.typ}, c.spans)
		}
	}
	services, err := t.addEntries(b, &b.resources, b.fixed[kindResource].codes, scan.ScopeResource)
	if err != nil {
		return err
	}
	if _, err := t.addEntries(b, &b.scopes, b.fixed[kindScope].codes, scan.ScopeInstrumentation); err != nil {
		return err
	}
	t.addOperations(b, services)
	return nil
}

// addOperations counts the block's operations by their codes first.
func (t *tables) addOperations(b *blockBuilder, services []string) {
	resources, names := b.fixed[kindResource].codes, b.fixed[kindName]
	kinds, statuses := b.fixed[kindKind].codes, b.fixed[kindStatus].codes
	b.table.reset()
	b.tally = b.tally[:0]
	for i := range resources {
		at, known := b.table.number(operationCode(names.codes[i], resources[i], kinds[i]))
		if !known {
			b.tally = append(b.tally, operationCount{})
		}
		b.tally[at].spans++
		if telemetry.Status(statuses[i]) == telemetry.StatusError {
			b.tally[at].errors++
		}
	}
	for _, slot := range b.table.slots {
		if slot.value == 0 {
			continue
		}
		name, resource, k := splitOperation(slot.key)
		t.addOperation(operationKey{services[resource], names.entries[name], k}, b.tally[slot.value-1])
	}
}

// addEntries counts the keys of resources or scopes, each weighing as many
// spans as refer to it, and returns the service name of each entry.
func (t *tables) addEntries(b *blockBuilder, set *entrySet, codes []uint32, scope scan.Scope) ([]string, error) {
	b.entrySpans = append(b.entrySpans[:0], make([]uint64, len(set.entries))...)
	for _, c := range codes {
		b.entrySpans[c]++
	}
	services := make([]string, len(set.entries))
	var scratch telemetry.Batch
	for i, e := range set.entries {
		scratch.Reset()
		var err error
		var attrs telemetry.Range
		if scope == scan.ScopeResource {
			var r telemetry.Resource
			r, err = decodeResource(e, &scratch)
			attrs = r.Attrs
			scratch.Resources = append(scratch.Resources, r)
			services[i] = scratch.ServiceName(0)
		} else {
			var s telemetry.Scope
			s, err = decodeScope(e, &scratch)
			attrs = s.Attrs
		}
		if err != nil {
			return nil, err
		}
		t.addKeys(scope, scratch.AttrsOf(attrs), b.entrySpans[i])
	}
	return services, nil
}

func (t *tables) addKeys(scope scan.Scope, attrs []telemetry.Attr, spans uint64) {
	for i, a := range attrs {
		repeated := slices.ContainsFunc(attrs[:i], func(x telemetry.Attr) bool {
			return x.Key == a.Key && x.Value.Type() == a.Value.Type()
		})
		if repeated {
			continue
		}
		t.addKey(keyKey{scope, a.Key, a.Value.Type()}, spans)
	}
}

// appendOperations writes the operations in order of service, name and kind.
func (t *tables) appendOperations(dst []byte) []byte {
	sorted := slices.SortedFunc(maps.Keys(t.operations), func(x, y operationKey) int {
		return cmp.Or(strings.Compare(x.service, y.service), strings.Compare(x.name, y.name), cmp.Compare(x.kind, y.kind))
	})
	dst = binary.AppendUvarint(dst, uint64(len(sorted)))
	for _, k := range sorted {
		n := t.operations[k]
		dst = appendString(dst, k.service)
		dst = appendString(dst, k.name)
		dst = append(dst, byte(k.kind))
		dst = binary.AppendUvarint(dst, n.spans)
		dst = binary.AppendUvarint(dst, n.errors)
	}
	return dst
}

func decodeOperations(src []byte, f func(scan.Operation)) error {
	c := column.Cursor{B: src}
	for n := c.Count(len(src)); n > 0 && c.Err == nil; n-- {
		o := scan.Operation{
			Service: text(c.Sized()), Name: text(c.Sized()), Kind: telemetry.Kind(c.Byte()), Spans: c.Uvarint(), Errors: c.Uvarint(),
		}
		if c.Err == nil {
			f(o)
		}
	}
	return c.Err
}

// appendKeys writes the keys in order of scope, key and type.
func (t *tables) appendKeys(dst []byte) []byte {
	sorted := slices.SortedFunc(maps.Keys(t.keys), func(x, y keyKey) int {
		return cmp.Or(cmp.Compare(x.scope, y.scope), strings.Compare(x.key, y.key), cmp.Compare(x.typ, y.typ))
	})
	dst = binary.AppendUvarint(dst, uint64(len(sorted)))
	for _, k := range sorted {
		dst = append(dst, byte(k.scope), byte(k.typ))
		dst = appendString(dst, k.key)
		dst = binary.AppendUvarint(dst, *t.keys[k])
	}
	return dst
}

func decodeKeys(src []byte, f func(scan.Key)) error {
	c := column.Cursor{B: src}
	for n := c.Count(len(src)); n > 0 && c.Err == nil; n-- {
		k := scan.Key{Scope: scan.Scope(c.Byte()), Type: telemetry.ValueType(c.Byte()), Key: text(c.Sized()), Spans: c.Uvarint()}
		if c.Err == nil {
			f(k)
		}
	}
	return c.Err
}
