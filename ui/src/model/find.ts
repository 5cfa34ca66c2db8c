// Find in trace: the rows whose service, name, kind, IDs, status message, attributes or events contain a text.

import { textOf } from "./detail";
import { idOf, KINDS, type Trace } from "./trace";

/** Rows that match, ascending. An empty text matches nothing. Case is ignored. */
export function findRows(trace: Trace, text: string): Int32Array {
  const needle = text.trim().toLowerCase();
  if (!needle) return new Int32Array(0);
  const { spans, strings, attributes, events, resources } = trace.columns;
  const inString = strings.map((s) => s.toLowerCase().includes(needle));
  const inAttribute = new Uint8Array(attributes.key.length);
  for (let i = 0; i < inAttribute.length; i++) {
    inAttribute[i] =
      inString[attributes.key[i]!] || textOf(attributes.value[i]!).toLowerCase().includes(needle) ? 1 : 0;
  }
  const anyAttribute = (from: number, to: number) => {
    for (let i = from; i < to; i++) if (inAttribute[i]) return true;
    return false;
  };
  const inEvent = events.name.map(
    (name, i) => inString[name]! || anyAttribute(events.attrs[i]!, events.attrs[i + 1]!),
  );
  const isHex = /^[0-9a-f]{4,16}$/.test(needle);
  const kind = (KINDS as readonly string[]).indexOf(needle);
  const rows: number[] = [];
  for (let r = 0; r < trace.size; r++) {
    const i = trace.source[r]!;
    let found =
      trace.kind[r] === kind ||
      inString[spans.name[i]!] ||
      inString[spans.statusMessage[i]!] ||
      inString[resources.service[spans.resource[i]!]!] ||
      (isHex && idOf(trace, r).startsWith(needle)) ||
      anyAttribute(spans.attrs[i]!, spans.attrs[i + 1]!);
    for (let e = spans.events[i]!; !found && e < spans.events[i + 1]!; e++) found = inEvent[e]!;
    if (found) rows.push(r);
  }
  return Int32Array.from(rows);
}

/** The rows of span IDs, ascending. Those of spans that are not here are left out. */
export function rowsOf(trace: Trace, ids: readonly string[]): Int32Array {
  const wanted = new Set(ids);
  const rows: number[] = [];
  if (wanted.size > 0) for (let r = 0; r < trace.size; r++) if (wanted.has(idOf(trace, r))) rows.push(r);
  return Int32Array.from(rows);
}

/** The next of ascending rows after (or before) `row`, going round; -1 if there is none. */
export function nextRow(rows: Int32Array, row: number, forward: boolean): number {
  if (rows.length === 0) return -1;
  if (forward) return rows.find((r) => r > row) ?? rows[0]!;
  return rows.findLast((r) => r < row) ?? rows[rows.length - 1]!;
}
