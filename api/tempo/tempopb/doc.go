// Package tempopb is the protobuf messages and the gRPC service that clients
// of Grafana Tempo speak. tempo.proto describes them; generate.sh makes the
// rest of the package of it, with
//
//	go generate ./api/tempo/tempopb
package tempopb

//go:generate ./generate.sh
