// Follows what arrives: asks the server again and again what came since the last answer.

import { useEffect, useState } from "react";
import { ApiError, api, type TailRequest } from "../api/client";
import { arrived, EMPTY_TAIL, hold, type Tail } from "../model/tail";

/** Milliseconds between questions, and after failed ones at least and at most. */
const PAUSE = 1000;
const LEAST_WAIT = 1000;
const MOST_WAIT = 15_000;

export interface Following {
  readonly tail: Tail;
  /** When it began, in Unix milliseconds. */
  readonly since: number;
  /** Whether the server has answered, and does. */
  readonly connected: boolean;
  /** Whether some arrivals are not shown, for there were too many or nobody asked for too long. */
  readonly missed: boolean;
  /** Why it cannot go on; a server that does not answer is asked again. */
  readonly error: ApiError | undefined;
}

const begin = (): Following => ({
  tail: EMPTY_TAIL,
  since: Date.now(),
  connected: false,
  missed: false,
  error: undefined,
});

/** Follows the traces that satisfy a query; with `spans` they tell up to so many of their spans. */
export function useTail(q: string, spans: number | undefined, enabled: boolean) {
  const [state, setState] = useState(begin);
  const [attempt, setAttempt] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another attempt begins anew
  useEffect(() => {
    if (!enabled) return;
    setState(begin);
    const controller = new AbortController();
    void follow({ q, spans }, controller.signal, (change) => {
      if (!controller.signal.aborted) setState(change);
    });
    return () => controller.abort();
  }, [q, spans, enabled, attempt]);
  return {
    ...state,
    run: () => setAttempt((n) => n + 1),
    hold: (held: boolean) => setState((old) => ({ ...old, tail: hold(old.tail, held) })),
  };
}

async function follow(
  request: TailRequest,
  signal: AbortSignal,
  change: (f: (old: Following) => Following) => void,
): Promise<void> {
  let cursor: string | undefined;
  let wait = LEAST_WAIT;
  while (!signal.aborted) {
    try {
      const answer = await api.tail({ ...request, cursor }, signal);
      cursor = answer.nextCursor;
      wait = LEAST_WAIT;
      const now = Date.now();
      change((old) => ({
        ...old,
        tail: arrived(old.tail, answer.traces, now),
        connected: true,
        missed: old.missed || answer.missed,
      }));
      if (!answer.more) await sleep(PAUSE, signal);
    } catch (error) {
      if (signal.aborted) return;
      const status = error instanceof ApiError ? error.problem.status : 0;
      if (error instanceof ApiError && status >= 400 && status < 500 && status !== 429) {
        change((old) => ({ ...old, connected: false, error }));
        return;
      }
      change((old) => ({ ...old, connected: false }));
      await sleep(wait, signal);
      wait = Math.min(MOST_WAIT, wait * 2);
    }
  }
}

const sleep = (millis: number, signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, millis);
    signal.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
