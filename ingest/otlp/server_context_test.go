package otlp

import (
	"context"
	"errors"
	"net/http"
	"testing"

	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/kiseki-dev/kiseki/telemetry"
)

type whoKey struct{}

// TestContext: headers and metadata reach Append through the context, or refuse
// the request, for now or for good.
func TestContext(t *testing.T) {
	var got []any
	sink := &sink{append: func(ctx context.Context, _ *telemetry.Batch) (telemetry.Outcome, error) {
		got = append(got, ctx.Value(whoKey{}))
		return telemetry.Outcome{}, nil
	}}
	f := start(t, sink, Options{Context: func(ctx context.Context, h http.Header) (context.Context, error) {
		switch who := h.Get("X-Who"); who {
		case "nobody":
			return nil, errors.New("who is nobody")
		case "later":
			return nil, &telemetry.RetryError{Err: errors.New("not yet")}
		default:
			return context.WithValue(ctx, whoKey{}, who), nil
		}
	}})
	body := wrapSpans(span())
	for who, want := range map[string]struct {
		http int
		grpc codes.Code
	}{"me": {200, codes.OK}, "nobody": {400, codes.InvalidArgument}, "later": {503, codes.Unavailable}} {
		if res, answer := f.post(t, body, "Content-Type", typeProto, "X-Who", who); res.StatusCode != want.http {
			t.Errorf("HTTP as %s: %s %s", who, res.Status, answer)
		}
		ctx := metadata.AppendToOutgoingContext(t.Context(), "x-who", who)
		var out coltracepb.ExportTraceServiceResponse
		if err := f.conn.Invoke(ctx, "/"+traceService+"/Export", body, &out, grpc.ForceCodecV2(rawCodec{})); status.Code(err) != want.grpc {
			t.Errorf("gRPC as %s: %v", who, err)
		}
	}
	if len(got) != 2 || got[0] != "me" || got[1] != "me" {
		t.Errorf("Append got %v", got)
	}
}
