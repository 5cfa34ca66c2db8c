package config

import (
	"slices"
	"strings"
)

// Setting is the description of one setting: the only place that names it.
type Setting struct {
	Group string // heading in help and reference
	Key   string // path in the file, such as "otlp.http.address"
	Flag  string // without dashes, such as "otlp-http"
	Meta  string // what a value looks like, such as "ADDRESS"
	Help  string // one or more sentences

	value value
}

// Env is the environment variable of the setting.
func (s Setting) Env() string {
	return "KISEKI_" + strings.ToUpper(strings.ReplaceAll(s.Flag, "-", "_"))
}

// Value is the setting's present value as text that would set it so again.
func (s Setting) Value() string { return s.value.String() }

// Shown is Value without what is secret of it.
func (s Setting) Shown() string {
	if v, ok := s.value.(secretValue); ok {
		return v.shown()
	}
	return s.Value()
}

// Settings are all settings of c in the order of the reference.
func (c *Config) Settings() []Setting {
	return slices.Concat([]Setting{
		{"Data", "data", "data", "DIR",
			"The data folder. It is created if absent and belongs to one running kiseki at a time.",
			textValue{&c.Data}},
		{"Data", "retention.age", "retention-age", "DURATION",
			"Spans older than this are deleted, whole segments at a time. 0 keeps them until retention.bytes is reached.",
			durationValue{&c.Retention.Age}},
		{"Data", "retention.bytes", "retention-bytes", "SIZE",
			"When the stored segments are larger than this together, the oldest are deleted. 0 is without limit.",
			sizeValue{&c.Retention.Bytes}},
		{"Data", "retention.rules", "retention-rules", "RULES",
			"How long traces are kept that a TraceQL query matches, a list such as [{match: \"{ status = error }\", age: 30d}]. The first rule that matches a trace counts; without one it is kept for retention.age. 0 keeps for ever. Applied to whole segments when their newest span has that age.",
			rulesValue{&c.Retention.Rules}},
		{"Data", "retention.disk-watermark", "retention-disk-watermark", "SIZE",
			"With less free space on the data folder's volume the oldest segments are deleted, before retention.age is reached. 0 never deletes early: kiseki then stops taking spans at storage.min-free-bytes. Set it above that.",
			sizeValue{&c.Retention.DiskWatermark}},
		{"Data", "backup.directory", "backup-directory", "DIR",
			"The folder that the server may write backups to when \"kiseki backup\" asks for one. Empty: it refuses.",
			textValue{&c.Backup.Directory}},

		{"Data", "tenants.enabled", "tenants", "BOOL",
			"true keeps the data of each tenant apart, in a store of its own; the header X-Scope-OrgID of a request names the tenant. false ignores the header.",
			boolValue{&c.Tenants.Enabled}},
		{"Data", "tenants.max", "max-tenants", "COUNT",
			"How many tenants there may be. Spans of further ones are refused.",
			countValue{&c.Tenants.Max}},
	}, c.listeningSettings(), c.kafkaSettings(), []Setting{
		{"Limits", "limits.memory", "max-memory", "SIZE",
			"Memory of the process, at least 256MiB. Garbage is collected in time for it, and sizes that are 0 are chosen for it. 0 takes a quarter of the machine's memory, or of the container's.",
			sizeValue{&c.Limits.Memory}},
		{"Limits", "limits.request-bytes", "max-request-bytes", "SIZE",
			"The largest request of any receiver as sent. A larger one is answered 413 or RESOURCE_EXHAUSTED.",
			sizeValue{&c.Limits.RequestBytes}},
		{"Limits", "limits.decompressed-bytes", "max-decompressed-bytes", "SIZE",
			"The largest request of any receiver after decompression.",
			sizeValue{&c.Limits.DecompressedBytes}},
		{"Limits", "limits.in-flight-bytes", "max-in-flight-bytes", "SIZE",
			"Decompressed bytes of all requests being handled, of all receivers together. Beyond it clients are told to send again later. 0 takes a twelfth of limits.memory, at most 256MiB, and bounds limits.decompressed-bytes by it.",
			sizeValue{&c.Limits.InFlightBytes}},
		{"Limits", "limits.attributes", "max-attributes", "COUNT",
			"Attributes of one span, event, link, scope or resource. Further ones are dropped and counted.",
			countValue{&c.Limits.Attributes}},
		{"Limits", "limits.value-bytes", "max-value-bytes", "SIZE",
			"The longest attribute value. Longer strings and byte strings are cut and counted.",
			smallSizeValue{&c.Limits.ValueBytes}},
		{"Limits", "limits.events", "max-events", "COUNT",
			"Events of one span, and links of one span. Further ones are dropped and counted.",
			countValue{&c.Limits.Events}},
	}, c.querySettings(), []Setting{
		{"Forwarding", "forward", "forward", "DESTINATIONS",
			"Where spans are sent on to, a list such as [{name: backup, to: \"otlp+grpc://collector:4317\", match: \"{ status = error }\"}]. docs/forwarding.md says what there is.",
			forwardValue{&c.Forward}},

		{"Storage", "storage.flush-bytes", "flush-bytes", "SIZE",
			"When new spans take this much memory they are written to a segment. Up to three times as much is in use. 0 takes a twelfth of limits.memory, at most 64MiB.",
			sizeValue{&c.Storage.FlushBytes}},
		{"Storage", "storage.flush-age", "flush-age", "DURATION",
			"Spans are written to a segment after this time at the latest. They are durable and searchable before.",
			durationValue{&c.Storage.FlushAge}},
		{"Storage", "storage.cache-bytes", "cache-bytes", "SIZE",
			"Memory for decoded parts of segments. 0 takes a twelfth of limits.memory, at most 128MiB.",
			sizeValue{&c.Storage.CacheBytes}},
		{"Storage", "storage.min-free-bytes", "min-free-bytes", "SIZE",
			"With less free space on the data folder's volume clients are told to send again later. On a small volume 5 % of it count, where that is less, but at least twice storage.flush-bytes.",
			sizeValue{&c.Storage.MinFreeBytes}},
		{"Storage", "storage.erase-after", "erase-after", "DURATION",
			"Deleted traces are erased from disk after this time, those deleted meanwhile together with them. They are in no answer before.",
			durationValue{&c.Storage.EraseAfter}},

		{"Logging", "log.level", "log-level", "LEVEL",
			"The least severe messages to log: debug, info, warn or error.",
			choiceValue{&c.Log.Level, []string{"debug", "info", "warn", "error"}}},
		{"Logging", "log.format", "log-format", "FORMAT",
			"text for people, json for log collectors. The log goes to stderr.",
			choiceValue{&c.Log.Format, []string{"text", "json"}}},
		{"Logging", "log.slow-query", "log-slow-query", "DURATION",
			"Queries that take longer are logged with what they cost. 0 logs none.",
			durationValue{&c.Log.SlowQuery}},
		{"Logging", "log.query-literals", "log-query-literals", "BOOL",
			"Whether queries are logged and listed with their constants, which may be personal data, and not with question marks for them.",
			boolValue{&c.Log.QueryLiterals}},
	})
}

