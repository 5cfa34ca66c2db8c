package grpctrace_test

import (
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/kiseki-dev/kiseki/instrument/grpctrace"
)

func ExampleServer() {
	server := grpc.NewServer(grpc.StatsHandler(grpctrace.Server(grpctrace.Except("grpc.health.v1.Health/*"))))
	defer server.Stop()
}

func ExampleClient() {
	conn, err := grpc.NewClient("dns:///checkout.shop.internal:4317",
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithStatsHandler(grpctrace.Client()))
	if err != nil {
		return
	}
	_ = conn.Close()
}
