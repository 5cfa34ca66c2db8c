package instrument

import (
	"fmt"
	"strconv"

	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/kiseki-dev/kiseki/instrument/propagate"
)

// propagatorNames are the values of OTEL_PROPAGATORS.
const propagatorNames = "tracecontext, baggage, none"

// propagatorNamed returns nil for "none".
func propagatorNamed(name string) (p propagation.TextMapPropagator, ok bool) {
	switch name {
	case "tracecontext":
		return propagate.TraceContext{}, true
	case "baggage":
		return propagation.Baggage{}, true
	case "none":
		return nil, true
	}
	return nil, false
}

// chooseSampler chooses by OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG.
func chooseSampler(o Options) (sdktrace.Sampler, error) {
	if o.Sampler != nil {
		return o.Sampler, nil
	}
	name, arg := env("OTEL_TRACES_SAMPLER"), env("OTEL_TRACES_SAMPLER_ARG")
	switch name {
	case "", "parentbased_always_on":
		return sdktrace.ParentBased(sdktrace.AlwaysSample()), nil
	case "parentbased_always_off":
		return sdktrace.ParentBased(sdktrace.NeverSample()), nil
	case "always_on":
		return sdktrace.AlwaysSample(), nil
	case "always_off":
		return sdktrace.NeverSample(), nil
	case "traceidratio", "parentbased_traceidratio":
		ratio := 1.0
		if arg != "" {
			var err error
			if ratio, err = strconv.ParseFloat(arg, 64); err != nil || !(ratio >= 0 && ratio <= 1) {
				return nil, fmt.Errorf("OTEL_TRACES_SAMPLER_ARG is %q, not a ratio from 0 to 1", arg)
			}
		}
		s := sdktrace.TraceIDRatioBased(ratio)
		if name == "parentbased_traceidratio" {
			s = sdktrace.ParentBased(s)
		}
		return s, nil
	}
	return nil, fmt.Errorf("sampler %q of OTEL_TRACES_SAMPLER is not known", name)
}
