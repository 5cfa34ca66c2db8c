// Package tempopb is the protobuf messages and the gRPC service that clients
// of Grafana Tempo speak. tempo.proto describes them; the rest of
// the package is made of it, with
//
//	go generate ./api/tempo/tempopb
package tempopb

//go:generate ../../rpc/protogen/generate.sh tempo.proto
