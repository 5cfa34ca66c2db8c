package main

import (
	"crypto/tls"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
)

// dialWeb connects a gRPC client to the port of the UI.
func (r *running) dialWeb(t *testing.T, trust *tls.Config) *grpc.ClientConn {
	t.Helper()
	creds := insecure.NewCredentials()
	if trust != nil {
		creds = credentials.NewTLS(trust.Clone())
	}
	_, address, _ := strings.Cut(r.web, "://")
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(creds))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func wantServing(t *testing.T, conn *grpc.ClientConn, service string) {
	t.Helper()
	answer, err := grpc_health_v1.NewHealthClient(conn).Check(t.Context(), &grpc_health_v1.HealthCheckRequest{Service: service})
	if err != nil || answer.Status != grpc_health_v1.HealthCheckResponse_SERVING {
		t.Errorf("gRPC health of %q: %v, %v", service, answer, err)
	}
}

// TestEveryServiceIsReflected does what grpcurl does to describe all that a
// server has: every service is listed, healthy, and in a file whose imports
// can be had too.
func TestEveryServiceIsReflected(t *testing.T) {
	r := startServe(t, t.TempDir(), "--retention-age", "0")
	conn := r.dialWeb(t, nil)
	stream, err := grpc_reflection_v1.NewServerReflectionClient(conn).ServerReflectionInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ask := func(q *grpc_reflection_v1.ServerReflectionRequest) *grpc_reflection_v1.ServerReflectionResponse {
		t.Helper()
		if err := stream.Send(q); err != nil {
			t.Fatal(err)
		}
		answer, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	list := ask(&grpc_reflection_v1.ServerReflectionRequest{MessageRequest: &grpc_reflection_v1.ServerReflectionRequest_ListServices{}})
	var names []string
	for _, s := range list.GetListServicesResponse().GetService() {
		names = append(names, s.Name)
		wantServing(t, conn, s.Name)
		answer := ask(&grpc_reflection_v1.ServerReflectionRequest{
			MessageRequest: &grpc_reflection_v1.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: s.Name},
		})
		methods := 0
		for _, raw := range answer.GetFileDescriptorResponse().GetFileDescriptorProto() {
			var file descriptorpb.FileDescriptorProto
			if err := proto.Unmarshal(raw, &file); err != nil {
				t.Fatal(err)
			}
			for _, described := range file.Service {
				if file.GetPackage()+"."+described.GetName() == s.Name {
					methods = len(described.Method)
				}
			}
		}
		if methods == 0 {
			t.Errorf("%s: reflection describes no method: %v", s.Name, answer)
		}
	}
	if !slices.Contains(names, "grpc.health.v1.Health") {
		t.Errorf("services: %v", names)
	}
	if err := stream.CloseSend(); err != nil {
		t.Error(err)
	}
	_, body := r.get(t, "/metrics")
	if line := `kiseki_api_requests_total{route="/grpc.health.v1.Health/Check",status="OK"}`; !strings.Contains(body, line) {
		t.Errorf("/metrics has no line %s", line)
	}
}
