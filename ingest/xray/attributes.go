package xray

import (
	"encoding/hex"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/kiseki-dev/kiseki/telemetry"
)

// prefix begins the attributes that X-Ray has and OpenTelemetry has no name
// for, as in the Collector's receiver and exporter of X-Ray.
const prefix = "aws.xray."

// The namespaces of subsegments that are calls.
const (
	namespaceRemote = "remote"
	namespaceAWS    = "aws"
)

// What a segment says of what it ran on: attributes of the resource.
var (
	serviceNames = names{
		{"version", "service.version"}, {"runtime", "process.runtime.name"}, {"runtime_version", "process.runtime.version"},
	}
	sdkNames = names{{"sdk", "telemetry.sdk.name"}, {"sdk_version", "telemetry.sdk.version"}, {"auto_instrumentation", prefix + "auto_instrumentation"}}
	hosts    = []struct {
		member string
		names  names
	}{
		{"ec2", names{
			{"instance_id", "host.id"}, {"instance_size", "host.type"}, {"ami_id", "host.image.id"}, {"availability_zone", "cloud.availability_zone"},
		}},
		{"ecs", names{
			{"container", "container.name"}, {"container_id", "container.id"}, {"container_arn", "aws.ecs.container.arn"},
			{"cluster_arn", "aws.ecs.cluster.arn"}, {"task_arn", "aws.ecs.task.arn"}, {"task_family", "aws.ecs.task.family"},
			{"launch_type", "aws.ecs.launchtype"}, {"availability_zone", "cloud.availability_zone"},
		}},
		{"eks", names{{"cluster_name", "k8s.cluster.name"}, {"pod", "k8s.pod.name"}, {"container_id", "container.id"}}},
		{"elastic_beanstalk", names{
			{"environment_name", "deployment.environment.name"}, {"deployment_id", "aws.elastic_beanstalk.deployment_id"},
			{"version_label", "aws.elastic_beanstalk.version_label"},
		}},
	}
	platforms = []struct{ origin, platform string }{
		{"AWS::EC2::", "aws_ec2"}, {"AWS::ECS::", "aws_ecs"}, {"AWS::EKS::", "aws_eks"}, {"AWS::Lambda", "aws_lambda"},
		{"AWS::ElasticBeanstalk::", "aws_elastic_beanstalk"}, {"AWS::AppRunner::", "aws_app_runner"},
	}
)

// What a segment or subsegment did: attributes of the span.
var (
	requestNames = names{
		{"method", "http.request.method"}, {"url", "url.full"}, {"user_agent", "user_agent.original"}, {"client_ip", "client.address"},
		{"x_forwarded_for", prefix + "x_forwarded_for"}, {"traced", prefix + "traced"},
	}
	responseNames = names{{"status", "http.response.status_code"}, {"content_length", "http.response.body.size"}}
	sqlNames      = names{{"sanitized_query", "db.query.text"}, {"user", "db.user"}}
	callNames     = names{
		{"operation", "aws.operation"}, {"account_id", "aws.account_id"}, {"region", "aws.region"}, {"request_id", "aws.request_id"},
		{"queue_url", "aws.queue_url"}, {"table_name", "aws.table_name"},
	}
	segmentNames = names{
		{"user", "enduser.id"}, {"in_progress", prefix + "inprogress"}, {"fault", prefix + "fault"}, {"error", prefix + "error"},
		{"throttle", prefix + "throttle"}, {"namespace", prefix + "namespace"},
	}
)

// resource appends what a segment runs on; nothing is known of that of a
// subsegment that came apart.
func (a *appender) resource(f fields, segment bool) uint32 {
	start := uint32(len(a.b.Attrs))
	if name, _ := f["name"].(string); segment && name != "" {
		a.attr(telemetry.ServiceNameKey, telemetry.StringValue(name))
	}
	a.part(f, "service", prefix+"service.", serviceNames)
	if origin := f.text("origin"); origin != "" {
		a.attr("cloud.provider", telemetry.StringValue("aws"))
		for _, p := range platforms {
			if strings.HasPrefix(origin, p.origin) {
				a.attr("cloud.platform", telemetry.StringValue(p.platform))
			}
		}
		a.attr(prefix+"origin", telemetry.StringValue(origin))
	}
	if aws := f.object("aws"); segment && aws != nil {
		a.take(aws, names{{"account_id", "cloud.account.id"}})
		for _, h := range hosts {
			a.part(aws, h.member, prefix+h.member+".", h.names)
		}
		a.part(aws, "xray", prefix, sdkNames)
		a.logGroups(aws)
	}
	a.b.Resources = append(a.b.Resources, telemetry.Resource{Attrs: telemetry.Range{Start: start, End: uint32(len(a.b.Attrs))}})
	return uint32(len(a.b.Resources) - 1)
}

