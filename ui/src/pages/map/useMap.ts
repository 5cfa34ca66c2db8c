// What the map asks, and what it makes of the answers.

import { useMemo } from "react";
import { useAnalysis, useStatus } from "../../api/queries";
import { millisToNanos, nanosToMillis } from "../../base/format";
import {
  around,
  type Changes,
  changesOf,
  EMPTY,
  FOLD_ABOVE,
  fold,
  type Graph,
  graphOf,
  placeKey,
  withGone,
} from "../../model/graph";
import { countsBy } from "../../model/red";
import { secondsOf, useAgainst, windowsOf } from "../../state/against";
import { useLocation } from "../../state/router";
import { gridOf, useTime } from "../../state/time";

const STEPS = 32;

export const DEPTHS = [1, 2, 3] as const;

/** How many spans there are over time. */
const volumeOf = (only: string) => `${only || "{}"} | count_over_time() by (status)`;

export function useMap() {
  const time = useTime();
  const { params } = useLocation();
  const status = useStatus();
  const oldest = status.data?.minSpanStartUnixNano
    ? nanosToMillis(status.data.minSpanStartUnixNano)
    : time.at;
  const grid = gridOf(time, STEPS, oldest);
  const against = useAgainst(grid);
  const all = windowsOf(grid, time.at, against);
  const steps = Math.round((grid.to - grid.from) / grid.step);
  const chosen = params.has("at") ? Math.floor((Number(params.get("at")) - grid.from) / grid.step) : -1;
  const step = chosen >= 0 && chosen < steps ? chosen : undefined;
  const from = step === undefined ? all.from : grid.from + step * grid.step;
  const to = step === undefined ? all.to : from + grid.step;
  const shift = all.from - all.baseFrom;
  const wanted = params.get("changes") === "1";
  const ready = !status.isPending;
  const spanOf = (a: number, b: number) => ({ start: millisToNanos(a), end: millisToNanos(b) });

  /** Only of traces with a result of this query, if one is given. */
  const only = (params.get("q") ?? "").trim();
  const q = only || undefined;
  const whole = useAnalysis("graph", { q, ...spanOf(all.from, all.to) }, ready);
  const part = useAnalysis("graph", { q, ...spanOf(from, to) }, ready && step !== undefined);
  const compared = useAnalysis(
    "graphChanges",
    {
      q,
      ...spanOf(from, to),
      baseStart: millisToNanos(from - shift),
      baseEnd: millisToNanos(to - shift),
    },
    ready && wanted,
  );
  const volume = useAnalysis(
    "range",
    { q: volumeOf(only), step: grid.stepName, ...spanOf(all.from, all.to) },
    ready,
  );

  const changes = useMemo(
    (): Changes | undefined =>
      wanted && compared.data && compared.data.beforeTraceCount > 0 ? changesOf(compared.data) : undefined,
    [wanted, compared.data],
  );
  const system = useMemo(() => {
    const graph = whole.data ? graphOf(whole.data) : EMPTY;
    return changes ? withGone(graph, changes) : graph;
  }, [whole.data, changes]);
  const service = params.get("service") ?? "";
  const depth = DEPTHS.find((d) => String(d) === params.get("depth")) ?? 1;
  const large = system.places.size > FOLD_ABOVE;
  const folds = large && params.get("fold") !== "0" && !service;
  const shown = useMemo((): Graph => {
    if (service) return around(system, placeKey("service", service), depth);
    return folds ? fold(system) : system;
  }, [system, service, depth, folds]);
  /** The calls of the chosen time by key, where that is not the whole range. */
  const now = useMemo(
    () => (step === undefined || !part.data ? system : graphOf(part.data)),
    [step, part.data, system],
  );
  const counts = useMemo(() => countsBy(volume.data, []).get(""), [volume.data]);
  const asked = [whole, part, compared, volume];
  return {
    grid,
    /** Until when there can be spans, in Unix milliseconds. */
    until: all.to,
    steps,
    step,
    from,
    to,
    against,
    seconds: secondsOf(from, to, oldest),
    beforeSeconds: secondsOf(from - shift, to - shift, oldest),
    system,
    shown,
    now,
    changes,
    /** Changes are wanted, but there is nothing before to compare with. */
    noBase: wanted && compared.data?.beforeTraceCount === 0,
    wanted,
    only,
    service,
    depth,
    large,
    folds,
    counts,
    unknown: whole.data?.unknownCallCount ?? 0,
    pending: whole.isPending,
    busy: asked.some((a) => a.isFetching),
    stepBusy: part.isFetching,
    error: (whole.error ?? part.error ?? compared.error) || undefined,
    partial: asked.find((a) => a.data?.stats.complete === false)?.data?.stats.incompleteReason,
    retry: () => {
      for (const a of asked) if (a.error) void a.refetch();
    },
  };
}

export type MapData = ReturnType<typeof useMap>;
