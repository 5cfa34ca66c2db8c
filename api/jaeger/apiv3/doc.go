// Package apiv3 is the protobuf messages and the gRPC service of Jaeger's
// api_v3. jaeger_v3.proto describes them; the rest of the package is made of
// it, with
//
//	go generate ./api/jaeger/apiv3
package apiv3

//go:generate ../../rpc/protogen/generate.sh jaeger_v3.proto
