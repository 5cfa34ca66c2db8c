package rpc

import (
	"context"
	"runtime/debug"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// unary is around every call of one message and one answer.
func (s *Server) unary(ctx context.Context, in any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (out any, err error) {
	note(ctx, in)
	err = s.call(info.FullMethod, func() (err error) {
		out, err = next(ctx, in)
		return err
	})
	return out, err
}

// stream is around every other call, those of unknown methods included.
func (s *Server) stream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	return s.call(info.FullMethod, func() error { return next(srv, listening{stream}) })
}

// call runs one call, counts it and turns a panic into INTERNAL: grpc-go runs
// calls in goroutines of their own, where a panic would end the process.
func (s *Server) call(method string, run func() error) (err error) {
	start := time.Now()
	defer func() {
		if p := recover(); p != nil {
			s.o.Logger.Error("gRPC call panicked", "method", method, "panic", p, "stack", string(debug.Stack()))
			err = status.Error(codes.Internal, "internal error; the server's log says more")
		}
		if !s.methods[method] {
			method = "unknown" // the client's own words are without number
		}
		s.o.Observe(method, codeOf(err), time.Since(start))
	}()
	return run()
}

// codeOf is the code that a client is told for err.
func codeOf(err error) codes.Code {
	if s, ok := status.FromError(err); ok {
		return s.Code()
	}
	return status.FromContextError(err).Code()
}

// unknown answers calls of methods that are not served.
func unknown(_ any, stream grpc.ServerStream) error {
	method, _ := grpc.Method(stream.Context())
	return status.Errorf(codes.Unimplemented, "no method %q is served here; reflection lists those that are", method)
}
