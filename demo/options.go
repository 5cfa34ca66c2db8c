package demo

import (
	"fmt"
	"net/url"
)

// Options say where the shop's spans go and how busy the shop is.
type Options struct {
	// Endpoint is the base URL of an OTLP/HTTP receiver, such as
	// http://127.0.0.1:4318.
	Endpoint string
	// Rate is how many customers a second come in; 0 means none after the
	// opening tour.
	Rate float64
	// Seed decides which customers come and what they do.
	Seed uint64
}

// maxRate is as many customers as one laptop can serve beside its kiseki: a
// customer makes about 100 spans.
const maxRate = 1000

// Validate says what is wrong with the options; Open calls it too.
func (o Options) Validate() error {
	u, err := url.Parse(o.Endpoint)
	if err != nil {
		return fmt.Errorf("parse endpoint: %w", err)
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return fmt.Errorf("endpoint %q is not a URL such as http://127.0.0.1:4318", o.Endpoint)
	}
	if !(o.Rate >= 0 && o.Rate <= maxRate) {
		return fmt.Errorf("rate %v is not between 0 and %d customers a second", o.Rate, maxRate)
	}
	return nil
}
