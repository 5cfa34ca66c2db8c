package exec

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// KeyQuery says which attribute keys are wanted.
type KeyQuery struct {
	Prefix string
	Scope  scan.Scope // ScopeAny: all scopes
	Limit  int
}

// AttributeKey is a key in use.
type AttributeKey struct {
	Scope scan.Scope
	Key   string
	Types []telemetry.ValueType // in the order of their numbers
	// Spans is how many spans carry the key; a span that carries it with two
	// types counts twice.
	Spans uint64
}

// Keys lists attribute keys, by scope and key.
func Keys(ctx context.Context, snap scan.Snapshot, q KeyQuery, limits Limits) ([]AttributeKey, Stats, error) {
	r := start(ctx, snap, limits)
	defer r.release()
	out, err := r.keys(q)
	if err != nil {
		return nil, Stats{}, err
	}
	if len(out) > q.Limit {
		out = out[:q.Limit]
		r.tooMany(q.Limit, "keys")
	}
	return out, r.finish(), nil
}

// keys is all keys, whatever their number, up to the limit on names.
func (r *run) keys(q KeyQuery) ([]AttributeKey, error) {
	type name struct {
		scope scan.Scope
		key   string
	}
	found := map[name]*AttributeKey{}
	for _, s := range r.sources {
		if ok, err := r.more(); err != nil {
			return nil, err
		} else if !ok {
			break
		}
		err := s.Keys(func(k scan.Key) {
			if q.Scope != scan.ScopeAny && k.Scope != q.Scope || !strings.HasPrefix(k.Key, q.Prefix) {
				return
			}
			a := found[name{k.Scope, k.Key}]
			if a == nil {
				if len(found) >= r.limits.Names {
					r.tooMany(r.limits.Names, "keys")
					return
				}
				a = &AttributeKey{Scope: k.Scope, Key: k.Key}
				found[name{k.Scope, k.Key}] = a
			}
			a.Spans += k.Spans
			if !slices.Contains(a.Types, k.Type) {
				a.Types = append(a.Types, k.Type)
			}
		})
		if err != nil {
			r.damaged("list keys", err)
		}
	}
	out := make([]AttributeKey, 0, len(found))
	for _, a := range found {
		slices.Sort(a.Types)
		out = append(out, *a)
	}
	slices.SortFunc(out, func(a, b AttributeKey) int {
		return cmp.Or(cmp.Compare(a.Scope, b.Scope), cmp.Compare(a.Key, b.Key))
	})
	return out, nil
}
