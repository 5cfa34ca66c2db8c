package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/gzip"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"

	"github.com/kiseki-dev/kiseki/bench/corpus"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// spansPerRequest is the least an exporter sends at once; only the last
// request of each pod has fewer.
const spansPerRequest = 300

// The seeds make every run send the same spans but for their time: those to
// be stored first, and two loads more of other spans.
const (
	seed = 42 + iota
	seedAlone
	seedQueried
)

// tracesPerSecond spreads a million spans over about ten minutes.
const tracesPerSecond = 80

// corpusFor makes a generator whose last spans are about now, so that
// retention leaves them alone.
func corpusFor(seed uint64, spans int) *corpus.Generator {
	const spansPerTrace = 17
	length := time.Duration(float64(spans) / spansPerTrace / tracesPerSecond * float64(time.Second))
	return corpus.New(corpus.Options{Seed: seed, Start: time.Now().Add(-length - time.Minute), TracesPerSecond: tracesPerSecond})
}

// makeRequests encodes all traces of about that many spans.
func makeRequests(seed uint64, spans int) (requests [][]byte, made int, err error) {
	g := corpusFor(seed, spans)
	err = eachRequest(g, spans, func(body []byte) error { requests = append(requests, body); return nil })
	return requests, g.Spans(), err
}

// eachRequest calls f with the requests of all traces of about that many
// spans. The memory of a request is f's.
func eachRequest(g *corpus.Generator, spans int, f func([]byte) error) error {
	for g.Spans() < spans {
		if err := f(g.OTLP(nil, spansPerRequest)); err != nil {
			return err
		}
	}
	for {
		body := g.Flush(nil)
		if len(body) == 0 {
			return nil
		}
		if err := f(body); err != nil {
			return err
		}
	}
}

// sender sends one request and returns when it is acknowledged. A sender is
// used by one goroutine.
type sender func(ctx context.Context, body []byte) error

// retryError is a server's wish to get the request again later.
type retryError struct{ after time.Duration }

func (e retryError) Error() string { return "the server asks to send again later" }

// loaded is what became of a load.
type loaded struct {
	elapsed time.Duration
	acks    quantiles // of the time from first sending a request to its acknowledgement
	retries int64
}

// source hands all requests of a load to send, and ends at its first error.
type source func(send func(body []byte) error) error

