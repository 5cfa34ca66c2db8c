package instrument

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
)

func init() {
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(error) {})) // detectors that fail are part of the tests
}

// noEnv hides the variables that this process may have.
func noEnv(t *testing.T) {
	for _, pair := range os.Environ() {
		if name, _, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "OTEL_") || strings.HasPrefix(name, "KISEKI_") || strings.HasPrefix(name, "ECS_") {
			t.Setenv(name, "")
		}
	}
}

// described is the resource as a map.
func described(t *testing.T, o Options) map[string]string {
	t.Helper()
	s, err := resolve(o)
	if err != nil {
		t.Fatal(err)
	}
	defer closeSampler(s.sampler)
	m := map[string]string{}
	for _, kv := range describe(context.Background(), s).Attributes() {
		m[string(kv.Key)] = kv.Value.String()
	}
	return m
}

func TestDescribe(t *testing.T) {
	noEnv(t)
	got := described(t, Options{})
	if got["service.name"] != "instrument" { // the package of the test binary
		t.Errorf("service.name is %q", got["service.name"])
	}
	for _, key := range []string{"service.instance.id", "host.name", "host.arch", "os.type", "process.pid",
		"process.executable.name", "process.runtime.name", "process.runtime.version", "telemetry.sdk.version"} {
		if got[key] == "" {
			t.Errorf("%s is missing", key)
		}
	}
	if _, ok := got["process.command_args"]; ok {
		t.Error("the command line is there")
	}

	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "service.name=by-attributes,service.version=9,deployment.environment.name=staging,team=a%20b")
	got = described(t, Options{})
	want(t, got, "service.name", "by-attributes")
	want(t, got, "service.version", "9")
	want(t, got, "deployment.environment.name", "staging")
	want(t, got, "team", "a b")

	t.Setenv("OTEL_SERVICE_NAME", "by-name")
	want(t, described(t, Options{}), "service.name", "by-name")

	got = described(t, Options{Service: "shop", Version: "1.2", Environment: "test", Attributes: []attribute.KeyValue{attribute.String("team", "c")}})
	want(t, got, "service.name", "shop")
	want(t, got, "service.version", "1.2")
	want(t, got, "deployment.environment.name", "test")
	want(t, got, "team", "c")

	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "service.version=9")
	want(t, described(t, Options{NotOurBuild: true}), "service.version", "9")
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "")
	got = described(t, Options{NotOurBuild: true})
	want(t, got, "service.version", "")
	want(t, got, "vcs.ref.head.revision", "")
}

func want(t *testing.T, got map[string]string, key, value string) {
	t.Helper()
	if got[key] != value {
		t.Errorf("%s is %q, not %q", key, got[key], value)
	}
}

func TestVersionOf(t *testing.T) {
	revision := []debug.BuildSetting{{Key: "vcs.revision", Value: "0123456789abcdef0123"}}
	for _, x := range []struct {
		info debug.BuildInfo
		want string
	}{
		{debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}, Settings: revision}, "v1.2.3"},
		{debug.BuildInfo{Main: debug.Module{Version: "(devel)"}, Settings: revision}, "0123456789ab"},
		{debug.BuildInfo{Settings: append(revision, debug.BuildSetting{Key: "vcs.modified", Value: "true"})}, "0123456789ab-dirty"},
		{debug.BuildInfo{}, ""},
	} {
		if got := versionOf(&x.info); got != x.want {
			t.Errorf("version is %q, not %q", got, x.want)
		}
	}
}

