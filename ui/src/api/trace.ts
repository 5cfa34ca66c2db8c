// Traces for the trace page: asked for by the page, read by a worker.

import type { Loaded } from "../model/load";
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

/** A trace: whole where it is small, else an outline of it. */
export async function loadTrace(traceId: string, signal?: AbortSignal): Promise<Loaded> {
  const started = reader();
  const body = await getBody(`/traces/${traceId}/outline`, { whole: WHOLE }, signal);
  const id = ++last;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    started.postMessage({ id, body }, [body]);
  });
}
