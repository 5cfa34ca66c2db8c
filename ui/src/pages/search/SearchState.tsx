// How far the search is, and what its plot shows: always in sight.

import { useEffect, useState } from "react";
import type { Stats } from "../../api/types";
import { formatBytes, formatExact } from "../../base/format";
import { text } from "../../base/strings";
import type { Search } from "../../state/search";

/** How much was read for an answer, and whether that was all. */
export const readText = (stats: Stats, readBytes = 0): string[] => [
  stats.complete ? text.search.complete : text.search.partial(stats.incompleteReason ?? ""),
  text.search.scanned(stats.scannedSpans, stats.totalSpans, Number(stats.elapsedNanos)),
  ...(readBytes > 0 ? [text.search.read(formatBytes(readBytes))] : []),
];

/** The same with all digits. */
export const readTitle = (stats: Stats): string =>
  text.search.scannedExactly(
    formatExact(stats.scannedSpans),
    formatExact(stats.totalSpans),
    formatExact(stats.scannedBlocks),
    formatExact(stats.totalBlocks),
  );

/** A question is under way; after a second, for how long. The server answers at once or not yet: there is no share. */
export function Running() {
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setSeconds((s) => s + 1), 1000);
    return () => clearInterval(timer);
  }, []);
  return (
    <p className="state-line running">
      {/* Only that it runs is announced, not each second. */}
      <span role="status">{text.search.running}</span>
      {seconds > 0 && <span className="num"> {text.search.runningFor(seconds)}</span>}
    </p>
  );
}

export function StateLine({ search }: { search: Search }) {
  const { stats, traces, nextCursor, readBytes } = search.results;
  if (search.running) return <Running />;
  const parts: string[] = [];
  if (search.cancelled) parts.push(text.search.cancelled);
  else if (search.error && stats === undefined) parts.push(text.search.notRun);
  else if (stats) {
    parts.push(text.search.traces(traces.length, nextCursor !== undefined));
    parts.push(...readText(stats, readBytes));
  }
  const tone = stats && !stats.complete ? "state-line partial" : "state-line";
  return (
    <p className={tone} role="status" title={stats && readTitle(stats)}>
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
