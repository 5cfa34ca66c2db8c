package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/kiseki-dev/kiseki/bench/corpus"
)

// payload is a load made and encoded beforehand, so that making it costs
// nothing while the server is measured.
type payload struct {
	requests  [][]byte
	spans     int
	traces    int
	rawBytes  int64
	zstdBytes int64 // each request by itself at level 3
	entropy   corpus.Entropy
}

func makePayload(spans int) (*payload, error) {
	g := corpusFor(seed, spans)
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
	CPU            float64   `json:"cpuSeconds"`         // the same until all is in segments
	ClientCPU      float64   `json:"clientCPUSeconds"`   // of this process until the last acknowledgement, per million spans
	PeakMemory     int64     `json:"peakMemoryBytes"`
	DiskPerSpan    float64   `json:"diskBytesPerSpan"`
	WrittenPerSpan float64   `json:"writtenBytesPerSpan"` // to the disk in all: log and flushes
	LogPerSpan     float64   `json:"logBytesPerSpan"`     // of these, the log
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

// settle measures the server at the last acknowledgement, after the last
// flush and after the last compaction.
func (res *ingestResult) settle(s *server, dir string, perMillion float64, say func(string, ...any)) (err error) {
	for _, step := range []struct {
		what  string
		await func() error
		cpu   *float64
	}{
		{"", func() error { return nil }, &res.AckCPU},
		{"  waiting for the last flush", s.awaitFlush, &res.CPU},
	} {
		if step.what != "" {
			say(step.what)
		}
		if err := step.await(); err != nil {
			return err
		}
		cpu, err := cpuOf(s.pid())
		if err != nil {
			return err
		}
		*step.cpu = cpu.Seconds() * perMillion
	}
	if stored, err := s.spanCount(); err != nil || stored != res.Spans {
		return fmt.Errorf("kiseki holds %d of %d spans: %w", stored, res.Spans, cmp.Or(err, errLost))
	}
	if res.PeakMemory, err = memory(s.pid(), residentPeak); err != nil {
		return err
	}
	return res.measureDisk(s, dir)
}

// measureDisk says what lies on the disk and what was written for it.
func (res *ingestResult) measureDisk(s *server, dir string) error {
	// The log files of flushed spans are removed after the flush.
	time.Sleep(500 * time.Millisecond)
	disk, err := diskUse(dir)
	if err != nil {
		return fmt.Errorf("measure data folder: %w", err)
	}
	all, err := written(s.pid())
	if err != nil {
		return err
	}
	log, err := s.metric(logBytesMetric)
	if err != nil {
		return err
	}
	spans := float64(res.Spans)
	res.DiskPerSpan, res.WrittenPerSpan, res.LogPerSpan = float64(disk)/spans, float64(all)/spans, log/spans
	return nil
}

// logBytesMetric counts the bytes written to the write-ahead log.
const logBytesMetric = "kiseki_wal_written_bytes_total"

func (r *run) sendersFor(s *server, transport string) (senders []sender, closeAll func(), err error) {
	switch transport {
	case "gRPC":
		return grpcSenders(s.otlpGRPC, r.connections)
	case "HTTP gzip":
		return httpSenders(s.otlpHTTP, r.connections, "gzip"), func() {}, nil
	}
	return httpSenders(s.otlpHTTP, r.connections, ""), func() {}, nil
}
