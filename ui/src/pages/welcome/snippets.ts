// How to send the first trace, by language. Every line works as it is with stock OpenTelemetry.

export interface Endpoints {
  /** A URL without a path. */
  readonly http: string;
  /** host:port. */
  readonly grpc: string;
}

export interface Snippet {
  readonly name: string;
  readonly code: string;
}

/** Reads the endpoints as the server states them, with or without a scheme. */
export function endpointsOf(otlpHttp: string, otlpGrpc: string): Endpoints {
  const http = /^https?:\/\//.test(otlpHttp) ? otlpHttp : `http://${otlpHttp}`;
  return {
    http: http.replace(/\/+$/, "").replace(/\/v1\/traces$/, ""),
    grpc: otlpGrpc.replace(/^[a-z]+:\/\//, ""),
  };
}

/** What every SDK reads from its environment; the last line is worth it as soon as there are two of a service. */
export const environment = (endpoints: Endpoints) => `${needed(endpoints)}
export OTEL_RESOURCE_ATTRIBUTES=service.version=1.0.0,deployment.environment.name=production`;

const needed = (endpoints: Endpoints) => `export OTEL_EXPORTER_OTLP_ENDPOINT=${endpoints.http}
export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
export OTEL_SERVICE_NAME=my-service`;

/** The snippets; `nanos` is the present time, so that the example span is found at once. */
export function snippets(
  endpoints: Endpoints,
  nanos: bigint,
  randomHex: (bytes: number) => string,
): Snippet[] {
  const env = needed(endpoints);
  return [
    { name: "curl", code: curl(endpoints, nanos, randomHex) },
    {
      name: "Go",
      code: `go get go.opentelemetry.io/otel/sdk go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp

exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL("${endpoints.http}/v1/traces"))
if err != nil {
	return err
}
provider := trace.NewTracerProvider(trace.WithBatcher(exporter))
defer provider.Shutdown(ctx)
otel.SetTracerProvider(provider)`,
    },
    {
      name: "Node.js",
      code: `npm install @opentelemetry/api @opentelemetry/auto-instrumentations-node

${env}
node --require @opentelemetry/auto-instrumentations-node/register app.js`,
    },
    {
      name: "Python",
      code: `pip install opentelemetry-distro opentelemetry-exporter-otlp
opentelemetry-bootstrap -a install

${env}
opentelemetry-instrument python app.py`,
    },
    {
      name: "Java",
      code: `curl -LO https://github.com/open-telemetry/opentelemetry-java-instrumentation/releases/latest/download/opentelemetry-javaagent.jar

${env}
java -javaagent:opentelemetry-javaagent.jar -jar app.jar`,
    },
    {
      name: ".NET",
      code: `dotnet add package OpenTelemetry.Extensions.Hosting
dotnet add package OpenTelemetry.Exporter.OpenTelemetryProtocol
dotnet add package OpenTelemetry.Instrumentation.AspNetCore

builder.Services.AddOpenTelemetry()
    .ConfigureResource(r => r.AddService("my-service"))
    .WithTracing(t => t.AddAspNetCoreInstrumentation().AddOtlpExporter());

${env}
dotnet run`,
    },
    {
      name: "Ruby",
      code: `bundle add opentelemetry-sdk opentelemetry-exporter-otlp opentelemetry-instrumentation-all

require "opentelemetry/sdk"
require "opentelemetry/exporter/otlp"
require "opentelemetry/instrumentation/all"
OpenTelemetry::SDK.configure { |c| c.use_all }

${env}
ruby app.rb`,
    },
    { name: "Collector", code: collector(endpoints) },
  ];
}

const curl = (endpoints: Endpoints, nanos: bigint, randomHex: (bytes: number) => string) =>
  `curl ${endpoints.http}/v1/traces -H 'Content-Type: application/json' -d '{
  "resourceSpans": [{
    "resource": {
      "attributes": [{"key": "service.name", "value": {"stringValue": "hello"}}]
    },
    "scopeSpans": [{"spans": [{
      "traceId": "${randomHex(16)}",
      "spanId": "${randomHex(8)}",
      "name": "GET /hello",
      "kind": 2,
      "startTimeUnixNano": "${nanos - 120_000_000n}",
      "endTimeUnixNano": "${nanos}",
      "attributes": [{"key": "http.response.status_code", "value": {"intValue": "200"}}]
    }]}]
  }]
}'`;

const collector = (endpoints: Endpoints) => `exporters:
  otlp/kiseki:
    endpoint: ${endpoints.grpc}
    tls:
      insecure: true

service:
  pipelines:
    traces:
      receivers: [otlp]
      exporters: [otlp/kiseki]`;
