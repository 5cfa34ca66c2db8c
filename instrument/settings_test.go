package instrument

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kiseki-dev/kiseki/instrument/sampler"
)

// TestEnvironment: the variables of OpenTelemetry do what its specification
// says, and the program's options win.
func TestEnvironment(t *testing.T) {
	for _, x := range []struct {
		what string
		env  map[string]string
		o    Options
		got  func(settings) any
		want any
	}{
		{"endpoint by default", nil, Options{}, postsTo, "http://localhost:4318/v1/traces"},
		{"endpoint", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "https://kiseki:4318/base/"}, Options{}, postsTo, "https://kiseki:4318/base/v1/traces"},
		{"endpoint of traces", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://b/x"}, Options{}, postsTo, "http://b/x"},
		{"endpoint of the program", map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://b/x"}, Options{Endpoint: "http://c"}, postsTo, "http://c/v1/traces"},
		{"headers", map[string]string{"OTEL_EXPORTER_OTLP_HEADERS": "api-key=a%20b, tenant = x"}, Options{}, headers, map[string]string{"api-key": "a b", "tenant": "x"}},
		{"headers of the program", map[string]string{"OTEL_EXPORTER_OTLP_HEADERS": "a=b"}, Options{Headers: map[string]string{"c": "d"}}, headers, map[string]string{"c": "d"}},
		{"compression", map[string]string{"OTEL_EXPORTER_OTLP_COMPRESSION": "none"}, Options{}, func(s settings) any { return s.delivery.Plain }, true},
		{"timeout", map[string]string{"OTEL_EXPORTER_OTLP_TIMEOUT": "1500"}, Options{}, func(s settings) any { return s.delivery.Timeout }, 1500 * time.Millisecond},
		{"interval", map[string]string{"OTEL_BSP_SCHEDULE_DELAY": "20"}, Options{}, func(s settings) any { return s.delivery.Interval }, 20 * time.Millisecond},
		{"queue", map[string]string{"OTEL_BSP_MAX_QUEUE_SIZE": "7"}, Options{}, func(s settings) any { return s.delivery.MaxSpans }, 7},
		{"queue directory", map[string]string{"KISEKI_QUEUE_DIR": "/q"}, Options{}, func(s settings) any { return s.delivery.Dir }, "/q"},
		{"value limit", nil, Options{}, func(s settings) any { return s.limits.AttributeValueLengthLimit }, valueLimit},
		{"value limit by environment", map[string]string{"OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": "9"}, Options{}, func(s settings) any { return s.limits.AttributeValueLengthLimit }, 9},
		{"propagators by default", nil, Options{}, fields, "baggage,traceparent,tracestate"},
		{"propagators", map[string]string{"OTEL_PROPAGATORS": "b3, xray,b3multi,jaeger"}, Options{}, fields, "b3,uber-trace-id,x-amzn-trace-id,x-b3-sampled,x-b3-spanid,x-b3-traceid"},
		{"no propagators", map[string]string{"OTEL_PROPAGATORS": "none"}, Options{}, fields, ""},
		{"sampler by default", nil, Options{}, sampling, "ParentBased{root:AlwaysOnSampler}"},
		{"ratio", map[string]string{"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.25"}, Options{}, sampling, "TraceIDRatioBased{0.25}"},
		{"parent and ratio", map[string]string{"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.25"}, Options{}, sampling, "ParentBased{root:TraceIDRatioBased{0.25}}"},
		{"off", map[string]string{"OTEL_TRACES_SAMPLER": "always_off"}, Options{}, sampling, "AlwaysOffSampler"},
		{"Jaeger", map[string]string{"OTEL_TRACES_SAMPLER": "parentbased_jaeger_remote", "OTEL_TRACES_SAMPLER_ARG": "endpoint=http://127.0.0.1:1/sampling,pollingIntervalMs=5000,initialSamplingRate=0.25"},
			Options{Service: "shop"}, sampling, "ParentBased{root:JaegerRemote{http://127.0.0.1:1/sampling?service=shop}}"},
		{"X-Ray", map[string]string{"OTEL_TRACES_SAMPLER": "xray", "OTEL_TRACES_SAMPLER_ARG": "endpoint=http://127.0.0.1:1,polling_interval=300"}, Options{}, sampling, "ParentBased{root:XRay{http://127.0.0.1:1}}"},
		{"sampler of the program", map[string]string{"OTEL_TRACES_SAMPLER": "always_off"}, Options{Sampler: sampler.Always()}, sampling, "AlwaysOnSampler"},
		{"off altogether", map[string]string{"OTEL_SDK_DISABLED": "TRUE"}, Options{}, func(s settings) any { return s.disabled }, true},
		{"no exporter", map[string]string{"OTEL_TRACES_EXPORTER": "none"}, Options{}, func(s settings) any { return s.disabled }, true},
	} {
		t.Run(x.what, func(t *testing.T) {
			noEnv(t)
			for k, v := range x.env {
				t.Setenv(k, v)
			}
			s, err := resolve(x.o)
			if err != nil {
				t.Fatal(err)
			}
			defer closeSampler(s.sampler)
			if got := x.got(s); !reflect.DeepEqual(got, x.want) {
				t.Errorf("got %v, not %v", got, x.want)
			}
		})
	}
}

func postsTo(s settings) any { return s.delivery.URL }
func headers(s settings) any { return s.delivery.Headers }
func fields(s settings) any {
	f := s.propagators.Fields()
	slices.Sort(f)
	return strings.Join(f, ",")
}
func sampling(s settings) any { return s.sampler.Description() }

// TestBadSettings: what cannot be meant is an error that names the setting,
// and no goroutine is left.
func TestBadSettings(t *testing.T) {
	for name, value := range map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": "localhost:4318", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "ftp://x", "OTEL_EXPORTER_OTLP_HEADERS": "novalue",
		"OTEL_EXPORTER_OTLP_COMPRESSION": "zstd", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_TIMEOUT": "soon",
		"OTEL_BSP_SCHEDULE_DELAY": "-1", "OTEL_BSP_MAX_QUEUE_SIZE": "0", "OTEL_PROPAGATORS": "ottrace", "OTEL_TRACES_SAMPLER": "sometimes",
	} {
		noEnv(t)
		t.Setenv(name, value)
		stop, err := Start(t.Context(), Options{})
		if err == nil {
			t.Errorf("%s=%s was taken", name, value)
		}
		if err := stop(t.Context()); err != nil {
			t.Error(err)
		}
		t.Setenv(name, "")
	}
	for _, arg := range []string{"2", "x", "-1"} {
		t.Setenv("OTEL_TRACES_SAMPLER", "traceidratio")
		t.Setenv("OTEL_TRACES_SAMPLER_ARG", arg)
		if _, err := Start(t.Context(), Options{}); err == nil {
			t.Errorf("a ratio of %s was taken", arg)
		}
	}
	for _, arg := range []string{"endpoint", "endpoint=:", "colour=red", "pollingIntervalMs=x", "initialSamplingRate=7"} {
		t.Setenv("OTEL_TRACES_SAMPLER", "jaeger_remote")
		t.Setenv("OTEL_TRACES_SAMPLER_ARG", arg)
		if _, err := Start(t.Context(), Options{}); err == nil {
			t.Errorf("%q was taken", arg)
		}
	}
}

