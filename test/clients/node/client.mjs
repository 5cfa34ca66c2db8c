// Sends a trace with the OpenTelemetry SDK for Node.js and writes what it
// sent to stdout, as the JSON that client_test.go describes.
//
//   node client.mjs PROTOCOL ENDPOINT
//
// PROTOCOL is http/json, http/protobuf or grpc. The packages are found from
// the working directory, where prepare.sh installed them.
import { createRequire } from 'node:module';

const require = createRequire(process.cwd() + '/');
const { ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, createTraceState, trace } = require('@opentelemetry/api');
const { resourceFromAttributes } = require('@opentelemetry/resources');
const { BasicTracerProvider, BatchSpanProcessor } = require('@opentelemetry/sdk-trace-base');

const [protocol, endpoint] = process.argv.slice(2);

function newExporter() {
  switch (protocol) {
    case 'http/json': {
      const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-http');
      return new OTLPTraceExporter({ url: `${endpoint}/v1/traces` });
    }
    case 'http/protobuf': {
      const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-proto');
      return new OTLPTraceExporter({ url: `${endpoint}/v1/traces`, compression: 'gzip' });
    }
    case 'grpc': {
      const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-grpc');
      return new OTLPTraceExporter({ url: `http://${endpoint}` });
    }
  }
  throw new Error(`unknown protocol ${protocol}`);
}

// sent collects every span that ends.
const sent = [];
const recorder = {
  onStart() {},
  onEnd(span) {
    sent.push(describe(span));
  },
  forceFlush: async () => {},
  shutdown: async () => {},
};

const nanos = ([seconds, nanoseconds]) => String(BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds));

// The SDK sends a number without a fraction as an integer.
function describeValue(v) {
  if (typeof v === 'string') return { stringValue: v };
  if (typeof v === 'boolean') return { boolValue: v };
  if (typeof v === 'number') return Number.isInteger(v) ? { intValue: String(v) } : { doubleValue: v };
  return { arrayValue: { values: v.map(describeValue) } };
}

const describeAttributes = (attributes = {}) =>
  Object.entries(attributes).map(([key, v]) => ({ key, value: describeValue(v) }));

// The flags of OTLP: those of W3C, that it is known whether the context is
// remote (0x100), and that it is (0x200).
const flags = (own, context) => own | 0x100 | (context?.isRemote ? 0x200 : 0);

function describe(span) {
  const context = span.spanContext();
  return {
    traceId: context.traceId,
    spanId: context.spanId,
    parentSpanId: span.parentSpanContext?.spanId,
    traceState: context.traceState?.serialize(),
    flags: flags(context.traceFlags, span.parentSpanContext),
    name: span.name,
    kind: span.kind + 1, // the API counts from internal, OTLP from unspecified
    startTimeUnixNano: nanos(span.startTime),
    endTimeUnixNano: nanos(span.endTime),
    status: span.status,
    attributes: describeAttributes(span.attributes),
    droppedAttributesCount: span.droppedAttributesCount,
    events: span.events.map((e) => ({
      timeUnixNano: nanos(e.time),
      name: e.name,
      attributes: describeAttributes(e.attributes),
      droppedAttributesCount: e.droppedAttributesCount,
    })),
    droppedEventsCount: span.droppedEventsCount,
    links: span.links.map((l) => ({
      traceId: l.context.traceId,
      spanId: l.context.spanId,
      traceState: l.context.traceState?.serialize(),
      flags: flags(l.context.traceFlags, l.context),
      attributes: describeAttributes(l.attributes),
      droppedAttributesCount: l.droppedAttributesCount,
    })),
    droppedLinksCount: span.droppedLinksCount,
    scope: { name: span.instrumentationScope.name, version: span.instrumentationScope.version },
    scopeSchemaUrl: span.instrumentationScope.schemaUrl,
    resource: { attributes: describeAttributes(span.resource.attributes) },
    resourceSchemaUrl: span.resource.schemaUrl,
  };
}

const provider = new BasicTracerProvider({
  resource: resourceFromAttributes(
    { 'service.name': `client-node-${protocol}`, 'service.version': '1.2.3', 'process.pid': process.pid, 'host.ports': [1, 2] },
    { schemaUrl: 'https://opentelemetry.io/schemas/1.37.0' },
  ),
  spanLimits: { attributeCountLimit: 16, eventCountLimit: 3, linkCountLimit: 2, attributePerEventCountLimit: 2, attributePerLinkCountLimit: 2 },
  spanProcessors: [recorder, new BatchSpanProcessor(newExporter())],
});

const tracer = provider.getTracer('kiseki.test/node', '4.5.6', { schemaUrl: 'https://opentelemetry.io/schemas/1.38.0' });
const otherTracer = provider.getTracer('kiseki.test/other');

const now = Math.floor(Date.now() / 1000);
const at = (ns) => [now, ns];

// A caller elsewhere, whose span is not part of what is sent.
const remote = trace.setSpanContext(ROOT_CONTEXT, {
  traceId: [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, '0')).join(''),
  spanId: '00f067aa0ba902b7',
  traceFlags: TraceFlags.SAMPLED,
  isRemote: true,
  traceState: createTraceState('vendor=kiseki,other=1'),
});

const server = tracer.startSpan('GET /軌跡/{id}', {
  kind: SpanKind.SERVER,
  startTime: at(123456789),
  attributes: {
    'a.string': 'straße', 'a.empty': '', 'a.bool': true, 'a.false': false, 'a.int': 42, 'a.zero': 0, 'a.negative': -7,
    'a.big': Number.MAX_SAFE_INTEGER, 'a.double': 0.1, 'a.tiny': 5e-324,
    'a.strings': ['x', '', 'ü'], 'a.ints': [1, -2, 3], 'a.doubles': [0.5, 1.25], 'a.bools': [true, false], 'a.none': [],
  },
}, remote);
server.addEvent('started', { 'e.string': 'v', 'e.int': 1 }, at(123456999));
server.addEvent('', {}, at(123457000));
server.recordException(new TypeError('no such thing'), at(123457001));
server.setStatus({ code: SpanStatusCode.ERROR, message: 'it failed: ✗' });

const inServer = trace.setSpan(remote, server);
const client = otherTracer.startSpan('call', {
  kind: SpanKind.CLIENT,
  startTime: at(200000001),
  links: [
    { context: server.spanContext(), attributes: { 'l.reason': 'retry', 'l.count': 2 } },
    { context: trace.getSpanContext(remote) },
  ],
}, inServer);
client.setStatus({ code: SpanStatusCode.OK });
client.end(at(200000002));

// More of everything than the limits allow.
const dropped = tracer.startSpan('too much', { kind: SpanKind.PRODUCER, startTime: at(300000000) }, inServer);
for (let i = 0; i < 20; i++) dropped.setAttribute(`k${i}`, i);
for (let i = 0; i < 5; i++) dropped.addEvent(`e${i}`, { a: 1, b: 2, c: 3 }, at(300000100 + i));
for (let i = 0; i < 4; i++) dropped.addLink({ context: server.spanContext(), attributes: { a: 1, b: 2, c: 3 } });
dropped.end(at(300000900));

for (const [i, kind] of [SpanKind.INTERNAL, SpanKind.CONSUMER].entries()) {
  tracer.startSpan(`kind ${kind}`, { kind, startTime: at(400000000 + i) }, inServer).end(at(400000000 + i)); // no duration
}
server.end(at(999999999));
tracer.startSpan('a root', { root: true, startTime: at(1) }).end(at(2));

await provider.forceFlush();
await provider.shutdown();
process.stdout.write(JSON.stringify(sent));
