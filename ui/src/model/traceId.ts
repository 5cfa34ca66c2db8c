// Trace IDs as people have them: as W3C Trace Context writes them, of 64 bits, or as AWS X-Ray does.

const ID = /(?<![0-9a-f])(?:1-([0-9a-f]{8})-([0-9a-f]{24})|([0-9a-f]{32}|[0-9a-f]{16}))(?![0-9a-f])/i;

/** The trace ID in what somebody pasted: the ID itself, an address or a header that names it; "" where there is none. */
export function traceIdIn(pasted: string): string {
  const found = ID.exec(pasted);
  if (!found) return "";
  const [, time = "", rest = "", id = time + rest] = found;
  return id.toLowerCase();
}

/** A trace ID of 32 digits as AWS X-Ray writes it. */
export const xrayIdOf = (id: string): string => `1-${id.slice(0, 8)}-${id.slice(8)}`;

/** The trace ID that a text is, or "". */
export const traceIdOf = (text: string): string =>
  ID.exec(text)?.[0].length === text.length ? traceIdIn(text) : "";
