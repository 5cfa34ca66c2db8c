// How far the search is, and what its plot shows: always in sight.

import type { Stats } from "../../api/types";
import { formatExact } from "../../base/format";
import { text } from "../../base/strings";
import type { Search } from "../../state/search";

/** How much was read for an answer, and whether that was all. */
export const scannedText = (stats: Stats): string[] => [
  stats.complete ? text.search.complete : text.search.partial(stats.incompleteReason ?? ""),
  text.search.scanned(stats.scannedSpans, stats.totalSpans, Number(stats.elapsedNanos)),
];

export function StateLine({ search }: { search: Search }) {
  const { stats, traces, nextCursor } = search.results;
  const parts: string[] = [];
  if (search.running) parts.push(text.search.running);
  else if (search.cancelled) parts.push(text.search.cancelled);
  else if (search.error && stats === undefined) parts.push(text.search.notRun);
  else if (stats) {
    parts.push(text.search.traces(traces.length, nextCursor !== undefined));
    parts.push(...scannedText(stats));
  }
  const exact =
    stats && !search.running
      ? `${formatExact(stats.scannedSpans)} / ${formatExact(stats.totalSpans)}`
      : undefined;
  const tone = stats && !stats.complete && !search.running ? "state-line partial" : "state-line";
  return (
    <p className={search.running ? "state-line running" : tone} role="status" title={exact}>
      {parts.join(" · ")}
    </p>
  );
}

/** What the plot shows where it does not show every trace. */
export function PlotNote({ search }: { search: Search }) {
  const { sample, results } = search;
  if (!sample || results.nextCursor === undefined || search.running) return null;
  const { step, most, cut, slices, done, failed, stopped } = sample;
  const parts: string[] = [];
  if (stopped) parts.push(text.search.sampleStopped(done - failed, slices));
  else if (done < slices) parts.push(text.search.sampling(done, slices));
  else if (cut) parts.push(text.search.sampled(most, step * 1e6));
  if (failed > 0 && !stopped) parts.push(text.search.sampleFailed(failed, slices));
  return (
    <p className="plot-note" title={cut ? text.search.sampledHint : undefined}>
      {parts.join(" · ")}
    </p>
  );
}
