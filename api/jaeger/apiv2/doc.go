// Package apiv2 is the protobuf messages and the gRPC service of Jaeger's
// api_v2. jaeger_v2.proto describes them; the rest of the package is made of
// it, with
//
//	go generate ./api/jaeger/apiv2
package apiv2

//go:generate ../../rpc/protogen/generate.sh jaeger_v2.proto
