package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// analysisResult is how fast an analysis of all spans of a store is made, or a
// list of names that the UIs of other tools ask for with every page.
type analysisResult struct {
	Question string        `json:"question"`
	Times    quantiles     `json:"times"`
	CPU      time.Duration `json:"cpuNanoseconds"` // of the server, of one answer
	Bytes    int           `json:"bytes"`          // of the answer
	// Sampled is one of how many traces was read; 1: all that were needed.
	Sampled uint64 `json:"sampledOneOf"`
}

// analyses are paths by what they are.
func analyses(f *filled) [][2]string {
	of := func(name string, more ...string) string {
		v := url.Values{"q": {"{}"}, "start": {f.oldest}, "end": {f.newest}}
		for i := 0; i < len(more); i += 2 {
			v.Set(more[i], more[i+1])
		}
		return apiRoot + "/analysis/" + name + "?" + v.Encode()
	}
	return [][2]string{
		{"service graph", of("service-graph")},
		{"critical paths", of("critical-path")},
		{"flame graph", of("flame-graph")},
		{"heat map", of("heat-map")},
		{"top values of a route", of("top-values", "by", "span.http.route")},
		{"top values of a name", of("top-values", "by", "name")},
		{"Jaeger: services", "/api/services"},
		{"Jaeger: operations of a service", "/api/v3/operations?service=checkout"},
		{"Zipkin: services", "/zipkin/api/v2/services"},
		{"Zipkin: spans of a service", "/zipkin/api/v2/spans?serviceName=checkout"},
		{"Zipkin: remote services of a service", "/zipkin/api/v2/remoteServices?serviceName=checkout"},
	}
}

// analyse measures all analyses on a running server.
func (r *run) analyse(ctx context.Context, s *server, f *filled) ([]*analysisResult, error) {
	client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1, DisableCompression: true}}
	defer client.CloseIdleConnections()
	var results []*analysisResult
	for _, a := range analyses(f) {
		r.say("  %s", a[0])
		res := &analysisResult{Question: a[0]}
		ask := func() error { return res.ask(ctx, client, "http://"+s.http+a[1]) }
		if err := ask(); err != nil { // and so the caches are warm
			return nil, err
		}
		times, cpu, err := repeat(s, ask)
		if err != nil {
			return nil, err
		}
		res.Times, res.CPU = quantilesOf(times), cpu
		results = append(results, res)
	}
	return results, nil
}

func (res *analysisResult) ask(ctx context.Context, client *http.Client, url string) error {
	status, body, err := get(ctx, client, url)
	if err != nil {
		return err
	}
	if status != http.StatusOK || len(body) < len(`["a"]`) {
		return fmt.Errorf("ask %s: status %d: %.300s", url, status, body)
	}
	res.Bytes, res.Sampled = len(body), 1
	if body[0] != '{' {
		return nil // a list of names
	}
	var answer struct {
		SampledOneOf uint64 `json:"sampledOneOf"`
		Stats        *struct {
			Complete bool `json:"complete"`
		} `json:"stats"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return fmt.Errorf("parse answer to %s: %w", url, err)
	}
	if answer.Stats != nil && !answer.Stats.Complete {
		return fmt.Errorf("ask %s: incomplete: %.300s", url, body)
	}
	res.Sampled = max(1, answer.SampledOneOf)
	return nil
}

func (set *querySet) analysisTable() table {
	t := table{
		title: fmt.Sprintf("Analyses and names of %s spans", grouped(set.Spans)),
		note: "Analyses of all spans, and lists of names that UIs ask for with every page, caches warm. Spans a CPU second are those of the store," +
			" read or not; of many traces critical paths and flame graphs read one of some.",
		header: []string{"answer", "p50", "p99", "CPU", "read one trace of", "M spans a CPU second"},
	}
	for _, a := range set.Analyses {
		t.rows = append(t.rows, []string{a.Question, milliseconds(a.Times.P50), milliseconds(a.Times.P99), milliseconds(a.CPU),
			fmt.Sprint(a.Sampled), fmt.Sprintf("%.1f", float64(set.Spans)/max(a.CPU, 1).Seconds()/1e6)})
	}
	return t
}
