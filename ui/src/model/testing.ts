// Traces from readable text, for tests: one span a line, indented under its parent.
//
//   checkout POST /checkout 0-100 client
//     payment charge 10-90 error "card declined" server
//
// Times are milliseconds. Words after the times: a kind, `error`, `orphan`, key=value attributes; a quoted
// text is the status message. A service is a resource of its own.

import type { AnyValue, TraceColumns } from "../api/types";
import { buildTrace, idOf, KINDS, nameOf, serviceOf, type Trace } from "./trace";

const LINE = /^(\s*)(\S+) (.+?) (-?[\d.]+)-(-?[\d.]+)((?: .*)?)$/;

/** The columns the API would send for the text. */
export function columnsFromText(text: string): TraceColumns {
  const strings = [""];
  const string = (s: string) => (strings.includes(s) ? strings.indexOf(s) : strings.push(s) - 1);
  const columns = emptyColumns(strings);
  const { spans, resources, attributes } = columns;
  const path: { indent: number; index: number }[] = [];
  for (const line of text.split("\n").filter((l) => l.trim())) {
    const [, space, service, name, from, to, rest] = LINE.exec(line) ?? [];
    if (space === undefined) throw new Error(`not a span: ${line}`);
    while (path.length > 0 && path.at(-1)!.indent >= space.length) path.pop();
    const index = spans.id.length;
    let resource = resources.service.indexOf(string(service!));
    if (resource < 0) {
      resource = resources.service.push(string(service!)) - 1;
      resources.schemaUrl.push(0);
      resources.dropped.push(0);
      resources.attrs.push(0);
    }
    spans.id.push((index + 1).toString(16).padStart(16, "0"));
    spans.parent.push(path.at(-1)?.index ?? -1);
    spans.start.push(Math.round(Number(from) * 1e6));
    spans.duration.push(Math.round((Number(to) - Number(from)) * 1e6));
    spans.name.push(string(name!));
    spans.resource.push(resource);
    const message = /"(.*)"/.exec(rest!)?.[1] ?? "";
    const words = rest!.replace(/".*"/, "").trim().split(/\s+/);
    spans.kind.push(
      Math.max(
        1,
        KINDS.findIndex((k) => words.includes(k)),
      ),
    );
    spans.status.push(words.includes("error") ? 2 : 0);
    spans.statusMessage.push(string(message));
    if (words.includes("orphan")) spans.parentId[String(index)] = "00000000000000ff";
    for (const word of words.filter((w) => w.includes("="))) {
      const [key, value] = word.split("=") as [string, string];
      attributes.key.push(string(key));
      attributes.value.push(literal(value));
    }
    spans.attrs.push(attributes.key.length);
    spans.events.push(0);
    spans.links.push(0);
    for (const list of [
      spans.scope,
      spans.traceState,
      spans.flags,
      spans.droppedAttrs,
      spans.droppedEvents,
      spans.droppedLinks,
    ]) {
      list.push(0);
    }
    path.push({ indent: space.length, index });
  }
  return columns;
}

const literal = (text: string): AnyValue => (/^\d+$/.test(text) ? { intValue: text } : { stringValue: text });

function emptyColumns(strings: string[]): TraceColumns {
  return {
    traceId: "0123456789abcdef0123456789abcdef",
    startTimeUnixNano: "1700000000000000000",
    strings,
    resources: { service: [], schemaUrl: [], dropped: [], attrs: [0] },
    scopes: { name: [0], version: [0], schemaUrl: [0], dropped: [0], attrs: [0, 0] },
    spans: {
      id: [],
      parent: [],
      parentId: {},
      start: [],
      duration: [],
      name: [],
      kind: [],
      status: [],
      statusMessage: [],
      resource: [],
      scope: [],
      traceState: [],
      flags: [],
      droppedAttrs: [],
      droppedEvents: [],
      droppedLinks: [],
      attrs: [0],
      events: [0],
      links: [0],
    },
    attributes: { key: [], value: [] },
    events: { time: [], name: [], dropped: [], attrs: [0] },
    links: { traceId: [], spanId: [], traceState: [], flags: [], dropped: [], attrs: [0] },
    stats: {
      complete: true,
      scannedSpans: 0,
      totalSpans: 0,
      scannedBlocks: 0,
      totalBlocks: 0,
      elapsedNanos: "0",
    },
  };
}

/** Builds a trace from text. */
export const traceFromText = (text: string): Trace => buildTrace(columnsFromText(text));

/** Prints rows as an indented tree, each with what `note` says about it. */
export function printTree(trace: Trace, rows: Iterable<number>, note?: (row: number) => string): string {
  return [...rows]
    .map((r) => {
      const said = note ? `  ${note(r)}` : "";
      return `${"  ".repeat(trace.depth[r]!)}${serviceOf(trace, r)} ${nameOf(trace, r)}${said}`.trimEnd();
    })
    .join("\n");
}

/** The row with a name. */
export function rowNamed(trace: Trace, name: string): number {
  for (let r = 0; r < trace.size; r++) if (nameOf(trace, r) === name) return r;
  throw new Error(`no span named ${name} (${idOf(trace, 0)})`);
}
