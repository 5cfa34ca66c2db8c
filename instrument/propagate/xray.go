package propagate

import (
	"context"
	"strings"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/kiseki-dev/kiseki/instrument/internal/hint"
)

// XRay reads and writes the header X-Amzn-Trace-Id of AWS,
//
//	Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1
//
// A load balancer sends a Root without a Parent: the first span then is a
// root in that trace. "Sampled=?" leaves the decision to the sampler. Keys
// that it does not know are passed on within the trace, such as Lineage; Self
// is the load balancer's and dropped.
// https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
type XRay struct{}

const (
	xrayHeader = "x-amzn-trace-id"
	// maxXRay bounds what is read and passed on, as AWS does.
	maxXRay = 1024
)

// xrayOthers are the keys to pass on with the trace.
type xrayOthers struct {
	traceID trace.TraceID
	text    string // with a leading semicolon
}

type xrayOthersKey struct{}

// Inject implements propagation.TextMapPropagator.
func (XRay) Inject(ctx context.Context, carrier propagation.TextMapCarrier) {
	sc := trace.SpanContextFromContext(ctx)
	if !sc.IsValid() {
		return
	}
	id := sc.TraceID().String()
	sampled := "0"
	if sc.IsSampled() {
		sampled = "1"
	} else if h, ok := hint.For(ctx, sc); ok && sc.IsRemote() && h.Decision == hint.Deferred {
		sampled = "?" // nobody has decided here
	}
	header := "Root=1-" + id[:8] + "-" + id[8:] + ";Parent=" + sc.SpanID().String() + ";Sampled=" + sampled
	if others, ok := ctx.Value(xrayOthersKey{}).(xrayOthers); ok && others.traceID == sc.TraceID() {
		header += others.text
	}
	carrier.Set(xrayHeader, header)
}

// Extract implements propagation.TextMapPropagator.
func (XRay) Extract(ctx context.Context, carrier propagation.TextMapCarrier) context.Context {
	f, others, ok := parseXRay(carrier.Get(xrayHeader))
	if !ok {
		return ctx
	}
	if others != "" {
		ctx = context.WithValue(ctx, xrayOthersKey{}, xrayOthers{f.traceID, others})
	}
	return f.put(ctx)
}

// Fields implements propagation.TextMapPropagator.
func (XRay) Fields() []string { return []string{xrayHeader} }

func parseXRay(header string) (f found, others string, ok bool) {
	if len(header) > maxXRay {
		return found{}, "", false
	}
	for part := range strings.SplitSeq(header, ";") {
		part = strings.TrimSpace(part)
		key, value, isPair := strings.Cut(part, "=")
		switch key = strings.TrimSpace(key); {
		case !isPair || key == "":
		case strings.EqualFold(key, "Root"):
			if f.traceID, f.hasTrace = parseXRayRoot(strings.TrimSpace(value)); !f.hasTrace {
				return found{}, "", false
			}
		case strings.EqualFold(key, "Parent"):
			if f.spanID, ok = parseSpanID(strings.TrimSpace(value), 16); !ok {
				return found{}, "", false
			}
		case strings.EqualFold(key, "Sampled"):
			f.decided, f.sampled = parseB3Sampled(strings.TrimSpace(value)) // 0, 1; ? is undecided
		case strings.EqualFold(key, "Self"):
		case strings.ContainsFunc(part, notForHeaders):
		default:
			others += ";" + part
		}
	}
	return f, others, f.hasTrace
}

// parseXRayRoot reads "1-", eight digits, "-" and 24 digits.
func parseXRayRoot(s string) (trace.TraceID, bool) {
	if len(s) != 35 || s[:2] != "1-" || s[10] != '-' {
		return trace.TraceID{}, false
	}
	return parseTraceID(s[2:10]+s[11:], 32)
}

// notForHeaders are characters that would make the outgoing request invalid.
func notForHeaders(r rune) bool { return r <= ' ' || r > '~' }
