package native

import (
	"net/http"
	"unicode/utf8"

	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/query/traceql"
	"github.com/kiseki-dev/kiseki/storage/scan"
)

// appendList appends the answer {"name": [items], "stats": …}.
func appendList[T any](dst []byte, name string, items []T, stats exec.Stats, item func([]byte, T) []byte) []byte {
	dst = append(append(append(dst, `{"`...), name...), `":[`...)
	for i, x := range items {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = item(dst, x)
	}
	return append(appendStats(append(dst, `],"stats":`...), stats), '}')
}

func (a *api) listServices(q *request) error {
	if err := q.params.done(); err != nil {
		return err
	}
	return a.snapshot(func(snap scan.Snapshot) error {
		services, stats, err := exec.Services(q.Context(), snap, a.Limits)
		if err != nil {
			return err
		}
		a.note(q, stats)
		q.body = appendList(q.body, "services", services, stats, func(dst []byte, s exec.Service) []byte {
			return appendCounts(appendString(append(dst, `{"name":`...), s.Name), s.Spans, s.Errors)
		})
		return nil
	})
}

func (a *api) listOperations(q *request) error {
	var service *string
	if s, ok := q.params.text("service", 1024); ok {
		service = &s
	}
	if err := q.params.done(); err != nil {
		return err
	}
	return a.snapshot(func(snap scan.Snapshot) error {
		ops, stats, err := exec.Operations(q.Context(), snap, service, a.Limits)
		if err != nil {
			return err
		}
		a.note(q, stats)
		q.body = appendList(q.body, "operations", ops, stats, func(dst []byte, op scan.Operation) []byte {
			dst = appendString(append(dst, `{"service":`...), op.Service)
			dst = appendStringField(dst, "name", op.Name)
			return appendCounts(appendStringField(dst, "kind", op.Kind.String()), op.Spans, op.Errors)
		})
		return nil
	})
}

// scopeNames are the scopes of attribute keys.
var scopeNames = map[scan.Scope]string{
	scan.ScopeSpan: "span", scan.ScopeResource: "resource", scan.ScopeInstrumentation: "instrumentation",
	scan.ScopeEvent: "event", scan.ScopeLink: "link",
}

func (a *api) listKeys(q *request) error {
	want := exec.KeyQuery{Scope: scan.ScopeAny, Limit: q.params.integer("limit", 10000, 1000)}
	want.Prefix, _ = q.params.text("prefix", 1024)
	scope := q.params.choice("scope", "", "span", "resource", "instrumentation", "event", "link")
	if err := q.params.done(); err != nil {
		return err
	}
	for s, name := range scopeNames {
		if name == scope {
			want.Scope = s
		}
	}
	return a.snapshot(func(snap scan.Snapshot) error {
		keys, stats, err := exec.Keys(q.Context(), snap, want, a.Limits)
		if err != nil {
			return err
		}
		a.note(q, stats)
		q.body = appendList(q.body, "attributes", keys, stats, func(dst []byte, k exec.AttributeKey) []byte {
			dst = appendString(append(dst, `{"scope":`...), scopeNames[k.Scope])
			dst = appendStringField(dst, "key", k.Key)
			dst = append(dst, `,"types":[`...)
			for i, t := range k.Types {
				if i > 0 {
					dst = append(dst, ',')
				}
				dst = appendString(dst, t.String())
			}
			return append(appendIntField(append(dst, ']'), "spanCount", int64(k.Spans)), '}')
		})
		return nil
	})
}

func (a *api) listValues(q *request) error {
	want := exec.ValueQuery{Limit: q.params.integer("limit", 1000, 100)}
	want.Prefix, _ = q.params.text("prefix", 1024)
	if err := q.params.done(); err != nil {
		return err
	}
	text := q.PathValue("field")
	if utf8.RuneCountInString(text) > 1024 {
		return badParameter("field", "The field is longer than 1024 characters.")
	}
	f, err := traceql.ParseField(text)
	if err != nil {
		return parseProblem("field", err)
	}
	if !listable(f) {
		return &problem{
			Status: http.StatusBadRequest, Title: "Invalid parameter field", Detail: "The values of " + f.String() + " cannot be listed.",
			Expected: "an attribute, name, kind, status, statusMessage, event:name, instrumentation:name or instrumentation:version",
		}
	}
	want.Field = f.Field
	return a.snapshot(func(snap scan.Snapshot) error {
		values, stats, err := exec.Values(q.Context(), snap, want, a.Limits)
		if err != nil {
			return err
		}
		a.note(q, stats)
		q.body = appendList(q.body, "values", values, stats, func(dst []byte, v exec.ValueCount) []byte {
			dst = appendString(append(dst, `{"value":`...), v.Value)
			if v.Spans > 0 {
				dst = appendIntField(dst, "spanCount", int64(v.Spans))
			}
			return append(dst, '}')
		})
		return nil
	})
}

// listable reports whether f has values worth listing, unlike ids and times.
func listable(f traceql.Field) bool {
	if f.Scope != scan.ScopeIntrinsic {
		return true
	}
	switch f.Intrinsic {
	case scan.IntrinsicName, scan.IntrinsicKind, scan.IntrinsicStatus, scan.IntrinsicStatusMessage,
		scan.IntrinsicEventName, scan.IntrinsicScopeName, scan.IntrinsicScopeVersion:
		return true
	}
	return false
}