func TestContainerID(t *testing.T) {
	const id = "3f1c0a6e2d7b49588e0c1c8a5d1f7b6e9a4c2d3e5f60718293a4b5c6d7e8f901"
	for _, x := range []struct{ what, file, content, want string }{
		{"Docker, cgroup v1", "cgroup", "12:pids:/docker/" + id + "\n", id},
		{"systemd, cgroup v1", "cgroup", "1:name=systemd:/system.slice/docker-" + id + ".scope\n", id},
		{"Kubernetes, cgroup v1", "cgroup", "11:cpu:/kubepods/burstable/pod7e1/cri-containerd-" + id + ".scope\n", id},
		{"CRI-O, cgroup v2", "cgroup", "0::/kubepods.slice/crio-" + id + ".scope/container\n", id},
		{"ECS", "cgroup", "3:cpuset:/ecs/55091c13b8cf4801b527f8601742204e/55091c13b8cf4801b527f8601742204e-1234567890\n", "55091c13b8cf4801b527f8601742204e-1234567890"},
		{"Docker, cgroup v2", "mountinfo", "608 565 254:1 /var/lib/docker/containers/" + id + "/resolv.conf /etc/resolv.conf rw - ext4 /dev/vda1 rw\n", id},
		{"Podman, cgroup v2", "mountinfo", "1 2 0:1 /containers/overlay-containers/" + id + "/userdata/hostname /etc/hostname rw - tmpfs tmpfs rw\n", id},
		{"no container", "cgroup", "0::/user.slice/user-1000.slice/session-3.scope\n", ""},
		{"a short number", "cgroup", "0::/docker/abcdef\n", ""},
		{"no such files", "other", "", ""},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, x.file), []byte(x.content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := containerID(dir); got != x.want {
			t.Errorf("%s: %q", x.what, got)
		}
	}
}

// TestCloud: the metadata endpoints of AWS, with answers from its manuals.
func TestCloud(t *testing.T) {
	noEnv(t)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v4", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"DockerId":"cd189a933e5849daa93386466019ab50-2495160603","Name":"curl","ContainerARN":"arn:aws:ecs:us-west-2:111122223333:container/05966557"}`)
	})
	mux.HandleFunc("GET /v4/task", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"Cluster":"default","TaskARN":"arn:aws:ecs:us-west-2:111122223333:task/default/e9028f8d","Family":"curltest","Revision":"3","LaunchType":"FARGATE","AvailabilityZone":"us-west-2d"}`)
	})
	mux.HandleFunc("PUT /latest/api/token", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-aws-ec2-metadata-token-ttl-seconds") != "" {
			io.WriteString(w, "secret")
		}
	})
	mux.HandleFunc("GET /latest/dynamic/instance-identity/document", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-aws-ec2-metadata-token") != "secret" {
			http.Error(w, "", http.StatusUnauthorized)
			return
		}
		io.WriteString(w, `{"accountId":"123456789012","region":"eu-west-1","availabilityZone":"eu-west-1b","instanceId":"i-1234567890abcdef0","instanceType":"t2.micro","imageId":"ami-5fb8c835"}`)
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	t.Setenv("ECS_CONTAINER_METADATA_URI_V4", server.URL+"/v4")
	got := described(t, Options{Detectors: []resource.Detector{ECS()}})
	for key, value := range map[string]string{
		"cloud.provider": "aws", "cloud.platform": "aws_ecs", "cloud.region": "us-west-2", "cloud.account.id": "111122223333",
		"aws.ecs.task.family": "curltest", "aws.ecs.cluster.arn": "arn:aws:ecs:us-west-2:111122223333:cluster/default",
		"aws.ecs.launchtype": "fargate", "container.name": "curl", "container.id": "cd189a933e5849daa93386466019ab50-2495160603",
	} {
		want(t, got, key, value)
	}
	got = described(t, Options{Detectors: []resource.Detector{detector(func(ctx context.Context) (*resource.Resource, error) {
		return detectEC2(ctx, server.URL)
	})}})
	for key, value := range map[string]string{
		"cloud.platform": "aws_ec2", "cloud.region": "eu-west-1", "host.id": "i-1234567890abcdef0", "host.type": "t2.micro",
	} {
		want(t, got, key, value)
	}
}

// TestBadDetectors: a detector that hangs, fails or panics costs a second at
// most and nothing else.
func TestBadDetectors(t *testing.T) {
	noEnv(t)
	release := make(chan struct{})
	defer close(release)
	began := time.Now()
	got := described(t, Options{Service: "shop", Detectors: []resource.Detector{
		detector(func(context.Context) (*resource.Resource, error) { panic("detector") }),
		detector(func(context.Context) (*resource.Resource, error) { return nil, fmt.Errorf("detector") }),
		detector(func(context.Context) (*resource.Resource, error) { <-release; return nil, nil }),
	}})
	want(t, got, "service.name", "shop")
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}
