package demo

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"github.com/kiseki-dev/kiseki/instrument"
)

// currency converts prices.
type currency struct{ *service }

// rates are units of a currency for one euro, and how many of its smallest
// units make one.
var rates = map[string]struct {
	perEuro float64
	units   float64
}{
	"EUR": {1, 100},
	"USD": {1.09, 100},
	"GBP": {0.86, 100},
	"JPY": {171.4, 1},
}

func (c *currency) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /convert", handle(c.convert))
	return c.instrument(mux)
}

func (c *currency) convert(r *http.Request) (any, error) {
	to := r.URL.Query().Get("to")
	cents, err := strconv.Atoi(r.URL.Query().Get("cents"))
	if err != nil {
		return nil, &apiError{Status: http.StatusBadRequest, Code: "bad_amount", Message: "cents: " + err.Error()}
	}
	rate, ok := rates[to]
	if !ok {
		return nil, &apiError{Status: http.StatusUnprocessableEntity, Code: "unknown_currency", Message: "there is no rate for " + to}
	}
	err = instrument.Do(r.Context(), "look up rate", func(ctx context.Context) error {
		return work(ctx, time.Millisecond)
	}, attribute.String("shop.currency", to), attribute.Float64("shop.rate", rate.perEuro))
	return money{int(float64(cents) / 100 * rate.perEuro * rate.units), to}, err
}
