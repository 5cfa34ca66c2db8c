package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/kiseki-dev/kiseki/telemetry"
)

// mixedResult is what questions and ingestion cost each other on one server.
type mixedResult struct {
	Stored    int        `json:"storedSpans"` // before the first of the loads
	PerSecond int        `json:"questionsPerSecond"`
	Questions quantiles  `json:"questions"` // without a load
	Alone     *mixedLoad `json:"alone"`     // a load without questions
	Queried   *mixedLoad `json:"queried"`   // another with them
}

// mixedLoad is one load of a [mixedResult].
type mixedLoad struct {
	Spans          int       `json:"spans"`
	SpansPerSecond float64   `json:"spansPerSecond"`
	Acks           quantiles `json:"acks"`
	Questions      quantiles `json:"questions"` // asked meanwhile
}

// questionsPerSecond are asked at fixed times, so that a slow answer delays
// no other question and its full delay counts.
const questionsPerSecond = 50

// questionsFor is how long questions are asked without a load.
const questionsFor = 10 * time.Second

// measureMixed fills a store, asks, loads, and does both at once.
func (r *run) measureMixed(ctx context.Context) (*mixedResult, error) {
	dir, remove, err := temporaryFolder()
	if err != nil {
		return nil, err
	}
	defer remove()
	filled, err := r.fill(ctx, dir, r.loadSize(), (*server).awaitFlush)
	if err != nil {
		return nil, err
	}
	s, err := startServer(ctx, r.binary, dir)
	if err != nil {
		return nil, err
	}
	defer s.kill()
	r.say("ask without ingestion")
	ask := asker{base: "http://" + s.http + apiRoot, ids: filled.ids}
	res := &mixedResult{Stored: filled.spans, PerSecond: questionsPerSecond}
	until, cancel := context.WithTimeout(ctx, questionsFor)
	res.Questions, err = ask.run(until)
	cancel()
	if err != nil {
		return nil, err
	}
	r.say("ingest %s spans without questions", grouped(r.loadSize()))
	if res.Alone, err = r.mixedLoad(ctx, s, seedAlone, nil); err != nil {
		return nil, err
	}
	r.say("ingest %s spans with questions", grouped(r.loadSize()))
	if res.Queried, err = r.mixedLoad(ctx, s, seedQueried, &ask); err != nil {
		return nil, err
	}
	return res, s.stop()
}

// mixedLoad sends spans and, with an asker, asks until all are acknowledged.
func (r *run) mixedLoad(ctx context.Context, s *server, seed uint64, ask *asker) (*mixedLoad, error) {
	requests, spans, err := makeRequests(seed, r.loadSize())
	if err != nil {
		return nil, err
	}
	res := &mixedLoad{Spans: spans}
	asking, cancel := context.WithCancel(ctx)
	defer cancel()
	asked := make(chan error, 1)
	go func() {
		var err error
		if ask != nil {
			res.Questions, err = ask.run(asking)
		}
		asked <- err
	}()
	l, err := load(ctx, feed(requests, r.say), httpSenders(s.otlpHTTP, r.connections, ""))
	cancel()
	if err := errors.Join(err, <-asked); err != nil {
		s.kill() // so that its log is complete
		return nil, fmt.Errorf("%w\n%s", err, s.log)
	}
	res.Acks, res.SpansPerSecond = l.acks, float64(spans)/l.elapsed.Seconds()
	return res, nil
}

// asker asks a mixture of questions.
type asker struct {
	base string
	ids  []telemetry.TraceID
}

// path is the question number i: a trace by its ID and two searches in turn.
func (a *asker) path(rng *rand.Rand, i int) string {
	services := []string{"storefront", "checkout", "payment", "gateway"}
	service := services[i/3%len(services)]
	switch i % 3 {
	case 0:
		return "/traces/" + a.ids[rng.IntN(len(a.ids))].String()
	case 1:
		return "/traces?limit=20&q=" + url.QueryEscape(fmt.Sprintf(`{ resource.service.name = "%s" }`, service))
	}
	return "/traces?limit=20&q=" + url.QueryEscape(fmt.Sprintf(`{ resource.service.name = "%s" && status = error && duration > 100ms }`, service))
}

// run asks at fixed times until ctx ends, and waits for the last answers.
func (a *asker) run(ctx context.Context) (quantiles, error) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 32, DisableCompression: true}, Timeout: time.Minute}
	defer client.CloseIdleConnections()
	rng := rand.New(rand.NewPCG(seed, 2))
	var wg sync.WaitGroup
	var mu sync.Mutex // guards what follows
	var times []time.Duration
	var failed error
	begin := time.Now()
	for i := 0; ; i++ {
		due := begin.Add(time.Duration(i) * time.Second / questionsPerSecond)
		select {
		case <-time.After(time.Until(due)):
		case <-ctx.Done():
			wg.Wait()
			return quantilesOf(times), failed
		}
		path := a.path(rng, i)
		wg.Go(func() {
			status, body, err := get(context.WithoutCancel(ctx), client, a.base+path)
			took := time.Since(due)
			if err == nil {
				_, _, err = judge(status, body)
			}
			mu.Lock()
			defer mu.Unlock()
			times = append(times, took)
			if err != nil {
				failed = fmt.Errorf("ask %s: %w", path, err)
			}
		})
	}
}
