package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// aggregateResult is how fast one kind of summary was made, over all spans of
// a store.
type aggregateResult struct {
	Question string    `json:"question"`
	Times    quantiles `json:"times"`
	Groups   int       `json:"groups"` // or series
	Goal     float64   `json:"goal"`   // of PerCPU
	// PerCPU is how many spans a second of processor time passes.
	PerCPU float64 `json:"spansPerCPUSecond"`
}

// aggregations are so often asked, which is enough for their processor time
// to be many times the clock's unit.
const aggregations = 50

// summary is something to compute of all spans.
type summary struct {
	name string
	path string // below the API's root
	goal float64
}

func summaries(f *filled) []summary {
	by := func(name, query, field string) summary {
		return summary{name, "/aggregate?" + url.Values{"q": {query}, "by": {field}}.Encode(), goalAggregate}
	}
	series := func(name, query string) summary {
		times := url.Values{"q": {query}, "start": {f.oldest}, "end": {f.newest}}
		return summary{name, "/metrics/range?" + times.Encode(), goalMetrics}
	}
	return []summary{
		by("all spans by operation", `{}`, "operation"),
		by("errors by service", `{ status = error }`, "resource.service.name"),
		by("a route by status code", `{ span.http.route = "/checkout" }`, "span.http.response.status_code"),
		by("slow spans of a service by name", `{ resource.service.name = "payment" && duration > 100ms }`, "name"),
		series("rate", `{} | rate()`),
		series("rate by service", `{} | rate() by (resource.service.name)`),
		series("rate of root spans", `{ nestedSetParent < 0 } | rate()`),
		series("rate of a structure", `{ resource.service.name = "gateway" } >> { status = error } | rate()`),
		series("quantiles by service", `{} | quantile_over_time(duration, 0.5, 0.9, 0.99) by (resource.service.name)`),
		series("histogram", `{} | histogram_over_time(duration)`),
		series("errors compared with the rest", `{} | compare({ status = error }, 10)`),
	}
}

// aggregate measures all summaries on a running server.
func (r *run) aggregate(ctx context.Context, s *server, f *filled) ([]*aggregateResult, error) {
	client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1, DisableCompression: true}}
	defer client.CloseIdleConnections()
	var results []*aggregateResult
	for _, a := range summaries(f) {
		r.say("  %s", a.name)
		res := &aggregateResult{Question: a.name, Goal: a.goal}
		var err error
		if res.Groups, err = groups(ctx, client, s, a.path); err != nil { // and so the caches are warm
			return nil, err
		}
		times, cpu, err := repeat(s, func() error { _, err := groups(ctx, client, s, a.path); return err })
		if err != nil {
			return nil, err
		}
		res.PerCPU = float64(f.spans) / cpu.Seconds()
		res.Times = quantilesOf(times)
		results = append(results, res)
	}
	return results, nil
}

// repeat asks a server the same many times. cpu is the processor time that it
// took for each, at least what its clock can tell.
func repeat(s *server, ask func() error) (times []time.Duration, cpu time.Duration, err error) {
	before, err := cpuOf(s.pid())
	if err != nil {
		return nil, 0, err
	}
	for begin := time.Now(); len(times) < aggregations && (time.Since(begin) < slow || len(times) < 5); {
		sent := time.Now()
		if err := ask(); err != nil {
			return nil, 0, err
		}
		times = append(times, time.Since(sent))
	}
	after, err := cpuOf(s.pid())
	return times, max(after-before, time.Second/userHertz) / time.Duration(len(times)), err
}

// groups asks once and returns how many groups or series there are in the
// answer.
func groups(ctx context.Context, client *http.Client, s *server, path string) (int, error) {
	status, body, err := get(ctx, client, "http://"+s.http+apiRoot+path)
	if err != nil {
		return 0, err
	}
	var answer struct {
		Groups []json.RawMessage `json:"groups"`
		Series []json.RawMessage `json:"series"`
		Stats  struct {
			Complete bool `json:"complete"`
		} `json:"stats"`
	}
	if status != http.StatusOK {
		return 0, fmt.Errorf("ask %s: status %d: %.300s", path, status, body)
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return 0, fmt.Errorf("parse answer to %s: %w", path, err)
	}
	n := len(answer.Groups) + len(answer.Series)
	if !answer.Stats.Complete || n == 0 {
		return 0, fmt.Errorf("ask %s: incomplete or without groups: %.300s", path, body)
	}
	return n, nil
}

func (set *querySet) aggregateTable() table {
	t := table{
		title:  fmt.Sprintf("Summaries of %s spans", grouped(set.Spans)),
		note:   "Counts, errors and quantiles of durations by group, and series over all the time, caches warm. Spans a CPU second are those of the store, read or not.",
		header: []string{"summary", "p50", "p99", "groups or series", "M spans a CPU second"},
	}
	for _, a := range set.Aggregates {
		t.rows = append(t.rows, []string{a.Question, milliseconds(a.Times.P50), milliseconds(a.Times.P99), fmt.Sprint(a.Groups), fmt.Sprintf("%.1f", a.PerCPU/1e6)})
	}
	return t
}
