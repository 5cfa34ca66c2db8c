package instrument

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk"
	"go.opentelemetry.io/otel/sdk/resource"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// detectorLimit bounds what each of Options.Detectors may take of the start.
const detectorLimit = time.Second

// describe is the resource: what is known for sure first, then what the
// environment says, then what the program says; the later wins. What cannot
// be found out is left out. Command lines are never in it: they hold secrets.
func describe(ctx context.Context, s settings) *resource.Resource {
	res := resource.NewWithAttributes(semconv.SchemaURL, processAttributes(!s.NotOurBuild)...)
	for _, d := range s.Detectors {
		res = merge(res, detect(ctx, d))
	}
	res = merge(res, resource.Environment())
	own := append([]attribute.KeyValue{semconv.ServiceName(s.Service)}, s.Attributes...)
	if s.Version != "" {
		own = append(own, semconv.ServiceVersion(s.Version))
	}
	if s.Environment != "" {
		own = append(own, semconv.DeploymentEnvironmentNameKey.String(s.Environment))
	}
	return merge(res, resource.NewSchemaless(own...))
}

// merge keeps a when b is of another schema version: the names that we use
// have not changed between versions.
func merge(a, b *resource.Resource) *resource.Resource {
	if b == nil {
		return a
	}
	m, err := resource.Merge(a, resource.NewSchemaless(b.Attributes()...))
	if err != nil {
		return a
	}
	return m
}

// detect asks a detector that may hang, fail or panic.
func detect(ctx context.Context, d resource.Detector) *resource.Resource {
	ctx, cancel := context.WithTimeout(ctx, detectorLimit)
	defer cancel()
	found := make(chan *resource.Resource, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				otel.Handle(fmt.Errorf("resource detector %T: panic: %v", d, p))
				found <- nil
			}
		}()
		res, err := d.Detect(ctx)
		if err != nil {
			otel.Handle(fmt.Errorf("resource detector %T: %w", d, err))
		}
		found <- res
	}()
	select {
	case res := <-found:
		return res
	case <-ctx.Done():
		otel.Handle(fmt.Errorf("resource detector %T: %w", d, ctx.Err()))
		return nil
	}
}

func processAttributes(build bool) []attribute.KeyValue {
	kvs := []attribute.KeyValue{
		semconv.TelemetrySDKName("opentelemetry"),
		semconv.TelemetrySDKLanguageGo,
		semconv.TelemetrySDKVersion(sdk.Version()),
		semconv.TelemetryDistroName("kiseki-instrument"),
		semconv.ServiceInstanceID(rand.Text()),
		semconv.HostArchKey.String(runtime.GOARCH),
		semconv.OSTypeKey.String(runtime.GOOS),
		semconv.ProcessPID(os.Getpid()),
		semconv.ProcessExecutableName(executable()),
		semconv.ProcessRuntimeName("go"),
		semconv.ProcessRuntimeVersion(runtime.Version()),
	}
	if host, err := os.Hostname(); err == nil {
		kvs = append(kvs, semconv.HostName(host))
	}
	if id := containerID("/proc/self"); id != "" {
		kvs = append(kvs, semconv.ContainerID(id))
	}
	if b, ok := debug.ReadBuildInfo(); ok && build {
		if revision := buildSetting(b, "vcs.revision"); revision != "" {
			kvs = append(kvs, semconv.VCSRefHeadRevision(revision))
		}
	}
	return kvs
}

func executable() string {
	if p, err := os.Executable(); err == nil {
		return filepath.Base(p)
	}
	return filepath.Base(os.Args[0])
}

// serviceName is never empty.
func serviceName(o Options) string {
	if o.Service != "" {
		return o.Service
	}
	if n := env("OTEL_SERVICE_NAME"); n != "" {
		return n
	}
	if v, ok := resource.Environment().Set().Value(semconv.ServiceNameKey); ok && v.AsString() != "" {
		return v.AsString()
	}
	if b, ok := debug.ReadBuildInfo(); ok && b.Path != "" && b.Path != "command-line-arguments" {
		return path.Base(strings.TrimSuffix(b.Path, ".test"))
	}
	return "unknown_service:" + executable()
}

// serviceVersion is empty when the environment has it or nobody knows.
func serviceVersion(o Options) string {
	if o.Version != "" {
		return o.Version
	}
	if o.NotOurBuild || resource.Environment().Set().HasValue(semconv.ServiceVersionKey) {
		return ""
	}
	b, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	return versionOf(b)
}

// versionOf is the version of the main module, or else the revision.
func versionOf(b *debug.BuildInfo) string {
	if v := b.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	revision := buildSetting(b, "vcs.revision")
	if len(revision) > 12 {
		revision = revision[:12]
	}
	if revision != "" && buildSetting(b, "vcs.modified") == "true" {
		revision += "-dirty"
	}
	return revision
}

func buildSetting(b *debug.BuildInfo, key string) string {
	for _, s := range b.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
}