// logGroups adds the log groups of CloudWatch that a segment names.
func (a *appender) logGroups(aws fields) {
	var groups, arns []string
	list, _ := aws["cloudwatch_logs"].([]any)
	for _, entry := range list {
		group, _ := entry.(map[string]any)
		for key, value := range group {
			text, ok := value.(string)
			switch {
			case ok && key == "log_group":
				groups = append(groups, text)
			case ok && key == "arn":
				arns = append(arns, text)
			default:
				return // it stays as it is
			}
		}
	}
	a.texts("aws.log.group.names", groups)
	a.texts("aws.log.group.arns", arns)
	delete(aws, "cloudwatch_logs")
}

// texts adds a list of strings, if there are any.
func (a *appender) texts(key string, all []string) {
	var list []byte
	for _, s := range all {
		list = telemetry.AppendElement(list, telemetry.StringValue(s))
	}
	if len(all) > 0 {
		a.attr(key, telemetry.ArrayValue(string(list)))
	}
}

// spanAttributes adds what a segment or subsegment did, its links, and all of
// it that is left.
func (a *appender) spanAttributes(f fields, s *telemetry.Span) {
	namespace, _ := f["namespace"].(string)
	a.callee(f, s, namespace)
	a.http(f)
	a.sql(f)
	a.part(f, "aws", "aws.", callNames)
	a.take(f, segmentNames)
	a.annotations(f)
	if metadata := f.object("metadata"); metadata != nil {
		a.metadata(metadata)
		delete(f, "metadata")
	}
	a.links(f, s)
	a.rest(prefix, f)
}

// callee adds whom a subsegment called, which is what its name says.
func (a *appender) callee(f fields, s *telemetry.Span, namespace string) {
	if s.Kind != telemetry.KindClient {
		return
	}
	a.attr("peer.service", telemetry.StringValue(s.Name))
	if namespace == namespaceAWS {
		a.attr("rpc.system", telemetry.StringValue("aws-api"))
		a.attr("rpc.service", telemetry.StringValue(s.Name))
		if operation, ok := f.object("aws")["operation"].(string); ok {
			a.attr("rpc.method", telemetry.StringValue(operation))
		}
	}
	if database, host, ok := strings.Cut(s.Name, "@"); ok && f.object("sql") != nil { // as X-Ray's SDKs name queries
		a.attr("db.namespace", telemetry.StringValue(database))
		a.attr("server.address", telemetry.StringValue(host))
		return
	}
	text, _ := f.object("http").object("request")["url"].(string)
	if u, err := url.Parse(text); err == nil && u.Host != "" {
		host, port := u.Hostname(), u.Port()
		a.attr("server.address", telemetry.StringValue(host))
		if n, err := net.LookupPort("tcp", port); err == nil && port != "" {
			a.attr("server.port", telemetry.IntValue(int64(n)))
		}
	}
}

func (a *appender) http(f fields) {
	http := f.object("http")
	if http == nil {
		return
	}
	a.part(http, "request", prefix+"http.request.", requestNames)
	a.part(http, "response", prefix+"http.response.", responseNames)
	if len(http) == 0 {
		delete(f, "http")
	}
}

func (a *appender) sql(f fields) {
	sql := f.object("sql")
	if sql == nil {
		return
	}
	if system := sql.text("database_type"); system != "" {
		a.attr("db.system.name", telemetry.StringValue(strings.ToLower(system)))
		if strings.ToLower(system) != system {
			a.attr(prefix+"sql.database_type", telemetry.StringValue(system))
		}
	}
	a.part(f, "sql", prefix+"sql.", sqlNames)
}

// annotations adds those under their own keys, and which ones they are.
func (a *appender) annotations(f fields) {
	annotations := f.object("annotations")
	if annotations == nil {
		return
	}
	keys := make([]string, 0, len(annotations))
	for key := range annotations {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	a.texts(prefix+"annotations", keys)
	for _, key := range keys {
		a.keep(key, annotations[key])
	}
	delete(f, "annotations")
}

// metadata adds each namespace as JSON, text too, so that all of it is read
// back alike.
func (a *appender) metadata(f fields) {
	keys := make([]string, 0, len(f))
	for key := range f {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		a.attr(prefix+"metadata."+key, telemetry.StringValue(asJSON(f[key])))
	}
}

// links takes the links of a segment. One that names no span is kept with what
// is left.
func (a *appender) links(f fields, s *telemetry.Span) {
	list, _ := f["links"].([]any)
	start := len(a.b.Links)
	var left []any
	for _, entry := range list {
		m, _ := entry.(map[string]any)
		text, _ := m["trace_id"].(string)
		trace, err := telemetry.ParseTraceID(text)
		id, _ := m["id"].(string)
		var span telemetry.SpanID
		if _, bad := hex.Decode(span[:], []byte(id)); err != nil || bad != nil || len(id) != 16 || trace.IsZero() || span.IsZero() || len(m) > 2 {
			left = append(left, entry)
			continue
		}
		a.b.Links = append(a.b.Links, telemetry.Link{TraceID: trace, SpanID: span})
	}
	s.Links = telemetry.Range{Start: uint32(start), End: uint32(len(a.b.Links))}
	if len(list) > 0 {
		f["links"] = left
	}
	if len(left) == 0 && len(list) > 0 {
		delete(f, "links")
	}
}
