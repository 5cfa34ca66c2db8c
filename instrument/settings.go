package instrument

import (
	"fmt"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/kiseki-dev/kiseki/instrument/internal/delivery"
)

// settings are the options after the environment and the defaults have had
// their say, https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/.
type settings struct {
	Options
	disabled    bool
	sampler     sdktrace.Sampler
	propagators propagation.TextMapPropagator
	limits      sdktrace.SpanLimits
	delivery    delivery.Options
}

// env is an environment variable without the space around it.
func env(name string) string { return strings.TrimSpace(os.Getenv(name)) }

// envOTLP is a variable of the exporter; the one for traces wins.
func envOTLP(name string) string {
	if v := env("OTEL_EXPORTER_OTLP_TRACES_" + name); v != "" {
		return v
	}
	return env("OTEL_EXPORTER_OTLP_" + name)
}

func resolve(o Options) (settings, error) {
	s := settings{Options: o, limits: spanLimits()}
	var err error
	if s.propagators, err = propagators(o); err != nil {
		return s, err
	}
	if strings.EqualFold(env("OTEL_SDK_DISABLED"), "true") || strings.EqualFold(env("OTEL_TRACES_EXPORTER"), "none") {
		s.disabled = true
		return s, nil
	}
	s.Service, s.Version = serviceName(o), serviceVersion(o)
	if s.delivery, err = deliveryOptions(s.Options); err != nil {
		return s, err
	}
	s.sampler, err = chooseSampler(s.Options)
	return s, err
}

// valueLimit bounds the length of attribute values, in characters, unless
// OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT says otherwise. OpenTelemetry has
// no limit of its own, and one request body in an attribute is megabytes.
const valueLimit = 16 << 10

func spanLimits() sdktrace.SpanLimits {
	l := sdktrace.NewSpanLimits() // reads the environment
	if l.AttributeValueLengthLimit < 0 {
		l.AttributeValueLengthLimit = valueLimit
	}
	return l
}

func deliveryOptions(o Options) (delivery.Options, error) {
	d := delivery.Options{
		Headers: o.Headers, TLS: o.TLS, Dir: o.QueueDir, DiskLimit: o.QueueLimit,
		Service: o.Service, Logger: o.Logger,
	}
	if d.Dir == "" {
		d.Dir = env("KISEKI_QUEUE_DIR")
	}
	var err error
	if d.URL, err = endpoint(o); err != nil {
		return d, err
	}
	if d.Headers == nil {
		if d.Headers, err = parseHeaders(envOTLP("HEADERS")); err != nil {
			return d, err
		}
	}
	switch c := envOTLP("COMPRESSION"); c {
	case "", "gzip":
	case "none":
		d.Plain = true
	default:
		return d, fmt.Errorf("compression %q is not known: gzip or none", c)
	}
	if p := envOTLP("PROTOCOL"); o.Endpoint == "" && p != "" && p != "http/protobuf" {
		return d, fmt.Errorf("%w: OTEL_EXPORTER_OTLP_PROTOCOL is %q; set http/protobuf and the endpoint's port for it, 4318 as a rule", errProtocol, p)
	}
	if d.Timeout, err = milliseconds("TIMEOUT", envOTLP("TIMEOUT")); err != nil {
		return d, err
	}
	if d.Interval, err = milliseconds("OTEL_BSP_SCHEDULE_DELAY", env("OTEL_BSP_SCHEDULE_DELAY")); err != nil {
		return d, err
	}
	if d.MaxSpans, err = positive("OTEL_BSP_MAX_QUEUE_SIZE"); err != nil {
		return d, err
	}
	d.MaxBatch, err = positive("OTEL_BSP_MAX_EXPORT_BATCH_SIZE")
	return d, err
}

// endpoint is the URL that requests are posted to.
func endpoint(o Options) (string, error) {
	base := o.Endpoint
	if base == "" {
		if full := env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"); full != "" {
			return full, nil // as it is, says the specification
		}
		base = env("OTEL_EXPORTER_OTLP_ENDPOINT")
	}
	if base == "" {
		base = "http://localhost:4318"
	}
	u, err := url.Parse(base)
	if err != nil {
		return "", fmt.Errorf("endpoint %q: %w", base, err)
	}
	return u.JoinPath("v1/traces").String(), nil
}

// parseHeaders reads "key=value,key=value" with percent-encoded values.
func parseHeaders(list string) (map[string]string, error) {
	if list == "" {
		return nil, nil
	}
	h := map[string]string{}
	for pair := range strings.SplitSeq(list, ",") {
		k, v, ok := strings.Cut(pair, "=")
		value, err := url.PathUnescape(strings.TrimSpace(v))
		if k = strings.TrimSpace(k); !ok || k == "" || err != nil {
			// The value may be a secret.
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_HEADERS: header %q is not of the form key=value", k)
		}
		h[k] = value
	}
	return h, nil
}

func milliseconds(name, v string) (time.Duration, error) {
	if v == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(v, 10, 32)
	if err != nil || n <= 0 {
		return 0, fmt.Errorf("%s is %q, not a number of milliseconds", name, v)
	}
	return time.Duration(n) * time.Millisecond, nil
}

func positive(name string) (int, error) {
	v := env(name)
	if v == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(v, 10, 31)
	if err != nil || n <= 0 {
		return 0, fmt.Errorf("%s is %q, not a positive number", name, v)
	}
	return int(n), nil
}

// propagators chooses by OTEL_PROPAGATORS. Extracting asks all of them, the
// last that finds something wins; injecting writes the headers of all.
func propagators(o Options) (propagation.TextMapPropagator, error) {
	if o.Propagators != nil {
		return o.Propagators, nil
	}
	list := env("OTEL_PROPAGATORS")
	if list == "" {
		list = "tracecontext,baggage"
	}
	var names []string
	for n := range strings.SplitSeq(list, ",") {
		if n = strings.ToLower(strings.TrimSpace(n)); !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	var found []propagation.TextMapPropagator
	for _, n := range names {
		p, ok := propagatorNamed(n)
		if !ok {
			return nil, fmt.Errorf("propagator %q of OTEL_PROPAGATORS is not known: %s", n, propagatorNames)
		}
		if p != nil {
			found = append(found, p)
		}
	}
	return propagation.NewCompositeTextMapPropagator(found...), nil
}
