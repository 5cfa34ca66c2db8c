// A trace of many spans, deep and wide, as OTLP/JSON: for tests and measurements, the same at every call.
//
// Batches run one after the other; each calls workers side by side, which call 40 services in chains of up to
// 60 calls. Some calls fail, some chains fail as a whole, and between batches nothing is traced for a while.

const SERVICES = 40;
const PER_REQUEST = 20_000;
const FANOUT = 50;
const DEEPEST = 60;
const VERBS = [
  "GET /items/{id}",
  "SELECT stock",
  "charge",
  "publish order.placed",
  "render",
  "lookup",
  "reserve",
];

/** A small generator of even numbers (mulberry32): runs are alike. */
function numbers(seed) {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** A span ID that looks as random as those of SDKs, another for each number. */
function idOf(n) {
  const half = (k) => {
    let x = Math.imul(k, 0x9e3779b1);
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    return ((x ^ (x >>> 13)) >>> 0).toString(16).padStart(8, "0");
  };
  return half(n + 1) + half(~n);
}
const attribute = (key, stringValue) => ({ key, value: { stringValue } });

/** The spans of the trace, each with its service's number; times are nanoseconds after `base`, a bigint. */
export function* giantSpans(count, traceId, base) {
  const random = numbers(7);
  const span = (n, parent, service, name, from, to, kind) => ({
    service,
    traceId,
    spanId: idOf(n),
    parentSpanId: parent < 0 ? "" : idOf(parent),
    name,
    kind,
    startTimeUnixNano: String(base + BigInt(Math.round(from))),
    endTimeUnixNano: String(base + BigInt(Math.round(to))),
    attributes: [
      attribute("http.route", name),
      attribute("item.id", `item-${n}`),
      attribute("region", ["eu", "us", "ap"][n % 3]),
      { key: "retries", value: { intValue: String(n % 4) } },
    ],
  });
  const fail = (s, words) => {
    s.status = { code: 2, message: words };
    s.events = [
      {
        timeUnixNano: s.endTimeUnixNano,
        name: "exception",
        attributes: [attribute("exception.type", "Refused"), attribute("exception.message", words)],
      },
    ];
    return s;
  };
  let n = 0;
  const millisecond = 1e6;
  // A batch has about 1,100 spans and takes 120 ms.
  const total = Math.ceil(count / 1000) * 120 * millisecond;
  yield span(n++, -1, 0, "nightly import", 0, total, 2);
  for (let b = 0; n < count; b++) {
    // A tenth of the time between batches nothing explains.
    const from = b * 120 * millisecond;
    const to = from + 108 * millisecond;
    const head = n++;
    yield span(head, 0, 1 + (b % 3), `batch ${b % 20}`, from, to, 1);
    for (let w = 0; w < FANOUT && n < count; w++) {
      const worker = n++;
      const starts = from + w * millisecond * random();
      const ends = starts + (to - starts) * (0.3 + 0.7 * random());
      yield span(worker, head, 4 + (w % 6), "work", starts, ends, 5);
      let parent = worker;
      let a = starts;
      let z = ends;
      const depth = w === 0 ? DEEPEST : 39;
      const fails = random() < 0.01;
      for (let d = 0; d < depth && n < count; d++) {
        const call = n++;
        const length = (z - a) * (d % 3 === 2 ? 0.5 : 0.97);
        const start = a + (z - a - length) * random();
        const s = span(
          call,
          parent,
          10 + ((w * 7 + d) % (SERVICES - 10)),
          VERBS[(w + d) % VERBS.length],
          start,
          start + length,
          d % 2 ? 2 : 3,
        );
        yield fails && d > depth - 4
          ? fail(s, "the stock is locked")
          : random() < 0.001
            ? fail(s, `timeout ${call % 5}`)
            : s;
        if (d % 3 === 2) {
          // A leaf beside the chain.
          z = start;
          if (z - a < 1000) break;
        } else {
          parent = call;
          a = start;
          z = start + length;
        }
      }
    }
  }
}

/** Sends a trace of `count` spans to an OTLP/HTTP address and returns its ID. */
export async function sendGiant(otlpHttp, count, traceId, at = Date.now()) {
  const base = BigInt(at) * 1_000_000n;
  let requests = [];
  let byService = new Map();
  let held = 0;
  const send = async () => {
    const resourceSpans = [...byService].map(([service, spans]) => ({
      resource: { attributes: [attribute("service.name", `giant-${String(service).padStart(2, "0")}`)] },
      scopeSpans: [{ scope: { name: "giant" }, spans }],
    }));
    byService = new Map();
    held = 0;
    const response = await fetch(`${otlpHttp}/v1/traces`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ resourceSpans }),
    });
    if (!response.ok) throw new Error(`send the giant trace: ${response.status} ${await response.text()}`);
    await response.arrayBuffer();
  };
  for (const { service, ...span } of giantSpans(count, traceId, base)) {
    if (!byService.has(service)) byService.set(service, []);
    byService.get(service).push(span);
    if (++held < PER_REQUEST) continue;
    requests.push(send());
    if (requests.length < 2) continue;
    await Promise.all(requests);
    requests = [];
  }
  if (held > 0) requests.push(send());
  await Promise.all(requests);
  return traceId;
}
