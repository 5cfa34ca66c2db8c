// From the API's answer to what the trace page shows, in one step that a worker can do.

import type { TraceColumns, TraceOutline } from "../api/types";
import { type Errors, findErrors } from "./errors";
import type { Moved } from "./graft";
import { buildOutline } from "./outline";
import { adjustSkew, type Skew } from "./skew";
import { errorCounts } from "./table";
import { buildTrace, type Trace } from "./trace";
import { computeWork, type Work } from "./work";

/** What follows from a trace alone. */
export interface Model {
  readonly trace: Trace;
  readonly work: Work;
  readonly errors: Errors;
  /** Failed spans of each row's subtree. */
  readonly counts: Int32Array;
}

/** A trace as it was sent, and with clocks adjusted. */
export interface Loaded {
  readonly sent: Trace;
  readonly skew: Skew;
  /** Of the adjusted trace. */
  readonly model: Model;
  /** How rows moved since the trace was loaded before. */
  readonly moved?: Moved | undefined;
}

export function modelOf(trace: Trace): Model {
  const errors = findErrors(trace);
  return { trace, work: computeWork(trace), errors, counts: errorCounts(trace, errors) };
}

/** Builds what the page shows. */
export function load(answer: TraceColumns | TraceOutline): Loaded {
  const sent = "totalSpans" in answer ? buildOutline(answer) : buildTrace(answer);
  const skew = adjustSkew(sent);
  return { sent, skew, model: modelOf(skew.trace) };
}

/** The model of the trace as sent, or with clocks adjusted. */
export const modelShown = ({ sent, model }: Loaded, raw: boolean): Model =>
  raw && sent !== model.trace ? modelOf(sent) : model;