// listeningSettings are those of the listeners.
func (c *Config) listeningSettings() []Setting {
	return []Setting{
		{"Listening", "http.address", "http", "ADDRESS",
			"Where the UI, the API, /metrics and the health endpoints are served. Port 0 takes a free port.",
			textValue{&c.HTTP.Address}},
		{"Listening", "otlp.http.address", "otlp-http", "ADDRESS",
			"Where OTLP over HTTP is taken (POST /v1/traces, protobuf or JSON).",
			textValue{&c.OTLP.HTTPAddress}},
		{"Listening", "otlp.http.cors-origins", "otlp-cors-origins", "LIST",
			"Origins of web pages that may send spans from a browser: exact ones, http://HOST:* for any port, or * for every origin.",
			listValue{&c.OTLP.CORSOrigins}},
		{"Listening", "otlp.grpc.address", "otlp-grpc", "ADDRESS",
			"Where OTLP over gRPC is taken.",
			textValue{&c.OTLP.GRPCAddress}},
		{"Listening", "jaeger.grpc.address", "jaeger-grpc", "ADDRESS",
			"Where Jaeger's agents and collectors send spans over gRPC. off switches it off. If the default port is taken kiseki starts without it and says so; any other address must be free. The same holds for the other receivers below.",
			textValue{&c.Jaeger.GRPCAddress}},
		{"Listening", "jaeger.http.address", "jaeger-http", "ADDRESS",
			"Where Jaeger's clients send spans over HTTP (POST /api/traces, Thrift). off switches it off.",
			textValue{&c.Jaeger.HTTPAddress}},
		{"Listening", "jaeger.compact.address", "jaeger-compact", "ADDRESS",
			"Where Jaeger's clients send spans over UDP in Thrift's compact protocol. off switches it off.",
			textValue{&c.Jaeger.CompactAddress}},
		{"Listening", "jaeger.binary.address", "jaeger-binary", "ADDRESS",
			"Where Jaeger's clients send spans over UDP in Thrift's binary protocol, as that of Node.js does. off switches it off.",
			textValue{&c.Jaeger.BinaryAddress}},
		{"Listening", "jaeger.sampling.address", "jaeger-sampling", "ADDRESS",
			"Where Jaeger's clients ask how much to sample (GET /sampling): everything. off switches it off.",
			textValue{&c.Jaeger.SamplingAddress}},
		{"Listening", "zipkin.address", "zipkin", "ADDRESS",
			"Where Zipkin's clients send spans (POST /api/v2/spans, /api/v1/spans) and ask for them. off switches it off.",
			textValue{&c.Zipkin.Address}},
		{"Listening", "xray.address", "xray", "ADDRESS",
			"Where the SDKs of AWS X-Ray expect its daemon: segments over UDP; sampling rules and POST /TraceSegments over TCP. off switches it off.",
			textValue{&c.XRay.Address}},
		{"Listening", "datadog.address", "datadog", "ADDRESS",
			"Where the tracing libraries of Datadog expect its Agent: PUT /v0.4/traces and /v0.5/traces. off switches it off.",
			textValue{&c.Datadog.Address}},
		{"Listening", "tls.cert", "tls-cert", "FILE",
			"PEM certificate chain for all listeners. Set it together with tls.key; without both there is no TLS.",
			textValue{&c.TLS.Cert}},
		{"Listening", "tls.key", "tls-key", "FILE",
			"PEM private key of tls.cert.",
			textValue{&c.TLS.Key}},
	}
}

