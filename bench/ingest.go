package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/klauspost/compress/zstd"
)

// payload is a load made and encoded beforehand, so that making it costs
// nothing while the server is measured.
type payload struct {
	requests  [][]byte
	spans     int
	traces    int
	rawBytes  int64
	zstdBytes int64   // each request by itself at level 3
	entropy   float64 // bytes a span, see corpus
}

func makePayload(spans int) (*payload, error) {
	g := corpusFor(spans)
	p := &payload{}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, fmt.Errorf("make compressor: %w", err)
	}
	var packed []byte
	err = eachRequest(g, spans, func(body []byte) error {
		p.requests = append(p.requests, body)
		p.rawBytes += int64(len(body))
		packed = enc.EncodeAll(body, packed[:0])
		p.zstdBytes += int64(len(packed))
		return nil
	})
	p.spans, p.traces, p.entropy = g.Spans(), len(g.IDs()), g.Entropy()
	return p, err
}

func (p *payload) perSpan(bytes int64) float64 { return float64(bytes) / float64(p.spans) }

// ingestResult is one load from an empty data folder until every span is in
// a segment.
type ingestResult struct {
	Transport      string    `json:"transport"`
	Spans          int       `json:"spans"`
	SpansPerSecond float64   `json:"spansPerSecond"`     // acknowledged, so durable
	AckCPU         float64   `json:"cpuSecondsUntilAck"` // of the server, per million spans
	CPU            float64   `json:"cpuSeconds"`         // the same until all is flushed
	ClientCPU      float64   `json:"clientCPUSeconds"`   // of this process until the last acknowledgement, per million spans
	PeakMemory     int64     `json:"peakMemoryBytes"`
	DiskPerSpan    float64   `json:"diskBytesPerSpan"`
	Acks           quantiles `json:"acks"`
	Retries        int64     `json:"retries"`
}

// ingest loads a fresh server over one transport and leaves it running.
func (r *run) ingest(ctx context.Context, transport string, p *payload, dir string) (s *server, res *ingestResult, err error) {
	r.say("ingest %s spans over %s", grouped(p.spans), transport)
	requests := p.requests
	if transport == "HTTP gzip" {
		if requests, err = gzipped(requests); err != nil {
			return nil, nil, err
		}
	}
	if s, err = startServer(ctx, r.binary, dir, "--flush-age", flushAge.String()); err != nil {
		return nil, nil, err
	}
	senders, closeAll, err := r.sendersFor(s, transport)
	if err != nil {
		s.kill()
		return nil, nil, err
	}
	defer closeAll()
	client := ownCPU()
	l, err := load(ctx, feed(requests, r.say), senders)
	if err != nil {
		s.kill()
		return nil, nil, fmt.Errorf("%w\n%s", err, s.log)
	}
	perMillion := 1e6 / float64(p.spans)
	res = &ingestResult{
		Transport: transport, Spans: p.spans, Acks: l.acks, Retries: l.retries,
		SpansPerSecond: float64(p.spans) / l.elapsed.Seconds(),
		ClientCPU:      (ownCPU() - client).Seconds() * perMillion,
	}
	if err := res.settle(s, dir, perMillion, r.say); err != nil {
		s.kill()
		return nil, nil, err
	}
	return s, res, nil
}

// errLost says that the server acknowledged more spans than it holds.
var errLost = errors.New("acknowledged spans are missing")

// settle measures the server at the last acknowledgement and after the last
// flush.
func (res *ingestResult) settle(s *server, dir string, perMillion float64, say func(string, ...any)) error {
	cpu, err := cpuOf(s.pid())
	if err != nil {
		return err
	}
	res.AckCPU = cpu.Seconds() * perMillion
	say("  waiting for the last flush")
	if err := s.awaitFlush(); err != nil {
		return err
	}
	if cpu, err = cpuOf(s.pid()); err != nil {
		return err
	}
	if stored, err := s.spanCount(); err != nil || stored != res.Spans {
		return fmt.Errorf("kiseki holds %d of %d spans: %w", stored, res.Spans, cmp.Or(err, errLost))
	}
	res.CPU = cpu.Seconds() * perMillion
	if res.PeakMemory, err = peakMemory(s.pid()); err != nil {
		return err
	}
	// The log files of flushed spans are removed after the flush.
	time.Sleep(500 * time.Millisecond)
	disk, err := diskUse(dir)
	if err != nil {
		return fmt.Errorf("measure data folder: %w", err)
	}
	res.DiskPerSpan = float64(disk) / float64(res.Spans)
	return nil
}

func (r *run) sendersFor(s *server, transport string) (senders []sender, closeAll func(), err error) {
	switch transport {
	case "gRPC":
		return grpcSenders(s.otlpGRPC, r.connections)
	case "HTTP gzip":
		return httpSenders(s.otlpHTTP, r.connections, "gzip"), func() {}, nil
	}
	return httpSenders(s.otlpHTTP, r.connections, ""), func() {}, nil
}
