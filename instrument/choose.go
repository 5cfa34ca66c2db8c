package instrument

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/kiseki-dev/kiseki/instrument/propagate"
	"github.com/kiseki-dev/kiseki/instrument/sampler"
)

// propagatorNames are the values of OTEL_PROPAGATORS.
const propagatorNames = "tracecontext, baggage, b3, b3multi, jaeger, xray, none"

// propagatorNamed returns nil for "none".
func propagatorNamed(name string) (p propagation.TextMapPropagator, ok bool) {
	switch name {
	case "tracecontext":
		return propagate.TraceContext{}, true
	case "baggage":
		return propagation.Baggage{}, true
	case "b3":
		return propagate.B3{}, true
	case "b3multi":
		return propagate.B3{Multiple: true}, true
	case "jaeger":
		return propagate.Jaeger{}, true
	case "xray":
		return propagate.XRay{}, true
	case "none":
		return nil, true
	}
	return nil, false
}

// samplerNames are the values of OTEL_TRACES_SAMPLER.
const samplerNames = "always_on, always_off, traceidratio, jaeger_remote, all of them after parentbased_, and xray"

// chooseSampler chooses by OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG.
func chooseSampler(o Options) (sdktrace.Sampler, error) {
	if o.Sampler != nil {
		return o.Sampler, nil
	}
	name, arg := strings.ToLower(env("OTEL_TRACES_SAMPLER")), env("OTEL_TRACES_SAMPLER_ARG")
	if name == "" {
		name = "parentbased_always_on"
	}
	root, parentBased := strings.CutPrefix(name, "parentbased_")
	s, err := samplerNamed(root, arg, o.Service)
	if err != nil {
		return nil, err
	}
	if parentBased || root == "xray" {
		s = sampler.ParentBased(s)
	}
	return s, nil
}

func samplerNamed(name, arg, service string) (sdktrace.Sampler, error) {
	switch name {
	case "always_on":
		return sampler.Always(), nil
	case "always_off":
		return sampler.Never(), nil
	case "traceidratio":
		ratio, err := ratioOf(arg, 1)
		return sampler.Ratio(ratio), err
	case "jaeger_remote":
		return jaegerRemote(arg, service)
	case "xray":
		return xray(arg, service)
	}
	return nil, fmt.Errorf("sampler %q of OTEL_TRACES_SAMPLER is not known: %s", name, samplerNames)
}

func ratioOf(s string, without float64) (float64, error) {
	if s == "" {
		return without, nil
	}
	r, err := strconv.ParseFloat(s, 64)
	if err != nil || !(r >= 0 && r <= 1) {
		return 0, fmt.Errorf("OTEL_TRACES_SAMPLER_ARG has %q, not a ratio from 0 to 1", s)
	}
	return r, nil
}

// samplerArgs reads "key=value,key=value".
func samplerArgs(arg string, known ...string) (map[string]string, error) {
	args := map[string]string{}
	for pair := range strings.SplitSeq(arg, ",") {
		if pair = strings.TrimSpace(pair); pair == "" {
			continue
		}
		k, v, ok := strings.Cut(pair, "=")
		if !ok || !slices.Contains(known, k) {
			return nil, fmt.Errorf("OTEL_TRACES_SAMPLER_ARG has %q; known are %s", pair, strings.Join(known, ", "))
		}
		args[k] = v
	}
	return args, nil
}

func jaegerRemote(arg, service string) (sdktrace.Sampler, error) {
	args, err := samplerArgs(arg, "endpoint", "pollingIntervalMs", "initialSamplingRate")
	if err != nil {
		return nil, err
	}
	o := sampler.RemoteOptions{Service: service, Endpoint: args["endpoint"]}
	if o.Interval, err = milliseconds("pollingIntervalMs of OTEL_TRACES_SAMPLER_ARG", args["pollingIntervalMs"]); err != nil {
		return nil, err
	}
	if o.InitialRatio, err = ratioOf(args["initialSamplingRate"], 0); err != nil {
		return nil, err
	}
	return sampler.NewRemote(o)
}

func xray(arg, service string) (sdktrace.Sampler, error) {
	args, err := samplerArgs(arg, "endpoint", "polling_interval")
	if err != nil {
		return nil, err
	}
	o := sampler.XRayOptions{Service: service, Endpoint: args["endpoint"]}
	if s := args["polling_interval"]; s != "" {
		n, err := strconv.ParseUint(s, 10, 31)
		if err != nil || n == 0 {
			return nil, fmt.Errorf("polling_interval of OTEL_TRACES_SAMPLER_ARG is %q, not a number of seconds", s)
		}
		o.RulesInterval = time.Duration(n) * time.Second
	}
	return sampler.NewXRay(o)
}
