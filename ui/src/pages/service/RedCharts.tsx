import { useMemo } from "react";
import { formatDuration, formatRate, formatShare } from "../../base/format";
import { text } from "../../base/strings";
import { readInk } from "../../canvas/surface";
import { TimeChart } from "../../components/TimeChart";
import type { Mark } from "../../model/versions";
import { useTheme } from "../../state/theme";
import { zoomTo } from "../../state/time";
import type { useService } from "./useService";

/** Set apart from the marks' colour and from errors in either theme. */
const P95 = "oklch(0.64 0.15 300)";

/** Rate by outcome, share of errors, and latency over time. */
export function RedCharts(props: { service: ReturnType<typeof useService>; marks: readonly Mark[] }) {
  const { service, marks } = props;
  const { from, step, to } = service.intervals;
  const words = text.service.charts;
  const { shown: theme } = useTheme();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the theme decides what readInk returns
  const lines = useMemo(() => {
    const ink = readInk();
    const [p50, p95, p99] = service.durations;
    return {
      rate: [
        { name: words.ok, color: ink.mark, values: service.ok, filled: true },
        { name: words.failed, color: ink.error, values: service.failed },
      ],
      shares: [{ name: words.errors, color: ink.error, values: service.shares, filled: true }],
      latency: [
        { name: "p50", color: ink.mark, values: p50! },
        { name: "p95", color: P95, values: p95! },
        { name: "p99", color: ink.muted, values: p99! },
      ],
    };
  }, [service.ok, service.failed, service.shares, service.durations, words, theme]);
  const common = { from, step, until: to, sync: "service", onZoom: zoomTo, marks };
  return (
    <section className="red-charts" aria-label={words.label}>
      <TimeChart {...common} label={words.rate} lines={lines.rate} format={formatRate} />
      <TimeChart {...common} label={words.errors} lines={lines.shares} format={formatShare} />
      <TimeChart {...common} label={words.latency} lines={lines.latency} format={formatDuration} log />
    </section>
  );
}
