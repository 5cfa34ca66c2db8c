// Traces for the trace page: asked for by the page, read by a worker.

import type { Loaded } from "../model/load";
import type { ToRead } from "../model/load.worker";
import { getBody } from "./client";

/** A trace of at most this many spans comes with all that its spans carry. */
const WHOLE = 5000;

let worker: Worker | undefined;
let last = 0;
const waiting = new Map<number, { resolve: (loaded: Loaded) => void; reject: (error: Error) => void }>();

/** The worker, which is started once. */
function reader(): Worker {
  if (worker) return worker;
  worker = new Worker(new URL("../model/load.worker.ts", import.meta.url), { type: "module" });
  worker.onmessage = ({ data }: MessageEvent<{ id: number; loaded?: Loaded; error?: string }>) => {
    const asked = waiting.get(data.id);
    waiting.delete(data.id);
    if (data.loaded) asked?.resolve(data.loaded);
    else asked?.reject(new Error(data.error));
  };
  return worker;
}

const read = (traceId: string, part: boolean, body: ArrayBuffer) =>
  new Promise<Loaded>((resolve, reject) => {
    const id = ++last;
    waiting.set(id, { resolve, reject });
    const asked: ToRead = { id, traceId, part, body };
    reader().postMessage(asked, [body]);
  });

/** A trace: whole where it is small, else an outline of it. */
export async function loadTrace(traceId: string, signal?: AbortSignal): Promise<Loaded> {
  reader(); // it starts while the server works
  return read(traceId, false, await getBody(`/traces/${traceId}/outline`, { whole: WHOLE }, signal));
}

/** A span whose left out spans are wanted, those of a stretch of time (Unix nanoseconds) first. */
export interface Wanted {
  readonly below: string;
  readonly start?: string | undefined;
  readonly end?: string | undefined;
}

/** The trace that was loaded last with more of what is below a span. */
export const loadBelow = async (traceId: string, { below, start, end }: Wanted): Promise<Loaded> =>
  read(traceId, true, await getBody(`/traces/${traceId}/outline`, { below, start, end }));
