package otlp

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"

	"github.com/kiseki-dev/kiseki/telemetry"
)

// Options are what a [Server] needs.
type Options struct {
	// Append stores a batch. It must be safe for concurrent use.
	Append telemetry.AppendFunc
	// Context, if not nil, gives the context that Append gets for a request with
	// these headers; a call's metadata is its headers. It is called just before
	// Append. A [telemetry.RetryError] has the client come again; any other
	// error says what is wrong with the headers.
	Context func(context.Context, http.Header) (context.Context, error)
	Limits  Limits
	// Observe is told of every request once it is answered; nil for nobody.
	// It must be quick and safe for concurrent use.
	Observe func(Observation)
	// CORSOrigins are the web origins whose pages may send traces: exact ones
	// ("https://shop.example"), any port of a host ("http://localhost:*"), or
	// "*". Empty means any port of this machine's http://localhost,
	// http://127.0.0.1 and http://[::1].
	CORSOrigins []string
	// TLS, if not nil, makes both servers speak TLS only.
	TLS    *tls.Config
	Logger *slog.Logger // slog.Default() if nil
}

// Limits bound what clients may ask for. Zero means the default.
type Limits struct {
	// RequestBytes is the size of a request as sent, by default 20 MiB.
	RequestBytes int64
	// DecodedBytes is the size of a request after decompression, by default
	// 64 MiB and at most 1 GiB.
	DecodedBytes int64
	// InFlightBytes is the size after decompression of all requests being
	// handled together, by default 256 MiB and at least enough for one request
	// of DecodedBytes. Beyond it clients are told to come again.
	InFlightBytes int64
	// Depth is how deep arrays and maps may nest in an attribute's value, by
	// default 32.
	Depth int
	// Elements is the number of spans, events, links and attributes in one
	// request together, by default 2 Mi: see [DecodeLimits].
	Elements int
	// ReadTime is how long a client may take to send an HTTP request, by
	// default 30 s.
	ReadTime time.Duration
}

const mib = 1 << 20

func (l Limits) withDefaults() Limits {
	l.RequestBytes = cmp.Or(l.RequestBytes, 20*mib)
	// Ranges in a batch are 32 bits wide and an attribute takes 2 bytes at
	// least, so that 1 GiB cannot overflow them.
	l.DecodedBytes = min(cmp.Or(l.DecodedBytes, 64*mib), 1024*mib)
	l.InFlightBytes = max(cmp.Or(l.InFlightBytes, 256*mib), l.DecodedBytes+2*chunk)
	l.Depth = cmp.Or(l.Depth, 32)
	l.Elements = cmp.Or(l.Elements, 2*mib)
	l.ReadTime = cmp.Or(l.ReadTime, 30*time.Second)
	return l
}

// What became of a request, for [Observation].
const (
	OutcomeOK          = "ok"
	OutcomePartial     = "partial"     // stored but for some rejected spans
	OutcomeMalformed   = "malformed"   // not OTLP
	OutcomeUnsupported = "unsupported" // another path, method, content type or encoding
	OutcomeTooLarge    = "too_large"
	OutcomeOverloaded  = "overloaded"  // told to come again: too many bytes in flight
	OutcomeUnavailable = "unavailable" // told to come again: the store cannot take it now
	OutcomeFailed      = "failed"      // not stored, and sending it again is pointless
	OutcomeCanceled    = "canceled"    // the client went away or was too slow
)

// Observation describes one request that was answered.
type Observation struct {
	Transport string // "http" or "grpc"
	Encoding  string // "protobuf", "json", or "" if it was neither
	Outcome   string // one of the Outcome constants
	// Spans is the number of spans in the request, 0 unless it was taken (ok
	// or partial); Rejected of them are not stored.
	Spans, Rejected int
	// DroppedLinks and InvalidUTF8 are those of [Report].
	DroppedLinks, InvalidUTF8 int
	// Bytes is the size as received, DecodedBytes that after decompression.
	Bytes, DecodedBytes int
	Duration            time.Duration
}

// Server receives OTLP traces over HTTP and gRPC. Its methods may be called
// from any goroutine.
type Server struct {
	options Options
	limits  Limits
	log     *slog.Logger
	budget  budget
	pool    sync.Pool // of *request
	http    *http.Server
	grpc    *http.Server
	// library serves health checks and reflection on grpc.
	library *grpc.Server
	health  *health.Server
}

// New makes a server that serves nothing yet.
func New(o Options) *Server {
	s := &Server{options: o, limits: o.Limits.withDefaults(), log: cmp.Or(o.Logger, slog.Default())}
	s.budget.limit = s.limits.InFlightBytes
	s.pool.New = func() any { return newRequest(s) }
	s.http = s.newHTTP()
	s.grpc, s.library, s.health = s.newGRPC()
	return s
}

