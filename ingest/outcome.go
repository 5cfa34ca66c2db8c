package ingest

import (
	"errors"
	"net/http"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/kiseki-dev/kiseki/telemetry"
)

// What became of a request, for [Observation].
const (
	OutcomeOK          = "ok"
	OutcomePartial     = "partial"     // stored but for some rejected spans
	OutcomeMalformed   = "malformed"   // not of the protocol
	OutcomeUnsupported = "unsupported" // another path, method, content type or encoding
	OutcomeTooLarge    = "too_large"
	OutcomeOverloaded  = "overloaded"  // told to come again, or dropped: too many bytes in flight
	OutcomeUnavailable = "unavailable" // told to come again, or dropped: the store cannot take it now
	OutcomeFailed      = "failed"      // not stored, and sending it again is pointless
	OutcomeCanceled    = "canceled"    // the client went away or was too slow
)

// Observation describes one request that was answered, or one datagram.
type Observation struct {
	Protocol  string // such as "otlp"
	Transport string // "http", "grpc", "udp" or "kafka"
	Encoding  string // such as "protobuf" or "json", or "" if it was none known
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

// Failure is why a request was not taken.
type Failure struct {
	Outcome    string
	Message    string
	RetryAfter time.Duration // 0 if the client should not send it again
	HTTPStatus int           // 0 for that of the outcome
}

// How each outcome is said. A client of OTLP repeats a request after 429, 502,
// 503 and 504, and after UNAVAILABLE, CANCELLED and others; after
// RESOURCE_EXHAUSTED only where RetryInfo comes with it
// (https://opentelemetry.io/docs/specs/otlp/#failures).
var codeOf = map[string]struct {
	http int
	grpc codes.Code
}{
	OutcomeMalformed:   {http.StatusBadRequest, codes.InvalidArgument},
	OutcomeUnsupported: {http.StatusUnsupportedMediaType, codes.Unimplemented},
	OutcomeTooLarge:    {http.StatusRequestEntityTooLarge, codes.ResourceExhausted},
	OutcomeOverloaded:  {http.StatusTooManyRequests, codes.ResourceExhausted},
	OutcomeUnavailable: {http.StatusServiceUnavailable, codes.Unavailable},
	OutcomeFailed:      {http.StatusInternalServerError, codes.Internal},
	OutcomeCanceled:    {http.StatusRequestTimeout, codes.Canceled},
}

// Status is the HTTP status that says f.
func (f *Failure) Status() int {
	if f.HTTPStatus != 0 {
		return f.HTTPStatus
	}
	return codeOf[f.Outcome].http
}

// GRPC is the google.rpc.Status that says f.
func (f *Failure) GRPC() *status.Status {
	s := status.New(codeOf[f.Outcome].grpc, f.Message)
	if f.RetryAfter > 0 {
		// It fails only for a status that is OK.
		if with, err := s.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(f.RetryAfter)}); err == nil {
			return with
		}
	}
	return s
}

// contextFailure is what an error of Options.Context means.
func contextFailure(err error) *Failure {
	var retry *telemetry.RetryError
	if errors.As(err, &retry) {
		return &Failure{Outcome: OutcomeUnavailable, Message: err.Error(), RetryAfter: max(retry.After, time.Second)}
	}
	return &Failure{Outcome: OutcomeMalformed, Message: err.Error()}
}
