package zipkin

import (
	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/zipkinjson"
)

// maxNames bounds the lists that a person chooses from.
const maxNames = 10_000

func (a *api) services(q *request) error {
	return a.snapshot(func(snap scan.Snapshot) error {
		services, stats, err := exec.Services(q.Context(), snap, a.Limits)
		if err != nil {
			return err
		}
		a.note(q, stats)
		names := make([]string, len(services))
		for i, s := range services {
			names[i] = zipkinjson.ServiceName(s.Name)
		}
		q.body = appendNames(q.body, names)
		return nil
	})
}

// spanNames lists what a service does.
func (a *api) spanNames(q *request) error {
	service, err := q.params.needed("serviceName")
	if err != nil {
		return err
	}
	return a.snapshot(func(snap scan.Snapshot) error {
		var names []string
		spellings := []string{service}
		if service == zipkinjson.UnknownService {
			spellings = append(spellings, "")
		}
		for _, s := range spellings {
			ops, stats, err := exec.Operations(q.Context(), snap, &s, a.Limits)
			if err != nil {
				return err
			}
			a.note(q, stats)
			for _, op := range ops {
				if op.Name != "" {
					names = append(names, op.Name)
				}
			}
		}
		q.body = appendNames(q.body, names)
		return nil
	})
}

// autocompleteKeys lists the attributes that Lens proposes to search by. In
// Zipkin the operator chooses them; here they are all there are.
func (a *api) autocompleteKeys(q *request) error {
	return a.snapshot(func(snap scan.Snapshot) error {
		var names []string
		for _, scope := range []scan.Scope{scan.ScopeSpan, scan.ScopeResource} {
			keys, stats, err := exec.Keys(q.Context(), snap, exec.KeyQuery{Scope: scope, Limit: maxNames}, a.Limits)
			if err != nil {
				return err
			}
			a.note(q, stats)
			for _, k := range keys {
				if k.Key != telemetry.ServiceNameKey { // it is no tag
					names = append(names, k.Key)
				}
			}
		}
		q.body = appendNames(q.body, names)
		return nil
	})
}

func (a *api) autocompleteValues(q *request) error {
	key, err := q.params.needed("key")
	if err != nil {
		return err
	}
	return a.snapshot(func(snap scan.Snapshot) error {
		want := exec.ValueQuery{Field: scan.Field{Scope: scan.ScopeAny, Key: key}, Limit: maxNames}
		values, stats, err := exec.Values(q.Context(), snap, want, a.Limits)
		if err != nil {
			return err
		}
		a.note(q, stats)
		names := make([]string, len(values))
		for i, v := range values {
			names[i] = v.Value
		}
		q.body = appendNames(q.body, names)
		return nil
	})
}