// kafkaSettings are those of the receiver that asks others for spans.
func (c *Config) kafkaSettings() []Setting {
	return []Setting{
		{"Kafka", "kafka.brokers", "kafka-brokers", "LIST",
			"Brokers of a Kafka cluster that spans are taken from, as HOST:PORT. Without any there is no such receiver.",
			listValue{&c.Kafka.Brokers}},
		{"Kafka", "kafka.topics", "kafka-topics", "LIST",
			"Topics that have spans: names, with =ENCODING after them unless it is otlp_proto. The others are otlp_json, jaeger_proto and jaeger_json.",
			listValue{&c.Kafka.Topics}},
		{"Kafka", "kafka.group", "kafka-group", "NAME",
			"The consumer group. It begins at the start of the topics; its members share their partitions.",
			textValue{&c.Kafka.Group}},
		{"Kafka", "kafka.tls", "kafka-tls", "BOOL",
			"Whether brokers speak TLS.",
			boolValue{&c.Kafka.TLS}},
		{"Kafka", "kafka.ca", "kafka-ca", "FILE",
			"PEM certificates to trust of brokers instead of the system's authorities.",
			textValue{&c.Kafka.CA}},
		{"Kafka", "kafka.user", "kafka-user", "NAME",
			"The user for SASL. Set it together with kafka.password; without both there is no SASL.",
			textValue{&c.Kafka.User}},
		{"Kafka", "kafka.password", "kafka-password", "TEXT",
			"The password of kafka.user. It is best given as an environment variable.",
			secretText{textValue{&c.Kafka.Password}}},
		{"Kafka", "kafka.sasl", "kafka-sasl", "MECHANISM",
			"The mechanism of SASL.",
			choiceValue{&c.Kafka.SASL, []string{"plain", "scram-sha-256", "scram-sha-512"}}},
	}
}

// querySettings are those of the query APIs.
func (c *Config) querySettings() []Setting {
	return []Setting{
		{"Queries", "limits.queries", "max-queries", "COUNT",
			"Queries that run at a time, of all APIs together. Further ones wait; clients take turns, by tenant and address. 0 takes twice the number of processors, at least 4.",
			numberValue{&c.Limits.Queries}},
		{"Queries", "limits.queued-queries", "max-queued-queries", "COUNT",
			"Queries that wait at a time. Further ones are answered 429 or RESOURCE_EXHAUSTED, those of the client with the most of them first.",
			countValue{&c.Limits.QueuedQueries}},
		{"Queries", "limits.query-wait", "max-query-wait", "DURATION",
			"How long a query waits before it is answered 429 or RESOURCE_EXHAUSTED.",
			durationValue{&c.Limits.QueryWait}},
		{"Queries", "limits.query-time", "max-query-time", "DURATION",
			"How long a query may run. Then it is answered with what it has found, and that it is incomplete.",
			durationValue{&c.Limits.QueryTime}},
		{"Queries", "limits.query-memory", "max-query-memory", "SIZE",
			"What a query may remember: candidates, groups, series. One that needs more is answered incompletely. Of a trace it reads a million spans with the default, which takes 2 kB each where it must be held as a whole; OTLP/JSON is written part after part.",
			sizeValue{&c.Limits.QueryMemory}},
	}
}
