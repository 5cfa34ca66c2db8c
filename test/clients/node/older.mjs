// Sends a trace with the clients of Jaeger and Zipkin for Node.js and writes
// what it sent to stdout: an array of spans as the query API of the same
// protocol answers them. It comes from the clients' span objects, not from
// their encoders.
//
//   node older.mjs CLIENT ENDPOINT
//
// CLIENT is jaeger-udp, jaeger-http, zipkin-v1, zipkin-v2 or otel-zipkin.
import { createRequire } from 'node:module';

const require = createRequire(process.cwd() + '/');
const [client, endpoint] = process.argv.slice(2);

// shortID is a trace ID of 64 bits.
const shortID = `8${require('node:crypto').randomBytes(8).toString('hex').slice(1)}`;

const hex = (buffer, digits) => buffer.toString('hex').padStart(digits, '0');

// ---- Jaeger: https://github.com/jaegertracing/jaeger-client-node

// The client sends every number as a double, and objects as their JSON.
function jaegerTag({ key, value }) {
  if (typeof value === 'boolean') return { key, type: 'bool', value };
  if (typeof value === 'number') return { key, type: 'float64', value };
  if (Buffer.isBuffer(value)) return { key, type: 'binary', value: value.toString('base64') };
  return { key, type: 'string', value: typeof value === 'string' ? value : JSON.stringify(value) };
}

const refTypes = { child_of: 'CHILD_OF', follows_from: 'FOLLOWS_FROM' };

function jaegerSpan(span, process) {
  const context = span.context();
  const references = span._references.map((r) => ({
    refType: refTypes[r.type()], traceID: hex(r.referencedContext().traceId, 32), spanID: hex(r.referencedContext().spanId, 16),
  }));
  // A parent is sent by its ID alone; Jaeger answers it as a reference.
  const parent = context.parentId && { refType: 'CHILD_OF', traceID: hex(context.traceId, 32), spanID: hex(context.parentId, 16) };
  if (parent && !references.some((r) => r.traceID === parent.traceID && r.spanID === parent.spanID)) references.push(parent);
  const out = {
    traceID: hex(context.traceId, 32),
    spanID: hex(context.spanId, 16),
    operationName: span.operationName,
    references,
    startTime: Math.floor(span._startTime * 1000),
    duration: Math.floor(span._duration * 1000),
    tags: span._tags.map(jaegerTag),
    logs: span._logs.map((l) => ({ timestamp: Math.floor(l.timestamp * 1000), fields: l.fields.map(jaegerTag) })),
    warnings: null,
    process: { serviceName: process.serviceName, tags: process.tags.map(jaegerTag) },
  };
  if (context.flags) out.flags = context.flags;
  return out;
}

