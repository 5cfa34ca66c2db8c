// What the overview asks, and what it makes of the answers.

import { useMemo } from "react";
import { useAnalysis } from "../../api/queries";
import { type RedGroup, standOf, useRed } from "../../api/red";
import { changesOf } from "../../model/changes";
import { countsBy, ENTRY, SERVICE, spansWith } from "../../model/red";
import type { CompareTime } from "../../state/against";

const ENTRIES = spansWith(ENTRY);
const SPANS = `${spansWith()} | count_over_time() by (${SERVICE})`;
const NOTHING = { counts: [], rates: [], shares: [], p95s: [] };

/** A service's figures, and how many spans of any kind it sent. */
export interface ServiceGroup extends RedGroup {
  readonly service: string;
  readonly spans: number;
}

export function useOverview(time: CompareTime) {
  const red = useRed(ENTRIES, [SERVICE], time, { before: true, p95s: true });
  const spans = useAnalysis("instant", { q: SPANS, ...time.now }, time.ready);
  const services = useMemo(() => {
    const any = countsBy(spans.data, [SERVICE]);
    const groups = new Map(red.groups.map((group) => [group.key, group]));
    return [...new Set([...groups.keys(), ...any.keys()])].map((service): ServiceGroup => {
      const group = groups.get(service) ?? {
        key: service,
        fields: [service],
        now: undefined,
        before: undefined,
        ...NOTHING,
      };
      return { ...group, service, spans: any.get(service)?.all[0] ?? 0 };
    });
  }, [red.groups, spans.data]);
  const hasBase = services.some((s) => s.before);
  const { nowSeconds, beforeSeconds } = time;
  const changes = useMemo(
    () => (hasBase && red.compared ? changesOf(services, nowSeconds, beforeSeconds) : []),
    [services, hasBase, red.compared, nowSeconds, beforeSeconds],
  );
  const any = standOf([spans]);
  return {
    ...red,
    services,
    changes,
    /** Whether there was anything before. */
    hasBase,
    error: red.error ?? any.error,
    partial: red.partial ?? any.partial,
    retry: () => {
      red.retry();
      any.retry();
    },
  };
}
