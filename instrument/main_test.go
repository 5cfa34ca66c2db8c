package instrument

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// The receiver of the examples runs until the end.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http/httptest.(*Server).goServe.func1"),
		goleak.IgnoreAnyFunction("net/http.(*conn).serve"))
}
