package proxy

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/genproto/googleapis/rpc/code"
)

// isGRPC reports whether a request is a call of gRPC; that of browsers,
// gRPC-Web, is HTTP like any other.
func isGRPC(r *http.Request) bool {
	rest, ok := strings.CutPrefix(r.Header.Get("Content-Type"), "application/grpc")
	return ok && r.ProtoMajor == 2 && (rest == "" || rest[0] == '+' || rest[0] == ';')
}

// describeGRPC adds what the semantic conventions v1.43 say of a call. Its
// method names the span only where the service knows it: clients may send any.
func (x *exchange) describeGRPC(span trace.Span, r *http.Request) {
	method := strings.TrimPrefix(r.URL.Path, "/")
	status, message := x.statusGRPC(r)
	known := x.answer != nil && status != code.Code_UNIMPLEMENTED
	span.SetAttributes(semconv.RPCSystemNameGRPC, semconv.RPCResponseStatusCode(nameOf(status)))
	if known {
		span.SetName(method)
		span.SetAttributes(semconv.RPCMethod(method))
	} else {
		span.SetAttributes(semconv.RPCMethod("_OTHER"), semconv.RPCMethodOriginal(method))
	}
	if x.err == nil && isServerError(status) {
		span.SetAttributes(semconv.ErrorTypeKey.String(nameOf(status)))
		span.SetStatus(codes.Error, message)
	}
}

// statusGRPC is how a call ended: it is in the trailers, or in the headers of
// an answer without a body.
func (x *exchange) statusGRPC(r *http.Request) (status code.Code, message string) {
	if x.answer != nil {
		for _, h := range []http.Header{x.answer.Trailer, x.answer.Header} {
			if s := h.Get("Grpc-Status"); s != "" {
				n, err := strconv.ParseUint(s, 10, 31)
				if err != nil {
					return code.Code_UNKNOWN, "the service's grpc-status is not a number"
				}
				return code.Code(n), decodeMessage(h.Get("Grpc-Message"))
			}
		}
	}
	switch {
	case x.err != nil:
		kind, _ := kindOf(x.err)
		return codeOf(kind), ""
	case r.Context().Err() != nil:
		return code.Code_CANCELLED, ""
	}
	return code.Code_UNKNOWN, "the service's answer has no grpc-status"
}

// nameOf is a code as the semantic conventions write it.
func nameOf(c code.Code) string {
	if name, ok := code.Code_name[int32(c)]; ok {
		return name
	}
	return strconv.Itoa(int(c))
}

// decodeMessage undoes the percent-encoding of grpc-message.
func decodeMessage(s string) string {
	if decoded, err := url.PathUnescape(s); err == nil {
		s = decoded
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// isServerError reports whether a code is the service's fault and not the
// caller's.
func isServerError(c code.Code) bool {
	switch c {
	case code.Code_UNKNOWN, code.Code_DEADLINE_EXCEEDED, code.Code_UNIMPLEMENTED, code.Code_INTERNAL, code.Code_UNAVAILABLE, code.Code_DATA_LOSS:
		return true
	}
	return false
}

// codeOf says why there is no answer.
func codeOf(kind string) code.Code {
	if kind == ErrTimeout {
		return code.Code_DEADLINE_EXCEEDED
	}
	return code.Code_UNAVAILABLE
}

// refuseGRPC answers a call that the service did not, as gRPC has it: with
// headers only.
func refuseGRPC(w http.ResponseWriter, kind string) {
	h := w.Header()
	h.Set("Content-Type", "application/grpc")
	h.Set("Grpc-Status", strconv.Itoa(int(codeOf(kind))))
	h.Set("Grpc-Message", "kiseki proxy: "+kind)
	w.WriteHeader(http.StatusOK)
}