async function jaeger() {
  const { initTracer } = require('jaeger-client');
  const { FORMAT_TEXT_MAP, REFERENCE_FOLLOWS_FROM, Reference, Tags } = require('opentracing');
  const [host, port] = endpoint.split(':');
  const reporter = client === 'jaeger-udp' ? { agentHost: host, agentPort: Number(port) } : { collectorEndpoint: `${endpoint}/api/traces` };
  const complaints = [];
  const tracer = initTracer(
    { serviceName: `client-${client}`, sampler: { type: 'const', param: 1 }, reporter: { ...reporter, flushIntervalMs: 50 }, traceId128bit: true },
    { tags: { 'client.version': 7, 'host.tags': 'straße' }, traceId128bit: true, logger: { info() {}, error: (m) => complaints.push(m) } },
  );
  const spans = [];
  const begin = (name, options) => {
    const span = tracer.startSpan(name, options);
    spans.push(span);
    return span;
  };
  const root = begin('GET /軌跡', { tags: { [Tags.SPAN_KIND]: 'server', 'http.status_code': 500, 'a.double': 0.25, 'a.bool': false, [Tags.ERROR]: true } });
  root.setTag('an.object', { a: [1, 'b'] });
  root.setTag('a.buffer', Buffer.from([0, 255]));
  root.setTag('', 'empty key');
  root.log({ event: 'error', message: 'no such thing', 'error.kind': 'TypeError', level: 3, retry: true });
  root.log({ message: 'without an event' });
  root.setBaggageItem('user', 'ada'); // logged by the client
  const child = begin('call', { childOf: root, tags: { [Tags.SPAN_KIND]: 'client', 'otel.status_code': 'OK' } });
  const other = begin('a root', { tags: { 'sampling.priority': 1 } }); // sets the flag of debugging
  const after = begin('afterwards', { references: [new Reference(REFERENCE_FOLLOWS_FROM, child.context()), new Reference(REFERENCE_FOLLOWS_FROM, other.context())] });
  const caller = tracer.extract(FORMAT_TEXT_MAP, { 'uber-trace-id': `${shortID}:00f067aa0ba902b7:0:3` });
  const remote = begin('64 bits', { childOf: caller });
  for (const span of spans.toReversed()) span.finish();
  await new Promise((done) => tracer.close(done));
  if (complaints.length > 0) throw new Error(complaints.join('\n'));
  void after, remote;
  return spans.map((s) => jaegerSpan(s, { serviceName: `client-${client}`, tags: tracer._tags ? Object.entries(tracer._tags).map(([key, value]) => ({ key, value })) : [] }));
}

// ---- Zipkin: https://github.com/openzipkin/zipkin-js

const some = (o) => Object.fromEntries(Object.entries(o).filter(([, v]) => v !== undefined && v !== false));

function zipkinEndpoint(e) {
  if (!e) return undefined;
  return some({ serviceName: e.serviceName, ipv4: e.ipv4 && String(e.ipv4.ipv4 ? e.ipv4.ipv4() : e.ipv4), port: e.port });
}

function zipkinSpan(s) {
  return some({
    traceId: s.traceId, parentId: s.parentId, id: s.id, kind: s.kind, name: s.name, timestamp: Math.floor(s.timestamp),
    duration: s.duration && Math.floor(s.duration), localEndpoint: zipkinEndpoint(s.localEndpoint), remoteEndpoint: zipkinEndpoint(s.remoteEndpoint),
    annotations: s.annotations.length > 0 ? s.annotations.map((a) => ({ timestamp: Math.floor(a.timestamp), value: a.value })) : undefined,
    tags: Object.keys(s.tags).length > 0 ? s.tags : undefined, debug: s.debug, shared: s.shared,
  });
}

async function zipkin() {
  const { Annotation, BatchRecorder, ExplicitContext, InetAddress, Request, TraceId, Tracer, jsonEncoder, option } = require('zipkin');
  const { HttpLogger } = require('zipkin-transport-http');
  const v1 = client === 'zipkin-v1';
  const logger = new HttpLogger({
    endpoint: `${endpoint}/api/${v1 ? 'v1' : 'v2'}/spans`, httpInterval: 20, jsonEncoder: v1 ? jsonEncoder.JSON_V1 : jsonEncoder.JSON_V2,
    log: { error: (m) => { throw new Error(m); } },
  });
  void Request;
  const spans = [];
  const recorder = new BatchRecorder({
    logger: {
      logSpan(span) {
        spans.push(zipkinSpan(span));
        logger.logSpan(span);
      },
    },
  });
  const ctx = new ExplicitContext();
  const tracer = new Tracer({ ctxImpl: ctx, recorder, localServiceName: 'frontend', traceId128Bit: true });
  tracer.scoped(() => {
    const server = tracer.createRootId();
    const record = (id, ...annotations) => tracer.letId(id, () => annotations.forEach((a) => tracer.recordAnnotation(a)));
    record(server,
      new Annotation.ServiceName('frontend'), new Annotation.Rpc('GET'), new Annotation.BinaryAnnotation('http.path', '/軌跡'),
      new Annotation.BinaryAnnotation('error', 'it failed'), new Annotation.LocalAddr({ host: new InetAddress('10.0.0.1'), port: 8080 }),
      new Annotation.ServerRecv(), new Annotation.Message('working'));
    const call = tracer.letId(server, () => tracer.createChildId());
    record(call, new Annotation.Rpc('call'), new Annotation.ServiceName('frontend'), new Annotation.ClientSend(),
      new Annotation.ServerAddr({ serviceName: 'backend', host: new InetAddress('10.0.0.2'), port: 9000 }),
      new Annotation.BinaryAnnotation('retry', 'true'), new Annotation.ClientRecv());
    record(server, new Annotation.ServerSend());
    const debug = new TraceId({
      traceId: shortID, parentId: new option.Some('00f067aa0ba902b7'), spanId: '00f067aa0ba902b8', sampled: new option.Some(true), debug: true,
    });
    record(debug, new Annotation.ServiceName('frontend'), new Annotation.Rpc('a message'), new Annotation.ProducerStart(),
      new Annotation.MessageAddr({ serviceName: 'kafka' }), new Annotation.ProducerStop());
  });
  await new Promise((done) => setTimeout(done, 300)); // the logger has no other end
  return spans;
}

