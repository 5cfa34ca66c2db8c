// Package grpctrace traces gRPC servers and clients, calls and streams alike,
// through gRPC's stats handlers:
//
//	server := grpc.NewServer(grpc.StatsHandler(grpctrace.Server()))
//	conn, err := grpc.NewClient(target, grpc.WithStatsHandler(grpctrace.Client()))
//
// A span has the name of the method, such as "shop.Checkout/PlaceOrder", and
// lasts from the first to the last byte of a call, retries included. Names
// and attributes are those of the semantic conventions v1.43,
// https://opentelemetry.io/docs/specs/semconv/rpc/grpc/.
//
// A server's span is an error for the codes that are the server's fault
// (UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE and
// DATA_LOSS), a client's for every code but OK.
package grpctrace
