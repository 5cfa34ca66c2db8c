package jaeger

import (
	"context"
	"fmt"
	"math"
	"net/http"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/kiseki-dev/kiseki/ingest/pb"
)

// Clients of Jaeger ask how much to sample. They are told to send everything:
// kiseki keeps what it gets, and a client without an answer would send a
// thousandth.
const (
	samplingRate = 1.0
	strategyJSON = `{"strategyType":"PROBABILISTIC","probabilisticSampling":{"samplingRate":1}}`
)

// strategyProto is the SamplingStrategyResponse that says so
// (jaeger-idl, proto/api_v2/sampling.proto).
var strategyProto = func() []byte {
	rate := protowire.AppendFixed64(protowire.AppendTag(nil, 1, protowire.Fixed64Type), math.Float64bits(samplingRate))
	return protowire.AppendBytes(protowire.AppendTag(nil, 2, protowire.BytesType), rate) // probabilisticSampling
}()

// samplingHandler answers GET /sampling?service=NAME, as Jaeger's agent and
// collector do.
func samplingHandler() http.Handler {
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, r *http.Request) {
		if services := r.URL.Query()["service"]; len(services) != 1 || services[0] == "" {
			http.Error(w, "'service' parameter must be provided once", http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, strategyJSON)
	}
	mux.HandleFunc("GET /sampling", answer)
	mux.HandleFunc("GET /{$}", answer)
	return mux
}

// samplingService answers the same over gRPC. Its two messages are of a string
// and of a number: as a message without known fields they need no generated
// types.
var samplingService = grpc.ServiceDesc{
	ServiceName: "jaeger.api_v2.SamplingManager",
	HandlerType: (*any)(nil),
	Metadata:    "sampling.proto",
	Methods: []grpc.MethodDesc{{MethodName: "GetSamplingStrategy", Handler: func(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
		in, out := &emptypb.Empty{}, &emptypb.Empty{}
		if err := decode(in); err != nil {
			return nil, err
		}
		named := false
		err := pb.Walk(in.ProtoReflect().GetUnknown(), func(key int, _ uint64, payload []byte) error {
			named = named || key == 1<<3|pb.Bytes && len(payload) > 0
			return nil
		})
		if err != nil || !named {
			return nil, status.Error(codes.InvalidArgument, "serviceName must be provided")
		}
		out.ProtoReflect().SetUnknown(strategyProto)
		return out, nil
	}}},
}
