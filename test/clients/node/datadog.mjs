// Sends a trace with Datadog's tracing library for Node.js and writes the spans
// that kiseki is to make of it to stdout, in the JSON of OTLP. They come from
// what is asked of the library, not from its encoders.
//
//   node datadog.mjs VERSION URL
//
// VERSION is that of the Agent's API, 0.4 or 0.5.
import { createRequire } from 'node:module';

const require = createRequire(process.cwd() + '/');
const [protocolVersion, url] = process.argv.slice(2);

const tracer = require('dd-trace').init({
  url, protocolVersion, service: 'shop', env: 'test', version: '1.2', startupLogs: false, plugins: false,
  traceId128BitGenerationEnabled: true, flushInterval: 60_000,
});

const at = Date.now();
const root = tracer.startSpan('web.request', {
  startTime: at,
  tags: {
    'resource.name': 'GET /users/:id', 'span.type': 'web', 'span.kind': 'server', 'http.method': 'GET', 'http.status_code': '500',
    text: '軌跡', count: 3, ratio: 0.5, big: 12345678901,
  },
});
const child = tracer.startSpan('pg.query', {
  childOf: root, startTime: at + 1,
  tags: { 'service.name': 'shop-postgres', 'resource.name': 'SELECT 1', 'span.type': 'sql', 'span.kind': 'client', 'db.type': 'postgres', 'out.host': 'db1' },
});
const error = new TypeError('boom');
child.setTag('error', error);
child.addLink({ context: root.context(), attributes: { why: 'test' } });
child.addEvent('retry', { n: 1, why: 'busy', list: ['a', 'b'] }, at + 2);
child.finish(at + 3);
root.finish(at + 5);

const bits = (n, size) => BigInt(n).toString(16).padStart(size, '0');
const nanos = (ms) => `${BigInt(ms) * 1_000_000n}`;
// The library multiplies in doubles, which do not have all nanoseconds.
const times = (start, end) => ({ startTimeUnixNano: `${BigInt(start * 1e6)}`, endTimeUnixNano: `${BigInt(start * 1e6) + BigInt((end - start) * 1e6)}` });
const value = (v) => {
  if (typeof v === 'string') return { stringValue: v };
  if (Array.isArray(v)) return { arrayValue: { values: v.map(value) } };
  return Number.isInteger(v) ? { intValue: `${v}` } : { doubleValue: v };
};
const attributes = (o) => Object.entries(o).map(([key, v]) => ({ key, value: value(v) }));
const traceId = bits(`0x${root.context().toTraceId(true)}`, 32);
const spanId = (s) => bits(`0x${s.context().toSpanId(true)}`, 16);
const scope = { name: 'datadog' };
const resource = (service) => ({
  attributes: attributes({
    'service.name': service, 'deployment.environment.name': 'test', 'service.version': '1.2', 'telemetry.sdk.name': 'datadog', 'telemetry.sdk.language': 'nodejs',
    'service.instance.id': root.context()._tags['runtime-id'], 'process.pid': process.pid,
  }),
});
const sent = [
  {
    traceId, spanId: spanId(root), name: 'GET /users/:id', kind: 2, ...times(at, at + 5), scope, resource: resource('shop'),
    attributes: attributes({
      'operation.name': 'web.request', 'span.type': 'web', 'http.request.method': 'GET', 'http.response.status_code': 500,
      text: '軌跡', count: 3, ratio: 0.5, big: 12345678901, 'sampling.priority': 1,
    }),
  },
  {
    traceId, spanId: spanId(child), parentSpanId: spanId(root), name: 'pg.query', kind: 3, ...times(at + 1, at + 3),
    status: { code: 2, message: 'boom' }, scope, resource: resource('shop-postgres'),
    attributes: attributes({
      'db.query.text': 'SELECT 1', 'span.type': 'sql', 'db.system.name': 'postgres', 'server.address': 'db1', 'error.type': 'TypeError',
      service: 'shop', '_dd.base_service': 'shop', 'sampling.priority': 1,
    }),
    links: [{ traceId, spanId: spanId(root), flags: 1, attributes: attributes({ why: 'test' }) }],
    events: [
      { name: 'retry', timeUnixNano: nanos(at + 2), attributes: attributes({ n: 1, why: 'busy', list: ['a', 'b'] }) },
      { name: 'exception', timeUnixNano: times(at + 1, at + 3).endTimeUnixNano, attributes: attributes({ 'exception.type': 'TypeError', 'exception.message': 'boom', 'exception.stacktrace': error.stack }) },
    ],
  },
];
await new Promise((resolve) => tracer._tracer._exporter.flush(resolve));
process.stdout.write(JSON.stringify(sent), () => process.exit(0));