// load sends all requests from as many connections as there are senders.
func load(ctx context.Context, all source, senders []sender) (loaded, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	times := make([][]time.Duration, len(senders))
	var retries atomic.Int64
	requests := make(chan []byte, 2*len(senders))
	begin := time.Now()
	wg.Go(func() {
		defer close(requests)
		err := all(func(body []byte) error {
			select {
			case requests <- body:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		if err != nil {
			cancel(err) // which the first cause outlives
		}
	})
	for i, send := range senders {
		wg.Go(func() {
			for body := range requests {
				sent := time.Now()
				n, err := sendUntilTaken(ctx, send, body)
				retries.Add(n)
				if err != nil {
					cancel(err)
				}
				times[i] = append(times[i], time.Since(sent))
			}
		})
	}
	wg.Wait()
	l := loaded{elapsed: time.Since(begin), retries: retries.Load()}
	l.acks = quantilesOf(slices.Concat(times...))
	if err := context.Cause(ctx); err != nil {
		return l, fmt.Errorf("send spans: %w", err)
	}
	return l, nil
}

// sendUntilTaken sends again as often as the server wishes, and says how
// often that was.
func sendUntilTaken(ctx context.Context, send sender, body []byte) (retries int64, err error) {
	for {
		var later retryError
		if err := send(ctx, body); !errors.As(err, &later) {
			return retries, err
		}
		retries++
		select {
		case <-time.After(later.after):
		case <-ctx.Done():
			return retries, ctx.Err()
		}
	}
}

// feed is a source of requests made beforehand, saying how far it is.
func feed(requests [][]byte, say func(string, ...any)) source {
	return func(send func([]byte) error) error {
		said := time.Now()
		for i, body := range requests {
			if err := send(body); err != nil {
				return err
			}
			if time.Since(said) > 5*time.Second {
				said = time.Now()
				say("  %d %% sent", 100*i/len(requests))
			}
		}
		return nil
	}
}

// httpSenders post to /v1/traces over a connection each.
func httpSenders(address string, n int, encoding string) []sender {
	url := "http://" + address + "/v1/traces"
	senders := make([]sender, n)
	for i := range senders {
		client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1, DisableCompression: true}}
		senders[i] = func(ctx context.Context, body []byte) error { return post(ctx, client, url, encoding, body) }
	}
	return senders
}

func post(ctx context.Context, client *http.Client, url, encoding string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	if encoding != "" {
		req.Header.Set("Content-Encoding", encoding)
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	switch resp.StatusCode {
	case http.StatusOK:
		return checkAnswer(answer)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
		return retryError{after: time.Duration(max(seconds, 1)) * time.Second}
	}
	return fmt.Errorf("%s: %q", resp.Status, answer)
}

// checkAnswer fails on an ExportTraceServiceResponse that rejects spans. One
// with an empty partial_success has two bytes.
func checkAnswer(answer []byte) error {
	if len(answer) > 2 {
		return fmt.Errorf("partial success: %q", answer)
	}
	return nil
}

// gzipped compresses requests as exporters do, with the default level.
func gzipped(requests [][]byte) ([][]byte, error) {
	packed := make([][]byte, len(requests))
	w := gzip.NewWriter(nil)
	for i, body := range requests {
		var b bytes.Buffer
		w.Reset(&b)
		if _, err := w.Write(body); err != nil {
			return nil, fmt.Errorf("compress request: %w", err)
		}
		if err := w.Close(); err != nil {
			return nil, fmt.Errorf("compress request: %w", err)
		}
		packed[i] = b.Bytes()
	}
	return packed, nil
}

// grpcSenders call the trace service over a connection each.
func grpcSenders(address string, n int) (senders []sender, closeAll func(), err error) {
	var conns []*grpc.ClientConn
	closeAll = func() {
		for _, c := range conns {
			c.Close()
		}
	}
	for range n {
		conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithDefaultCallOptions(grpc.ForceCodecV2(rawCodec{})))
		if err != nil {
			closeAll()
			return nil, nil, fmt.Errorf("connect over gRPC: %w", err)
		}
		conns = append(conns, conn)
		senders = append(senders, func(ctx context.Context, body []byte) error {
			var answer []byte
			err := conn.Invoke(ctx, "/opentelemetry.proto.collector.trace.v1.TraceService/Export", body, &answer)
			if code := status.Code(err); code == codes.ResourceExhausted || code == codes.Unavailable {
				return retryError{after: time.Second}
			}
			if err != nil {
				return err
			}
			return checkAnswer(answer)
		})
	}
	return senders, closeAll, nil
}

// rawCodec passes encoded messages through.
type rawCodec struct{}

func (rawCodec) Name() string { return "proto" }

func (rawCodec) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(v.([]byte))}, nil
}

func (rawCodec) Unmarshal(data mem.BufferSlice, v any) error {
	*v.(*[]byte) = data.Materialize()
	return nil
}

// someUsers are users of the corpus who made few requests, from its first
// spans, and so from its oldest.
func someUsers(g *corpus.Generator, n int) (users []string) {
	var b telemetry.Batch
	g.Batch(&b, 40*n)
	seen := map[string]int{}
	for i := range b.Spans {
		if v, ok := b.Lookup(b.Spans[i].Attrs, "session.id"); ok && v.Str() != "" {
			user, _ := b.Lookup(b.Spans[i].Attrs, "user.id")
			if seen[user.Str()]++; seen[user.Str()] == 1 {
				users = append(users, user.Str())
			}
		}
	}
	rare := users[:0]
	for _, u := range users {
		if seen[u] == 1 && len(rare) < n {
			rare = append(rare, u)
		}
	}
	return rare
}
