package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/kiseki-dev/kiseki/instrument"
	"github.com/kiseki-dev/kiseki/instrument/chitrace"
	"github.com/kiseki-dev/kiseki/instrument/httptrace"
	"github.com/kiseki-dev/kiseki/instrument/messagetrace"
)

// service is what every service of the shop has: a tracer, a traced HTTP
// client and middleware that traces its own requests.
type service struct {
	name     string
	provider *instrument.Provider
	tracer   trace.Tracer
	client   *http.Client
	orders   *messagetrace.Queue // topicOrders, both ends
}

func newService(name, version, endpoint string, n *network) (*service, error) {
	provider, err := newProvider(name, version, endpoint)
	if err != nil {
		return nil, err
	}
	s := &service{
		name:     name,
		provider: provider,
		tracer:   provider.TracerProvider().Tracer("github.com/kiseki-dev/kiseki/demo/"+name, trace.WithInstrumentationVersion(version)),
		orders: messagetrace.NewQueue("in_process", topicOrders, messagetrace.Group(name),
			messagetrace.WithTracerProvider(provider.TracerProvider()), messagetrace.WithPropagator(provider.Propagator())),
	}
	s.client = &http.Client{Transport: httptrace.Transport(shopTransport{n.transport}, s.traced()...)}
	return s, nil
}

// traced are the options of the service's handlers and clients. A program
// with one provider needs none: instrument.Start makes it the global one.
func (s *service) traced() []httptrace.Option {
	return []httptrace.Option{
		httptrace.WithTracerProvider(s.provider.TracerProvider()),
		httptrace.WithPropagator(s.provider.Propagator()),
	}
}

// instrument is the middleware in front of a service's router: it traces
// requests, and answers 500 after a panic, which the trace has recorded.
func (s *service) instrument(next http.Handler) http.Handler {
	traced := chitrace.Middleware(s.traced()...)(next)
	if _, isMux := next.(*http.ServeMux); isMux {
		traced = httptrace.Handler(next, s.traced()...)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if recover() != nil {
				http.Error(w, `{"code":"panic","message":"internal error"}`, http.StatusInternalServerError)
			}
		}()
		traced.ServeHTTP(w, r)
	})
}

// handle adapts a function that returns an answer or an error.
func handle(f func(r *http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		answer, err := f(r)
		status := http.StatusOK
		if err != nil {
			failed := asAPIError(err)
			status, answer = failed.Status, failed
			span := trace.SpanFromContext(r.Context())
			if status >= 500 {
				instrument.RecordError(span, err)
			} else {
				span.RecordError(err) // the caller's fault
			}
			span.SetAttributes(attribute.String("shop.error.code", failed.Code))
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		// The client may be gone; there is nobody left to tell.
		_ = json.NewEncoder(w).Encode(answer)
	}
}

// apiError is how the services tell each other about failures.
type apiError struct {
	Status  int    `json:"-"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (e *apiError) Error() string { return e.Message }

// ErrorType gives the exception events and error.type a stable name.
func (e *apiError) ErrorType() string { return e.Code }

// asAPIError finds the cause to report. A failure of a service behind this
// one is a 502 here unless it is the client's own fault.
func asAPIError(err error) *apiError {
	var failed *apiError
	switch {
	case !errors.As(err, &failed):
		return &apiError{Status: http.StatusInternalServerError, Code: "internal", Message: err.Error()}
	case failed.Status >= 500:
		return &apiError{Status: http.StatusBadGateway, Code: failed.Code, Message: err.Error()}
	default:
		return &apiError{Status: failed.Status, Code: failed.Code, Message: err.Error()}
	}
}

// shopTransport keeps the baggage in the shop: who the customer is, is no
// third party's business.
type shopTransport struct{ base http.RoundTripper }

func (t shopTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.URL.Hostname(), shopDomain) {
		r = r.Clone(r.Context())
		r.Header.Del("baggage")
	}
	return t.base.RoundTrip(r)
}

// request is one call of another service.
type request struct {
	method   string
	host     string     // such as "catalog", see network
	template string     // path with {names}; what the span is called
	args     []any      // replaces the names, in order
	query    url.Values // may be nil
	body     any        // sent as JSON; nil for none
}

// call sends r and decodes the JSON answer into out, which may be nil. An
// answer of 400 and above is returned as *apiError.
func (s *service) call(ctx context.Context, r request, out any) error {
	var body bytes.Buffer
	if r.body != nil {
		if err := json.NewEncoder(&body).Encode(r.body); err != nil {
			return fmt.Errorf("encode request for %s: %w", r.host, err)
		}
	}
	u := url.URL{Scheme: "http", Host: hostname(r.host), Path: expand(r.template, r.args), RawQuery: r.query.Encode()}
	req, err := http.NewRequestWithContext(httptrace.WithTemplate(ctx, r.template), r.method, u.String(), &body)
	if err != nil {
		return fmt.Errorf("create request for %s: %w", r.host, err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.client.Do(req)
	if err != nil {
		return fmt.Errorf("call %s: %w", r.host, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 400 {
		failed := &apiError{Status: resp.StatusCode}
		if err := json.NewDecoder(resp.Body).Decode(failed); err != nil {
			failed.Message = resp.Status
		}
		return fmt.Errorf("%s: %w", r.host, failed)
	}
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return fmt.Errorf("decode answer of %s: %w", r.host, err)
	}
	return nil
}

// expand replaces the {names} of a path template by args, in order.
func expand(template string, args []any) string {
	for _, a := range args {
		i, j := strings.IndexByte(template, '{'), strings.IndexByte(template, '}')
		template = template[:i] + fmt.Sprint(a) + template[j+1:]
	}
	return template
}

// decode reads a JSON request body.
func decode[T any](r *http.Request) (T, error) {
	var v T
	if err := json.NewDecoder(http.MaxBytesReader(nil, r.Body, 1<<20)).Decode(&v); err != nil {
		return v, &apiError{Status: http.StatusBadRequest, Code: "bad_request", Message: "decode request: " + err.Error()}
	}
	return v, nil
}

// work stands for a computation that takes d; it ends early with ctx.
func work(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