// ---- OpenTelemetry's exporter for Zipkin

async function otel() {
  const { SpanKind, SpanStatusCode, ROOT_CONTEXT, trace } = require('@opentelemetry/api');
  const { ZipkinExporter } = require('@opentelemetry/exporter-zipkin');
  const { resourceFromAttributes } = require('@opentelemetry/resources');
  const { BasicTracerProvider, BatchSpanProcessor } = require('@opentelemetry/sdk-trace-base');
  const sent = [];
  const exporter = new ZipkinExporter({ url: `${endpoint}/api/v2/spans`, serviceName: 'otel' });
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'otel', 'service.version': '1.2.3' }),
    spanProcessors: [new BatchSpanProcessor(exporter)],
  });
  const micros = ([s, ns]) => Math.round(s * 1e6 + ns / 1e3);
  const tracer = provider.getTracer('kiseki.test/otel', '4.5.6');
  const server = tracer.startSpan('GET /', { kind: SpanKind.SERVER, attributes: { 'a.string': 'straße', 'a.int': 42, 'a.bool': true } });
  server.addEvent('started');
  server.setStatus({ code: SpanStatusCode.ERROR, message: 'it failed' });
  const call = tracer.startSpan('call', { kind: SpanKind.CLIENT, attributes: { 'peer.service': 'backend' } }, trace.setSpan(ROOT_CONTEXT, server));
  call.setStatus({ code: SpanStatusCode.OK });
  call.end();
  server.end();
  for (const s of [server, call]) {
    const attributes = Object.fromEntries(Object.entries(s.attributes).map(([k, v]) => [k, String(v)]));
    sent.push(some({
      traceId: s.spanContext().traceId, id: s.spanContext().spanId, parentId: s.parentSpanContext?.spanId, name: s.name,
      kind: s.kind === SpanKind.SERVER ? 'SERVER' : 'CLIENT', timestamp: micros(s.startTime), duration: micros(s.duration),
      localEndpoint: { serviceName: 'otel' },
      annotations: s.events.length > 0 ? s.events.map((e) => ({ timestamp: micros(e.time), value: e.name })) : undefined,
      tags: {
        ...attributes, ...Object.fromEntries(Object.entries(s.resource.attributes)),
        ...(s.status.code === SpanStatusCode.ERROR ? { error: s.status.message, 'otel.status_code': 'ERROR' } : { 'otel.status_code': 'OK' }),
      },
    }));
  }
  await provider.forceFlush();
  await provider.shutdown();
  return sent;
}

const run = { 'jaeger-udp': jaeger, 'jaeger-http': jaeger, 'zipkin-v1': zipkin, 'zipkin-v2': zipkin, 'otel-zipkin': otel }[client];
process.stdout.write(JSON.stringify(await run()));
