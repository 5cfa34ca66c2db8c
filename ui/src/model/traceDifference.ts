// How a trace differs from another one or from the average of many, and what explains that.

import { PathNumbers, type Paths } from "./tracePaths";

/** The sums of one path on one side. */
export interface Side {
  readonly count: number;
  readonly errors: number;
  /** Nanoseconds. */
  readonly total: number;
  readonly self: number;
}

export interface PathDifference {
  /** The difference above, by its place in the list, or -1. */
  readonly parent: number;
  readonly service: string;
  readonly name: string;
  /** The path in this trace and in the other; -1 where it is only in the other. */
  readonly here: number;
  readonly there: number;
  readonly ours: Side;
  readonly theirs: Side;
  /** Nanoseconds by which this path itself makes this trace longer. */
  readonly explains: number;
}

const NONE: Side = { count: 0, errors: 0, total: 0, self: 0 };

/**
 * The paths of both, parents first. What a path explains is its difference in `times`, such as what it takes of each
 * critical path; without these in its self time.
 */
export function comparePaths(
  here: Paths,
  there: Paths,
  times?: { readonly here: readonly number[]; readonly there: readonly number[] },
): PathDifference[] {
  const numbers = new PathNumbers();
  const place = (paths: Paths) => {
    const placed: number[] = [];
    paths.parent.forEach((parent, p) => {
      placed.push(numbers.of(parent < 0 ? -1 : placed[parent]!, paths.service[p]!, paths.name[p]!));
    });
    const found = new Map(placed.map((at, p) => [at, p]));
    return (at: number) => found.get(at) ?? -1;
  };
  const [hereAt, thereAt] = [place(here), place(there)];
  const time = { here: times?.here ?? here.self, there: times?.there ?? there.self };
  return numbers.parent.map((parent, at) => {
    const [a, b] = [hereAt(at), thereAt(at)];
    return {
      parent,
      service: numbers.service[at]!,
      name: numbers.name[at]!,
      here: a,
      there: b,
      ours: sideOf(here, a),
      theirs: sideOf(there, b),
      explains: (time.here[a] ?? 0) - (time.there[b] ?? 0),
    };
  });
}

const sideOf = (paths: Paths, p: number): Side =>
  p < 0
    ? NONE
    : { count: paths.count[p]!, errors: paths.errors[p]!, total: paths.total[p]!, self: paths.self[p]! };

export type Why = "new" | "missing" | "count" | "self";

/** A reason of the difference in duration: a path that is there or not, or runs more or less often, or takes longer. */
export interface Cause {
  /** Place in the list of differences. */
  readonly at: number;
  readonly why: Why;
  /** Nanoseconds that it explains, with what it calls. */
  readonly time: number;
}

/** From this ratio on a path runs more often than in the other, which may be an average. */
const MORE = 1.5;
/** A caller explains how often what it calls runs if its own ratio is at most this much nearer to one. */
const LIKE = 1.3;
/** A second cause is told if it explains this share of the difference, and neither if the durations differ by less. */
const WORTH = 0.2;
const EQUAL = 0.02;

export interface Verdict {
  /** Nanoseconds by which this trace takes longer. */
  readonly by: number;
  /** Whether that is hardly a difference. */
  readonly alike: boolean;
  /** At most two, the one that explains most first. */
  readonly causes: readonly Cause[];
}

/** What makes this trace longer, or shorter, than the other. */
export function judge(differences: readonly PathDifference[], here: Paths, there: Paths): Verdict {
  const by = here.duration - there.duration;
  const alike = Math.abs(by) < EQUAL * Math.max(here.duration, there.duration);
  if (alike) return { by, alike, causes: [] };
  const sums = new Map<number, number>();
  // Parents come first, so that of each path it is known what its caller was put down to.
  const reason: number[] = [];
  differences.forEach((d, at) => {
    const ratio = oftener(d);
    const above = d.parent < 0 ? 1 : oftener(differences[d.parent]!);
    const follows = d.parent >= 0 && changed(above) && changed(ratio) && alikeRatios(above, ratio);
    reason[at] = follows ? reason[d.parent]! : at;
    sums.set(reason[at]!, (sums.get(reason[at]!) ?? 0) + d.explains);
  });
  const causes = [...sums]
    .filter(([, time]) => Math.sign(time) === Math.sign(by) && Math.abs(time) >= WORTH * Math.abs(by))
    .sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]))
    .slice(0, 2)
    .map(([at, time]) => ({ at, why: whyOf(differences[at]!), time }));
  return { by, alike, causes };
}

/** How many times as often a path runs; infinite where it is new, 0 where it is missing. */
const oftener = (d: PathDifference) =>
  d.theirs.count > 0 ? d.ours.count / d.theirs.count : Number.POSITIVE_INFINITY;

const changed = (ratio: number) => ratio >= MORE || ratio <= 1 / MORE;

function alikeRatios(above: number, ratio: number): boolean {
  if (above === ratio) return true;
  return ratio > 1 ? above * LIKE >= ratio : above > 0 && above / LIKE <= ratio && above < 1;
}

function whyOf(d: PathDifference): Why {
  if (d.there < 0) return "new";
  if (d.here < 0) return "missing";
  return changed(oftener(d)) ? "count" : "self";
}