// TestDisabled: a program runs with tracing off as it does with it on.
func TestDisabled(t *testing.T) {
	noEnv(t)
	t.Setenv("OTEL_SDK_DISABLED", "true")
	p, err := New(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, span := p.TracerProvider().Tracer("x").Start(t.Context(), "x")
	span.End()
	if err := p.Flush(t.Context()); err != nil {
		t.Error(err)
	}
	if err := p.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if s := p.Stats(); s != (Stats{}) {
		t.Errorf("stats: %+v", s)
	}
}

// TestReadme: the table of options has every option and every variable.
func TestReadme(t *testing.T) {
	page, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"KISEKI_QUEUE_DIR"}
	for f := range reflect.TypeFor[Options]().Fields() {
		names = append(names, f.Name)
	}
	for _, file := range []string{"settings.go", "choose.go", "describe.go"} {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`"(OTEL_[A-Z_]*[A-Z])"`).FindAllSubmatch(source, -1) {
			names = append(names, string(m[1]))
		}
		for _, m := range regexp.MustCompile(`envOTLP\("([A-Z_]+)"\)`).FindAllSubmatch(source, -1) {
			names = append(names, "OTEL_EXPORTER_OTLP_"+string(m[1]))
		}
	}
	for _, n := range names {
		if !strings.Contains(string(page), "`"+n) {
			t.Errorf("README.md does not have %s", n)
		}
	}
}
