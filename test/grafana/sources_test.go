package grafana

import (
	"os"
	"testing"
)

const (
	trace = "5b8efff798038103d269b633813fc60c"
	other = "00000000000000000000000000000abc" // has attributes of every type
	none  = "00000000000000000000000000000123" // is not stored
)

// TestDataSources lets every plugin ask all that it can ask of its backend.
func TestDataSources(t *testing.T) {
	if os.Getenv("KISEKI_GRAFANA_PLUGINS") == "" {
		t.Skip("NOT RUN: Grafana's plugins are not built. Run `make test`, or:\n" +
			"\tplugins=$(test/grafana/plugins.sh)\n" +
			"\tcd test/grafana && KISEKI_GRAFANA_PLUGINS=$plugins go test .")
	}
	url := kiseki(t)
	for _, c := range []struct {
		name              string // of the file in testdata
		plugin            string
		path              string // of the data source's URL
		settings, toggles string
		ask               func(*testing.T, *plugin, *script)
	}{
		{"jaeger", "jaeger", "", `{}`, "", jaeger},
		{"jaeger-v3", "jaeger", "", `{"traceIdTimeParams": {"enabled": true}}`, "jaegerEnableGrpcEndpoint", jaegerV3},
		{"zipkin", "zipkin", "", `{}`, "", zipkin},
		{"tempo", "tempo", "/tempo", `{}`, "", tempo},
		{"tempo-streaming", "tempo", "/tempo", `{"streamingEnabled": {"search": true, "metrics": true}}`, "", tempoStreaming},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := start(t, c.plugin, url+c.path, c.settings, c.toggles)
			var s script
			s.add("health", p.health(t))
			c.ask(t, p, &s)
			s.check(t, "testdata/"+c.name+".txt")
		})
	}
}

// jaeger asks as the data source does by default, over Jaeger's first API.
func jaeger(t *testing.T, p *plugin, s *script) {
	s.add("services", p.resource(t, "services"))
	s.add("operations of shop", p.resource(t, "services/shop/operations"))
	for _, query := range []string{
		`{"queryType": "search", "service": "shop", "limit": 20}`,
		`{"queryType": "search", "service": "cart", "limit": 1}`,
		`{"queryType": "search", "service": "shop", "operation": "GET /cart", "minDuration": "200ms", "maxDuration": "1s", "tags": "http.response.status_code=500 error=true"}`,
		`{"queryType": "search", "service": "shop", "minDuration": "2s"}`,
		`{"queryType": "dependencyGraph"}`,
		`{"query": "` + trace + `"}`, `{"query": "` + other + `"}`, `{"query": "` + none + `"}`, `{"query": "a.b"}`,
	} {
		s.add(query, p.query(t, "", query))
	}
}

// jaegerV3 asks over Jaeger's newer API, with the time range beside a trace's
// ID. The plugin cannot read a trace with an attribute that is a bool or a
// double: it takes them for strings, which OTLP's JSON never has there.
func jaegerV3(t *testing.T, p *plugin, s *script) {
	s.add("services", p.resource(t, "services"))
	s.add("operations of shop", p.resource(t, "services/shop/operations"))
	for _, id := range []string{trace, other, none} {
		s.add("trace "+id, p.query(t, "", `{"query": "`+id+`"}`))
	}
}

func zipkin(t *testing.T, p *plugin, s *script) {
	for _, url := range []string{
		"services", "spans?serviceName=shop", "traces?serviceName=shop&spanName=GET+%2Fcart", "trace/" + other,
	} {
		s.add(url, p.resource(t, url))
	}
	for _, id := range []string{trace, other, none, "a.b"} {
		s.add("trace "+id, p.query(t, "", `{"query": "`+id+`"}`))
	}
}

func tempo(t *testing.T, p *plugin, s *script) {
	for _, url := range []string{
		"tags", "tags?scope=resource", "tag-values?tag=resource.service.name", "tag-values?tag=status", "tag-values?tag=kind",
		"tag-values?tag=name&q=%7Bresource.service.name%3D%22cart%22%7D",
	} {
		s.add(url, p.resource(t, url))
	}
	for _, query := range []string{
		`{"query": "{ resource.service.name = \"shop\" }", "limit": 20, "spss": 3, "tableType": "traces"}`,
		`{"query": "{ } | select(span.dry, span.share)", "limit": 20, "tableType": "spans"}`,
		`{"query": "{ nestedSetParent < 0 && true } | select(resource.service.name, nestedSetParent)", "tableType": "spans"}`,
		`{"query": "{ span.none = 1 }", "limit": 20}`,
		`{"query": "{ span.a = }", "limit": 20}`,
		`{"query": "{ } | count_over_time() by (resource.service.name)", "metricsQueryType": "instant"}`,
		`{"query": "{ } | count_over_time() by (resource.service.name)", "step": "1h"}`,
		`{"query": "{ resource.service.name = \"shop\" } | quantile_over_time(duration, .5) by (name)", "step": "1h", "exemplars": 2}`,
		`{"query": "{ } | histogram_over_time(duration)", "step": "1h"}`,
	} {
		s.add("traceql "+query, p.query(t, "traceql", query))
	}
	for _, id := range []string{trace, other, none, "a.b"} {
		s.add("trace "+id, p.query(t, "traceId", `{"query": "`+id+`"}`))
	}
}

// tempoStreaming asks over gRPC, on the port that HTTP has.
func tempoStreaming(t *testing.T, p *plugin, s *script) {
	for _, c := range []struct{ path, query string }{
		{"search/1", `"query": "{ resource.service.name = \"shop\" }", "limit": 20, "spss": 3`},
		{"search/2", `"query": "{ span.a = }", "limit": 20`},
		{"metrics/3", `"query": "{ } | count_over_time() by (resource.service.name)", "step": 3600000000000`},
		{"metrics/4", `"query": "{ } | count_over_time() by (resource.service.name)", "metricsQueryType": "instant"`},
	} {
		s.add(c.path+" "+c.query, p.stream(t, c.path, c.query))
	}
}
