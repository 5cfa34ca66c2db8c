// When versions of a service were first seen.

import type { Intervals } from "./red";

/** A version and its spans in each interval. */
export interface VersionCounts {
  readonly version: string;
  readonly counts: readonly number[];
}

/** A moment with a name, for charts. */
export interface Mark {
  /** Unix milliseconds. */
  readonly time: number;
  readonly name: string;
}

/** The intervals in which versions appear that were not there before; `known` were seen earlier than all intervals. */
export function deploymentsOf(
  versions: readonly VersionCounts[],
  time: Intervals,
  known: ReadonlySet<string>,
): Mark[] {
  const marks = versions.flatMap(({ version, counts }): Mark[] => {
    const first = counts.findIndex((n) => n > 0);
    if (version === "" || first < 0 || known.has(version)) return [];
    return [{ time: time.from + first * time.step, name: version }];
  });
  // Where nothing is known of before, what is there from the start was not deployed then.
  const began = Math.min(
    ...versions.map(({ counts }) => counts.findIndex((n) => n > 0)).filter((i) => i >= 0),
  );
  return marks
    .filter(({ time: at }) => known.size > 0 || at > time.from + began * time.step)
    .sort((a, b) => a.time - b.time);
}

/** The fields that may tell instances apart, the surest first. */
export const INSTANCE_FIELDS = [
  "resource.service.instance.id",
  "resource.k8s.pod.name",
  "resource.container.id",
  "resource.host.name",
] as const;

/** The first of the fields that any group has a value of; undefined where there is none. */
export const instanceField = (groups: readonly (readonly (string | undefined)[])[]): string | undefined =>
  INSTANCE_FIELDS.find((_, i) => groups.some((values) => values[i] !== undefined && values[i] !== ""));
