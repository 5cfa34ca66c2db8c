package main

import (
	"fmt"
	"runtime"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/kiseki-dev/kiseki/ingest/otlp"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// decodeResult compares the two decoders on the same requests.
type decodeResult struct {
	Spans       int     `json:"spans"`
	OwnNanos    float64 `json:"nanosPerSpan"`
	PdataNanos  float64 `json:"pdataNanosPerSpan"`
	CorpusNanos float64 `json:"corpusNanosPerSpan"` // making and encoding a span, for scale
}

// Ratio is how many times faster the own decoder is.
func (r *decodeResult) Ratio() float64 { return r.PdataNanos / r.OwnNanos }

// rounds of which the cheapest counts: other work on the machine can only
// make one dearer.
const rounds = 5

// passes over the requests make a round.
const passes = 5

func measureDecode(spans int) (*decodeResult, error) {
	begin := time.Now()
	requests, made, err := makeRequests(seed, spans)
	if err != nil {
		return nil, err
	}
	r := &decodeResult{Spans: made, CorpusNanos: perSpan(time.Since(begin), made)}
	d := otlp.NewDecoder(otlp.DecodeLimits{Depth: 32, Elements: 1 << 20})
	var b telemetry.Batch
	r.OwnNanos, err = cheapest(made, func() error {
		for _, body := range requests {
			if _, err := d.DecodeProto(body, &b); err != nil {
				return fmt.Errorf("decode request: %w", err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	r.PdataNanos, err = cheapest(made, func() error {
		for _, body := range requests {
			if err := ptraceotlp.NewExportRequest().UnmarshalProto(body); err != nil {
				return fmt.Errorf("decode request with pdata: %w", err)
			}
		}
		return nil
	})
	return r, err
}

// cheapest is the processor time f takes for a span, that of the garbage
// collector on other cores included.
func cheapest(spans int, f func() error) (nanos float64, err error) {
	for i := range rounds {
		runtime.GC()
		begin := ownCPU()
		for range passes {
			if err := f(); err != nil {
				return 0, err
			}
		}
		if n := perSpan(ownCPU()-begin, spans*passes); i == 0 || n < nanos {
			nanos = n
		}
	}
	return nanos, nil
}

func perSpan(d time.Duration, spans int) float64 { return float64(d.Nanoseconds()) / float64(spans) }
