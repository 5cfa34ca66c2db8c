package httptrace_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/kiseki-dev/kiseki/instrument/httptrace"
	"github.com/kiseki-dev/kiseki/instrument/internal/spantest"
)

// What is promised in the documentation of the package.
func TestAllocationsOfUnsampledRequest(t *testing.T) {
	if testing.Short() {
		t.Skip("pools lose things on purpose under the race detector, which runs with -short")
	}
	for _, traceparent := range []string{"", "00-12345678901234567890123456789012-1234567890123456-00"} {
		rec := spantest.New(sdktrace.ParentBased(sdktrace.NeverSample()))
		h := httptrace.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}),
			httptrace.WithTracerProvider(rec.Provider), httptrace.WithPropagator(spantest.Propagator))
		r, w := httptest.NewRequest("GET", "/orders/42?page=1", nil), httptest.NewRecorder()
		if traceparent != "" {
			r.Header.Set("traceparent", traceparent)
		}
		if n := testing.AllocsPerRun(1000, func() { h.ServeHTTP(w, r) }); n > 2 {
			t.Errorf("with traceparent %q a request costs %g allocations, want 2 at most", traceparent, n)
		}
	}
}
