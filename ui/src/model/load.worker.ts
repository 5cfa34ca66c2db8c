// Reads traces beside the page: a large one takes longer than many frames.

import type { TraceColumns, TraceOutline } from "../api/types";
import { graft } from "./graft";
import { type Loaded, load } from "./load";

/** Which trace an answer is of; `part` where it is of what is below one of its spans. */
export interface ToRead {
  readonly id: number;
  readonly traceId: string;
  readonly part: boolean;
  readonly body: ArrayBuffer;
}

/** The latest outline: parts are put into it. */
let latest: TraceOutline | undefined;

self.onmessage = ({ data: { id, traceId, part, body } }: MessageEvent<ToRead>) => {
  try {
    const answer = JSON.parse(new TextDecoder().decode(body));
    const loaded = part ? loadPart(traceId, answer) : loadNew(answer);
    self.postMessage({ id, loaded }, { transfer: [...buffersOf(loaded)] });
  } catch (error) {
    self.postMessage({ id, error: String(error) });
  }
};

function loadNew(answer: TraceColumns | TraceOutline): Loaded {
  if ("totalSpans" in answer) latest = answer;
  return load(answer);
}

function loadPart(traceId: string, part: TraceOutline): Loaded {
  const whole = latest?.traceId === traceId ? graft(latest, part) : undefined;
  if (!whole) throw new Error("the trace is not here any more: reload the page");
  latest = whole.outline;
  return { ...load(whole.outline), moved: whole.moved };
}

/** The memory of all typed arrays, which is handed over and not copied. */
function buffersOf(value: object, found = new Set<ArrayBuffer>()): Set<ArrayBuffer> {
  for (const part of Object.values(value)) {
    if (ArrayBuffer.isView(part)) found.add(part.buffer as ArrayBuffer);
    else if (part !== null && typeof part === "object" && !Array.isArray(part)) buffersOf(part, found);
  }
  return found;
}
