package otlp

import (
	"encoding/binary"
	"net/http"
	"strconv"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

// failure is why a request was not taken.
type failure struct {
	outcome    string
	message    string
	retryAfter time.Duration // 0 if the client should not send it again
	httpStatus int           // 0 for that of the outcome
}

// How each outcome is said in the two protocols. A client repeats a request
// after 429, 502, 503 and 504, and after UNAVAILABLE, CANCELLED and others;
// after RESOURCE_EXHAUSTED only where RetryInfo comes with it
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

// status is the google.rpc.Status that says f.
func (f *failure) status() *status.Status {
	s := status.New(codeOf[f.outcome].grpc, f.message)
	if f.retryAfter > 0 {
		// It fails only for a status that is OK.
		if with, err := s.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(f.retryAfter)}); err == nil {
			return with
		}
	}
	return s
}

// appendProtoResponse appends an ExportTraceServiceResponse:
//
//	1: ExportTracePartialSuccess { 1: int64 rejected_spans, 2: string error_message }
//
// which is empty where there is nothing to say.
func appendProtoResponse(dst []byte, rejected int, message string) []byte {
	if rejected == 0 && message == "" {
		return dst
	}
	var partial []byte
	if rejected > 0 {
		partial = binary.AppendUvarint(append(partial, 1<<3|varint), uint64(rejected))
	}
	if message != "" {
		partial = binary.AppendUvarint(append(partial, 2<<3|length), uint64(len(message)))
		partial = append(partial, message...)
	}
	dst = binary.AppendUvarint(append(dst, 1<<3|length), uint64(len(partial)))
	return append(dst, partial...)
}

// appendJSONResponse is [appendProtoResponse] in JSON, where 64-bit integers
// are strings.
func appendJSONResponse(dst []byte, rejected int, message string) []byte {
	if rejected == 0 && message == "" {
		return append(dst, "{}"...)
	}
	dst = append(dst, `{"partialSuccess":{`...)
	if rejected > 0 {
		dst = append(dst, `"rejectedSpans":"`...)
		dst = strconv.AppendInt(dst, int64(rejected), 10)
		dst = append(dst, '"')
	}
	if message != "" {
		if rejected > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `"errorMessage":`...)
		dst = appendJSONString(dst, message)
	}
	return append(dst, "}}"...)
}
