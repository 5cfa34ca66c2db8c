package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/kiseki-dev/kiseki/telemetry"
)

// queryResult is how long one kind of question took over the HTTP API, one
// at a time over one kept connection.
type queryResult struct {
	Question string    `json:"question"`
	Example  string    `json:"example"`
	Times    quantiles `json:"times"`
	Goal     latency   `json:"goal"`
	// Answers is the mean number of traces in an answer, and Scanned the mean
	// share of the stored spans that were read for it.
	Answers float64 `json:"answers"`
	Scanned float64 `json:"scanned"`
}

// question is something to ask many times in different words.
type question struct {
	name string
	n    int
	path func(i int) string // below the API's root
	goal latency
	// empty is whether the answer must have no traces; otherwise some must.
	empty bool
}

// The numbers of lookups and searches are enough for a p999 and a p99. Few is
// for what reads every trace.
const (
	lookups  = 2000
	searches = 200
	few      = 5
)

// serviceSearch is the place of the search for the newest traces of a service in
// the list of questions, and a trace by its ID is the first.
const serviceSearch = 3

func questions(ids []telemetry.TraceID, users []string) []question {
	rng := rand.New(rand.NewPCG(seed, 1))
	known := func(format string) func(int) string {
		return func(int) string { return "/traces/" + ids[rng.IntN(len(ids))].String() + format }
	}
	return slices.Concat([]question{
		{name: "trace by ID, found, OTLP/JSON", n: lookups, goal: goalByID, path: known("")},
		{name: "trace by ID, found, as the UI reads it", n: lookups, goal: goalByID, path: known("?format=columns")},
		{name: "trace by ID, not there", n: lookups, goal: goalByID, empty: true, path: func(int) string {
			var id telemetry.TraceID
			for i := range id {
				id[i] = byte(rng.Uint32())
			}
			return "/traces/" + id.String()
		}},
		{name: "newest 20 of a service", n: searches, goal: goalSearch, path: search(`{ resource.service.name = "%s" }`, "storefront", "checkout", "payment", "notification")},
		{name: "service and a rare attribute value", n: searches, goal: goalSearch, path: search(`{ resource.service.name = "gateway" && span.user.id = "%s" }`, users...)},
		{name: "service, error and duration", n: searches, goal: goalSearch, path: search(`{ resource.service.name = "%s" && status = error && duration > 100ms }`, "gateway", "checkout", "payment")},
		{name: "attribute only", n: searches, goal: goalSearch, path: search(`{ span.http.route = "%s" }`, "/checkout", "/orders/{id}", "/login")},
		{name: "rare attribute value only", n: searches, goal: goalSearch, path: search(`{ span.user.id = "%s" }`, users...)},
		{name: "no match", n: searches, goal: goalSearch, empty: true, path: search(`{ span.user.id = "nobody" }`)},
		{name: "no match on many values", n: searches, goal: goalSearch, empty: true, path: search(`{ span.db.query.text = "SELECT 1" }`)},
		{name: "regular expression on names", n: searches, goal: goalSearch, path: search(`{ name =~ "%s" }`, "POST /ch.*", ".*[Tt]rack")},
		{name: "regular expression on SQL, rare", n: searches, goal: goalSearch, path: search(`{ span.db.query.text =~ ".*product_id = 1%s[0-9]{3} .*" }`, "77", "99", "55")},
	}, pipelines(users))
}

// search is the path of a search for the newest 20, with the values in turn.
func search(format string, values ...string) func(int) string {
	return func(i int) string {
		q := format
		if len(values) > 0 {
			q = fmt.Sprintf(format, values[i%len(values)])
		}
		return "/traces?limit=20&q=" + url.QueryEscape(q)
	}
}

