package httptrace

import (
	"net/http"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/kiseki-dev/kiseki/instrument/internal/tracing"
)

const scope = "github.com/kiseki-dev/kiseki/instrument/httptrace"

// Handler makes a server span of every request to next.
func Handler(next http.Handler, options ...Option) http.Handler {
	return Middleware(options...)(next)
}

// Middleware is Handler in the form that routers want.
func Middleware(options ...Option) func(http.Handler) http.Handler {
	o := newOptions(options)
	o.source.Init(scope, trace.SpanKindServer)
	return func(next http.Handler) http.Handler { return &handler{options: o, next: next} }
}

type handler struct {
	*options
	next http.Handler
}

// ServeHTTP implements http.Handler.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	carrier := headers(r.Header)
	if !h.wants(r.Method, r.URL.Path) {
		// The callers of this service keep their trace.
		ctx := h.source.TextMap().Extract(r.Context(), carrier)
		h.next.ServeHTTP(w, r.WithContext(ctx))
		return
	}
	attributes := attributeLists.get()
	*attributes = appendRequest(*attributes, r)
	ctx, span := h.source.StartRemote(r.Context(), carrier, spanName(r.Method, ""), *attributes)
	attributeLists.put(attributes)

	r = r.WithContext(ctx)
	if !span.IsRecording() {
		h.next.ServeHTTP(w, r)
		return
	}
	h.record(span, w, r)
}

// record serves a request whose span is recorded.
func (h *handler) record(span trace.Span, w http.ResponseWriter, r *http.Request) {
	request := countBody(r)
	response := &recorder{ResponseWriter: w}
	defer func() {
		p := recover()
		h.finish(span, r, request, response, p)
		if p != nil {
			panic(p)
		}
	}()
	h.next.ServeHTTP(response.wrap(), r)
}

// finish adds to the span what is known only now, and ends it.
func (h *handler) finish(span trace.Span, r *http.Request, request *countedBody, response *recorder, panicked any) {
	attributes := attributeLists.get()
	defer attributeLists.put(attributes)
	defer span.End()
	if route := h.route(r); route != "" {
		*attributes = append(*attributes, semconv.HTTPRoute(route))
		span.SetName(spanName(r.Method, route))
	}
	if request != nil {
		*attributes = append(*attributes, semconv.HTTPRequestBodySize(int(request.n.Load())))
	}
	status := response.statusCode(panicked != nil)
	if status != 0 {
		*attributes = append(*attributes, semconv.HTTPResponseStatusCode(status))
	}
	if !response.hijacked {
		*attributes = append(*attributes, semconv.HTTPResponseBodySize(int(response.written)))
	}
	switch {
	case panicked == http.ErrAbortHandler:
		// The handler's way of cutting the connection; there is no fault
		// to find a stack of.
		*attributes = append(*attributes, semconv.ErrorTypeKey.String("aborted"))
		span.SetStatus(codes.Error, http.ErrAbortHandler.Error())
	case panicked != nil:
		tracing.RecordPanic(span, panicked)
	case status >= 500 && !hasFailed(span):
		*attributes = append(*attributes, semconv.ErrorTypeKey.String(statusText(status)))
		span.SetStatus(codes.Error, "")
	}
	span.SetAttributes(*attributes...)
}

// routeOfMux is the pattern of http.ServeMux, and of what else fills
// Request.Pattern, without its method and host.
func routeOfMux(r *http.Request) string {
	if i := strings.IndexByte(r.Pattern, '/'); i >= 0 {
		return r.Pattern[i:]
	}
	return ""
}

// spanName is "GET /orders/{id}", or "GET" where there is no route: a path
// would make a name of every customer.
func spanName(method, route string) string {
	if !isKnownMethod(method) {
		method = "HTTP"
	}
	if route == "" {
		return method
	}
	return method + " " + route
}

// statusText is error.type for a status code.
func statusText(status int) string {
	switch status {
	case 500:
		return "500"
	case 502:
		return "502"
	case 503:
		return "503"
	case 504:
		return "504"
	}
	return strconv.Itoa(status)
}

// hasFailed reports whether span is a failed one already: the handler has
// recorded its error, which says more than the status code.
func hasFailed(span trace.Span) bool {
	s, ok := span.(sdktrace.ReadOnlySpan)
	return ok && s.Status().Code == codes.Error
}

// isKnownMethod reports whether a method is one of RFC 9110 and RFC 5789.
// Names and http.request.method have no others: clients could make up any
// number.
func isKnownMethod(m string) bool {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodConnect, http.MethodOptions, http.MethodTrace, "QUERY":
		return true
	}
	return false
}

func appendMethod(a []attribute.KeyValue, m string) []attribute.KeyValue {
	if m == "" {
		m = http.MethodGet // what net/http makes of it
	}
	if isKnownMethod(m) {
		return append(a, semconv.HTTPRequestMethodKey.String(m))
	}
	return append(a, semconv.HTTPRequestMethodKey.String("_OTHER"), semconv.HTTPRequestMethodOriginal(clip(m)))
}
