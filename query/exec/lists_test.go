package exec_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/storage/scan/scantest"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// listed is a few spans with keys of several scopes and types.
func listed(t *testing.T) *telemetry.Batch {
	b := &telemetry.Batch{}
	for _, line := range []string{
		"a/1 web GET 0+1 server ok span.http.status=200 resource.region=eu",
		"a/2 web GET 0+1 server error span.http.status=500 span.http.route=/a",
		"a/3 db SELECT 0+1 client ok span.region=us event:name=e event.region=eu",
		"b/1 web GET 0+1 client error span.http.status=ok span.http.route=/a",
		"b/2 web GET 0+1 server ok span.http.status=200 span.http.route=/b",
	} {
		addSpan(t, b, line)
	}
	return b
}

// everyLayout runs f over several layouts of the same spans; each must give
// the same text.
func everyLayout(t *testing.T, want string, f func(scan.Snapshot) (any, exec.Stats, error)) {
	t.Helper()
	b := listed(t)
	stores := []scan.Store{scantest.New(b)}
	for seed := range uint64(5) {
		stores = append(stores, scantest.Split(b, rand.New(rand.NewPCG(seed, 5)), 3, 2))
	}
	for i, store := range stores {
		got, stats, err := f(store.Snapshot())
		if text := strings.TrimSpace(fmt.Sprintln(got, stats.Reason)); err != nil || text != want {
			t.Errorf("layout %d: %v\ngot  %s\nwant %s", i, err, text, want)
		}
	}
}

func TestOperations(t *testing.T) {
	everyLayout(t, "[{db SELECT client 1 0} {web GET server 3 1} {web GET client 1 1}]", func(s scan.Snapshot) (any, exec.Stats, error) {
		return threeOf(exec.Operations(t.Context(), s, nil, exec.DefaultLimits))
	})
	db := "db"
	everyLayout(t, "[{db SELECT client 1 0}]", func(s scan.Snapshot) (any, exec.Stats, error) {
		return threeOf(exec.Operations(t.Context(), s, &db, exec.DefaultLimits))
	})
	everyLayout(t, "[{db 1 0} {web 4 2}]", func(s scan.Snapshot) (any, exec.Stats, error) {
		return threeOf(exec.Services(t.Context(), s, exec.DefaultLimits))
	})
}

func threeOf[T any](list []T, stats exec.Stats, err error) (any, exec.Stats, error) {
	return list, stats, err
}

func TestKeys(t *testing.T) {
	for want, q := range map[string]exec.KeyQuery{
		"[{1 http.route [string] 3} {1 http.status [string int] 4} {1 region [string] 1} {2 region [string] 1} {2 service.name [string] 5} {4 region [string] 1}]": {Scope: scan.ScopeAny, Limit: 10},
		"[{1 region [string] 1} {2 region [string] 1} {4 region [string] 1}]":                                                                                      {Scope: scan.ScopeAny, Prefix: "reg", Limit: 10},
		"[{2 region [string] 1} {2 service.name [string] 5}]":                                                                                                      {Scope: scan.ScopeResource, Limit: 2},
		"[{1 http.route [string] 3} {1 http.status [string int] 4}] there are more than 2 keys":                                                                    {Scope: scan.ScopeAny, Limit: 2},
	} {
		everyLayout(t, want, func(s scan.Snapshot) (any, exec.Stats, error) {
			return threeOf(exec.Keys(t.Context(), s, q, exec.DefaultLimits))
		})
	}
}

func TestValues(t *testing.T) {
	span := func(key string) scan.Field { return scan.Field{Scope: scan.ScopeSpan, Key: key} }
	for want, q := range map[string]exec.ValueQuery{
		"[{/a 2} {/b 1}]":                        {Field: span("http.route"), Limit: 10},
		"[{200 2} {500 1} {ok 1}]":               {Field: span("http.status"), Limit: 10},
		"[{/b 1}]":                               {Field: span("http.route"), Prefix: "/b", Limit: 10},
		"[{server 3} {client 2}]":                {Field: scan.Field{Intrinsic: scan.IntrinsicKind}, Limit: 10},
		"[{eu 0} {us 0}]":                        {Field: scan.Field{Scope: scan.ScopeAny, Key: "region"}, Limit: 10},
		"[{eu 0}]":                               {Field: scan.Field{Scope: scan.ScopeAny, Key: "region"}, Prefix: "e", Limit: 10},
		"[{/a 2}]":                               {Field: scan.Field{Scope: scan.ScopeAny, Key: "http.route"}, Prefix: "/a", Limit: 10},
		"[]":                                     {Field: span("nothing"), Limit: 10},
		"[{GET 4}] there are more than 1 values": {Field: scan.Field{Intrinsic: scan.IntrinsicName}, Limit: 1},
	} {
		everyLayout(t, want, func(s scan.Snapshot) (any, exec.Stats, error) {
			return threeOf(exec.Values(t.Context(), s, q, exec.DefaultLimits))
		})
	}
}

// TestNamesLimit: a client that makes up names without end cannot fill the
// memory.
func TestNamesLimit(t *testing.T) {
	limits := exec.DefaultLimits
	limits.Names = 1
	snap := scantest.New(listed(t)).Snapshot()
	ops, stats, err := exec.Operations(t.Context(), snap, nil, limits)
	if err != nil || len(ops) != 1 || stats.Complete || stats.Reason != "there are more than 1 operations" {
		t.Errorf("operations: %v, %v, %+v", err, ops, stats)
	}
	values, stats, err := exec.Values(t.Context(), snap, exec.ValueQuery{Field: scan.Field{Intrinsic: scan.IntrinsicName}, Limit: 10}, limits)
	if err != nil || len(values) != 1 || stats.Complete {
		t.Errorf("values: %v, %v, %+v", err, values, stats)
	}
	keys, stats, err := exec.Keys(t.Context(), snap, exec.KeyQuery{Scope: scan.ScopeAny, Limit: 10}, limits)
	if err != nil || len(keys) != 1 || stats.Complete {
		t.Errorf("keys: %v, %v, %+v", err, keys, stats)
	}
}
