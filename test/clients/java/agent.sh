#!/bin/sh
# Runs Shop with OpenTelemetry's agent for Java and lets Recorder write what it
# sent to stdout, as the JSON that ../doc.go describes.
#
#   agent.sh PROTOCOL ENDPOINT
#
# PROTOCOL is http/protobuf or grpc. The working directory is the one that
# ../prepare.sh made.
set -eu

case $1 in
grpc) set -- grpc "http://$2" none ;;
*) set -- "$1" "$2" gzip ;;
esac
# Only what Shop uses is instrumented, for the agent starts in half the time.
# Of what every start writes to stderr, that classes are shared less and the
# agent's version are no complaints. The rest of the first line saves time too.
exec java -XX:-PrintWarnings -Xshare:auto -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -javaagent:jars/opentelemetry-javaagent.jar \
	-Dio.opentelemetry.javaagent.slf4j.simpleLogger.defaultLogLevel=warn \
	-Dotel.javaagent.extensions=recorder.jar \
	-Dotel.instrumentation.common.default-enabled=false -Dotel.instrumentation.opentelemetry-api.enabled=true \
	-Dotel.instrumentation.java-http-client.enabled=true -Dotel.instrumentation.java-http-server.enabled=true -Dotel.instrumentation.jdbc.enabled=true \
	-Dotel.service.name="client-java-$1" -Dotel.resource.attributes=service.version=1.2.3 \
	-Dotel.traces.exporter=otlp -Dotel.metrics.exporter=none -Dotel.logs.exporter=none \
	-Dotel.exporter.otlp.protocol="$1" -Dotel.exporter.otlp.endpoint="$2" -Dotel.exporter.otlp.compression="$3" \
	-Dotel.span.attribute.count.limit=24 -Dotel.span.event.count.limit=4 -Dotel.span.link.count.limit=2 \
	-Dotel.event.attribute.count.limit=4 -Dotel.link.attribute.count.limit=1 \
	-cp classes:jars/opentelemetry-api.jar:jars/opentelemetry-context.jar:jars/opentelemetry-common.jar:jars/h2.jar Shop
