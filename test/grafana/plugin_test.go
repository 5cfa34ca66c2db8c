package grafana

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/genproto/pluginv2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// plugin is a running data-source plugin, configured for one kiseki.
type plugin struct {
	conn    *grpc.ClientConn
	context *pluginv2.PluginContext
}

// start runs a plugin with the JSON of its settings and Grafana's feature
// toggles.
func start(t *testing.T, name, url, settings, toggles string) *plugin {
	t.Helper()
	cmd := exec.Command(filepath.Join(os.Getenv("KISEKI_GRAFANA_PLUGINS"), name))
	// As Grafana starts it; without the first it says that it is a plugin and ends.
	cmd.Env = append(os.Environ(), "grafana_plugin_type=datasource", "PLUGIN_PROTOCOL_VERSIONS=2",
		"PLUGIN_UNIX_SOCKET_DIR="+t.TempDir())
	stdout := run(t, cmd)
	if !stdout.Scan() {
		t.Fatalf("the plugin %s did not start; is it in KISEKI_GRAFANA_PLUGINS?", name)
	}
	// 1|2|unix|/tmp/plugin123|grpc|
	hello := strings.Split(stdout.Text(), "|")
	if len(hello) < 5 || hello[2] != "unix" || hello[4] != "grpc" {
		t.Fatalf("the plugin %s says %q", name, stdout.Text())
	}
	conn, err := grpc.NewClient("unix:"+hello[3], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &plugin{conn, &pluginv2.PluginContext{
		OrgId: 1, PluginId: name,
		DataSourceInstanceSettings: &pluginv2.DataSourceInstanceSettings{
			Id: 1, Uid: "kiseki", Name: "Kiseki", Url: url, JsonData: []byte(settings), LastUpdatedMS: 1,
		},
		GrafanaConfig: map[string]string{"GF_INSTANCE_FEATURE_TOGGLES_ENABLE": toggles},
	}}
}

// health is what "Save & test" says.
func (p *plugin) health(t *testing.T) string {
	t.Helper()
	resp, err := pluginv2.NewDiagnosticsClient(p.conn).CheckHealth(t.Context(), &pluginv2.CheckHealthRequest{PluginContext: p.context})
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s: %s\n", resp.Status, resp.Message)
}

// resource is the answer to a GET by which Grafana's page fills its lists.
func (p *plugin) resource(t *testing.T, url string) string {
	t.Helper()
	path, _, _ := strings.Cut(url, "?")
	stream, err := pluginv2.NewResourceClient(p.conn).CallResource(t.Context(), &pluginv2.CallResourceRequest{
		PluginContext: p.context, Method: "GET", Path: path, Url: url,
	})
	if err != nil {
		t.Fatal(err)
	}
	var code int32
	var body []byte
	for {
		part, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return fmt.Sprintf("%d %s\n", code, pretty(t, body))
		}
		if err != nil {
			t.Fatal(err)
		}
		code = max(code, part.Code)
		body = append(body, part.Body...)
	}
}

// query runs one query and prints its frames.
func (p *plugin) query(t *testing.T, kind, json string) string {
	t.Helper()
	resp, err := pluginv2.NewDataClient(p.conn).QueryData(t.Context(), &pluginv2.QueryDataRequest{
		PluginContext: p.context, Format: pluginv2.DataFrameFormat_JSON,
		Queries: []*pluginv2.DataQuery{{
			RefId: "A", QueryType: kind, Json: []byte(json), TimeRange: &pluginv2.TimeRange{FromEpochMS: from.UnixMilli(), ToEpochMS: to.UnixMilli()},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	answer := resp.Responses["A"]
	if answer.GetError() != "" {
		return fmt.Sprintf("error, %s: %s\n", answer.ErrorSource, answer.Error)
	}
	var text strings.Builder
	for _, f := range answer.GetFrames() {
		text.WriteString(printFrame(t, f))
	}
	return text.String()
}

// stream follows a query whose answer comes in parts, to the last of them. The
// query's JSON lacks its braces and the time.
func (p *plugin) stream(t *testing.T, path, query string) string {
	t.Helper()
	json := fmt.Sprintf(`{%s, "timeRange": {"from": %q, "to": %q}}`, query, from.Format(time.RFC3339), to.Format(time.RFC3339))
	stream, err := pluginv2.NewStreamClient(p.conn).RunStream(t.Context(), &pluginv2.RunStreamRequest{
		PluginContext: p.context, Path: path, Data: []byte(json),
	})
	if err != nil {
		t.Fatal(err)
	}
	last := "nothing\n"
	for {
		part, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return last
		}
		if err != nil {
			t.Fatal(err)
		}
		last = printFrame(t, part.Data)
	}
}

// from and to are the time that queries are about: the minute of the base.
var from, to = base.Add(-30 * time.Second), base.Add(30 * time.Second)
