// Package clients holds a test only: unmodified OpenTelemetry SDKs (Go,
// Node.js, Python), OpenTelemetry's agent for Java and telemetrygen send spans
// to a running kiseki, and every field they sent must be the field that is read
// back, before and after a restart.
//
// The test needs the clients installed. Once, and after an update:
//
//	test/clients/prepare.sh .cache/clients
//	KISEKI_CLIENTS=$PWD/.cache/clients go test ./test/clients
//
// Without KISEKI_CLIENTS the test is skipped and says this; with it, whatever
// is missing is a failure, but for the clients for Java: where prepare.sh cannot
// have Java they are skipped. `make test` does both steps.
//
// A client is a program that takes a protocol and an endpoint, sends, and
// writes what it sent to stdout as a JSON array. An element is an OTLP/JSON
// span (see type span) with its scope and resource beside it. What it writes
// comes from the SDK's span objects, not from its encoder.
//
// The clients of Jaeger and Zipkin (jaeger-client, zipkin, zipkin-go, Brave, and
// the exporters for Zipkin of OpenTelemetry's SDK and of its Collector) send too,
// and what they sent is asked for by the query API of the same protocol
// (older_test.go).
//
// The Collector takes what jaeger-client sends and exports it over OTLP and
// to Kafka; what it exports is compared (collector_test.go).
//
// The SDKs of AWS X-Ray take kiseki for X-Ray's daemon; what they sent is read
// off the wire (xray_test.go).
//
// Datadog's library for Node.js is asked about in OTLP: its client writes what
// its spans are to become (datadog_test.go).
package clients