// Shutdown stops accepting requests, on listeners that were or will be
// served, and returns when those in flight are answered, or when ctx ends:
// then it cuts their connections.
func (s *Server) Shutdown(ctx context.Context) error {
	s.health.Shutdown()
	defer s.library.Stop()
	var wg sync.WaitGroup
	errs := make([]error, 2)
	for i, x := range []struct {
		name   string
		server *http.Server
	}{{"HTTP", s.http}, {"gRPC", s.grpc}} {
		wg.Go(func() {
			if err := x.server.Shutdown(ctx); err != nil {
				errs[i] = errors.Join(fmt.Errorf("drain OTLP/%s: %w", x.name, err), x.server.Close())
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// exchange is a request under way and what is known of it for its answer.
type exchange struct {
	started time.Time
	seen    Observation
	message string // for partial success
}

// handle decodes a body and has it stored.
func (s *Server) handle(ctx context.Context, header http.Header, r *request, x *exchange) *failure {
	report, fail := s.decode(r, x.seen.Encoding)
	if fail != nil {
		return fail
	}
	x.seen.DroppedLinks, x.seen.InvalidUTF8 = report.DroppedLinks, report.InvalidUTF8
	spans := len(r.batch.Spans)
	var outcome telemetry.Outcome
	if spans > 0 {
		var err error
		if s.options.Context != nil {
			if ctx, err = s.options.Context(ctx, header); err != nil {
				return contextFailure(err)
			}
		}
		if outcome, err = s.options.Append(ctx, &r.batch); err != nil {
			return s.appendFailure(ctx, err)
		}
	}
	x.seen.Spans = spans + report.RejectedSpans
	x.seen.Rejected = outcome.RejectedSpans + report.RejectedSpans
	x.seen.Outcome = OutcomeOK
	if x.seen.Rejected > 0 {
		x.seen.Outcome = OutcomePartial
	}
	x.message = report.Reason
	if outcome.Message != "" {
		x.message = outcome.Message
		if report.Reason != "" {
			x.message = report.Reason + "; " + outcome.Message
		}
	}
	return nil
}

// decode is a wall around the decoders: whatever bytes a client sends, a bug
// in them costs its request and not the process.
func (s *Server) decode(r *request, encoding string) (report Report, fail *failure) {
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("OTLP decoder panicked", "panic", p, "stack", string(debug.Stack()))
			r.poisoned = true
			fail = &failure{outcome: OutcomeFailed, message: "internal error"}
		}
	}()
	var err error
	if encoding == encodingJSON {
		report, err = r.decoder.DecodeJSON(r.body, &r.batch)
	} else {
		report, err = r.decoder.DecodeProto(r.body, &r.batch)
	}
	var malformed *DecodeError
	switch {
	case err == nil:
		return report, nil
	case errors.As(err, &malformed) && malformed.TooMany:
		return report, &failure{outcome: OutcomeTooLarge, message: err.Error()}
	}
	return report, &failure{outcome: OutcomeMalformed, message: "malformed OTLP " + encoding + ": " + err.Error()}
}

// contextFailure is what an error of Options.Context means.
func contextFailure(err error) *failure {
	var retry *telemetry.RetryError
	if errors.As(err, &retry) {
		return &failure{outcome: OutcomeUnavailable, message: err.Error(), retryAfter: max(retry.After, time.Second)}
	}
	return &failure{outcome: OutcomeMalformed, message: err.Error()}
}

func (s *Server) appendFailure(ctx context.Context, err error) *failure {
	var retry *telemetry.RetryError
	switch {
	case errors.As(err, &retry):
		return &failure{outcome: OutcomeUnavailable, message: err.Error(), retryAfter: max(retry.After, time.Second)}
	case ctx.Err() != nil:
		return &failure{outcome: OutcomeCanceled, message: ctx.Err().Error()}
	}
	s.log.Error("spans could not be stored", "error", err)
	return &failure{outcome: OutcomeFailed, message: err.Error()}
}

// observe reports a request that is answered.
func (s *Server) observe(x *exchange, fail *failure) {
	if s.options.Observe == nil {
		return
	}
	if fail != nil {
		x.seen.Outcome = fail.outcome
	}
	x.seen.Duration = time.Since(x.started)
	s.options.Observe(x.seen)
}

// clampInt is n as an int, for sizes that fit one anyway.
func clampInt(n int64) int { return int(min(n, math.MaxInt)) }