// pipelines are questions about whole traces.
func pipelines(users []string) []question {
	return []question{
		{name: "structure", n: searches, goal: goalSearch, path: search(`{ resource.service.name = "%s" } >> { status = error }`, "gateway", "checkout", "payment")},
		{name: "structure, rare", n: searches, goal: goalRare, path: search(`{ resource.service.name = "gateway" && span.user.id = "%s" } >> { kind = client }`, users...)},
		{name: "structure, no match", n: few, goal: goalNone, empty: true, path: search(`{ resource.service.name = "notification" } >> { resource.service.name = "storefront" }`)},
		{name: "structure, no left side", n: few, goal: goalNone, empty: true, path: search(`{ span.user.id = "nobody" } >> { status = error }`)},
		{name: "two sets of spans", n: searches, goal: goalSearch, path: search(`{ resource.service.name = "%s" } && { status = error }`, "gateway", "checkout", "payment")},
		{name: "groups and counts", n: searches, goal: goalSearch, path: search(`{ resource.service.name = "%s" } | by(name) | count() > 1`, "gateway", "checkout", "catalog")},
		{name: "relation to the trace", n: searches, goal: goalSearch, path: search(`{ duration > traceDuration / 2 }`)},
		{name: "selected fields", n: searches, goal: goalSearch, path: search(`{ status = error } | select(span.http.route, resource.service.name)`)},
		{name: "root spans with errors", n: searches, goal: goalSearch, path: search(`{ nestedSetParent < 0 && status = error }`)},
	}
}

// ask measures all questions on a running server with everything in the page
// cache and the server's own caches as warm as a tenth of the questions makes
// them.
func (r *run) ask(ctx context.Context, s *server, f *filled) ([]*queryResult, error) {
	client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1, DisableCompression: true}}
	defer client.CloseIdleConnections()
	var results []*queryResult
	for _, q := range questions(f.ids, f.users) {
		r.say("  %s", q.name)
		res, err := q.measure(ctx, client, "http://"+s.http+apiRoot)
		if err != nil {
			return nil, fmt.Errorf("ask for %s: %w", q.name, err)
		}
		results = append(results, res)
	}
	return results, nil
}

// apiRoot is what all paths of the native API begin with.
const apiRoot = "/api/kiseki/v1"

// slow ends a question early: after this time what was measured must do.
const slow = 30 * time.Second

func (q *question) measure(ctx context.Context, client *http.Client, base string) (*queryResult, error) {
	res := &queryResult{Question: q.name, Goal: q.goal}
	var times []time.Duration
	answers, scanned := 0, 0.0
	begin := time.Now()
	for i := -q.n / 10; i < q.n && (time.Since(begin) < slow || len(times) < min(q.n, 20)); i++ {
		path := q.path(i + q.n)
		sent := time.Now()
		status, body, err := get(ctx, client, base+path)
		took := time.Since(sent)
		if err != nil {
			return nil, err
		}
		n, share, err := judge(status, body)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if i < 0 {
			continue
		}
		times = append(times, took)
		answers += n
		scanned += share
		res.Example = path
	}
	if q.empty != (answers == 0) {
		return nil, fmt.Errorf("%d traces in the answers, the last to %s", answers, res.Example)
	}
	res.Answers, res.Scanned = float64(answers)/float64(len(times)), scanned/float64(len(times))
	res.Times = quantilesOf(times)
	return res, nil
}

func get(ctx context.Context, client *http.Client, url string) (status int, body []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	return resp.StatusCode, body, err
}

// judge is the number of traces in an answer and the share of spans scanned
// for it. A trace that is not there is an answer too; an incomplete search is
// an error, for its time means nothing.
func judge(status int, body []byte) (traces int, scanned float64, err error) {
	if status == http.StatusNotFound {
		return 0, 0, nil
	}
	if status != http.StatusOK {
		return 0, 0, fmt.Errorf("status %d: %.300s", status, body)
	}
	var answer struct {
		Traces []json.RawMessage `json:"traces"`
		Stats  *struct {
			Complete bool    `json:"complete"`
			Scanned  float64 `json:"scannedSpans"`
			Total    float64 `json:"totalSpans"`
		} `json:"stats"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return 0, 0, fmt.Errorf("parse answer: %w", err)
	}
	if answer.Stats != nil {
		if !answer.Stats.Complete {
			return 0, 0, fmt.Errorf("incomplete answer: %.300s", body)
		}
		scanned = answer.Stats.Scanned / max(answer.Stats.Total, 1)
	}
	if answer.Traces == nil && len(body) > 100 {
		return 1, scanned, nil // the trace itself
	}
	return len(answer.Traces), scanned, nil
}
