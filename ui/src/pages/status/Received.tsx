import { useMemo } from "react";
import type { History, Server } from "../../api/server";
import { formatBytes, formatCount, formatExact, formatRate, nanosToMillis } from "../../base/format";
import { text } from "../../base/strings";
import { readInk } from "../../canvas/surface";
import { TimeChart } from "../../components/TimeChart";
import { rateOf, receiverName, stepOf, stepsOf } from "../../model/serverFigures";
import { useTheme } from "../../state/theme";
import { spanRate } from "./say";

const HOUR = 3600;

/** Set apart from the first receiver's colour and from errors in either theme. */
const SECOND = "oklch(0.64 0.15 300)";

/** The last hour: what came, what was dropped, and the memory that it took. */
export function HourCharts({ server }: { server: Server }) {
  const { shown: theme } = useTheme();
  const words = text.status.charts;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the theme decides what readInk returns
  const lines = useMemo(() => {
    const ink = readInk();
    const step = stepOf(server);
    const none = Array<number>(stepsOf(server)).fill(0);
    // The chart is of an hour also where the server has not run for one.
    const before = Array<null>(Math.max(0, Math.round(HOUR / step) - none.length)).fill(null);
    const aSecond = (history: History | undefined) => [...before, ...(history ?? none).map((n) => n / step)];
    const byReceiver = (history: "spanHistory" | "byteHistory") => {
      const out = server.receivers.map((r, i) => ({
        name: receiverName(r),
        color: i === 0 ? ink.mark : i === 1 ? SECOND : ink.muted,
        values: aSecond(r[history]),
        filled: i === 0,
      }));
      return out.length > 0 ? out : [{ name: "", color: ink.mark, values: aSecond(undefined) }];
    };
    const dropped = server.drops.map((d) => d.history).filter((h) => h !== undefined);
    return {
      spans: byReceiver("spanHistory"),
      bytes: byReceiver("byteHistory"),
      refused: [
        {
          name: words.refused,
          color: ink.error,
          values: aSecond(none.map((_, i) => dropped.reduce((n, h) => n + h[i]!, 0))),
          filled: true,
        },
      ],
      memory: [
        {
          name: words.memory,
          color: ink.mark,
          values: [...before, ...(server.memory.residentKiBHistory ?? none).map((kib) => kib * 1024)],
          filled: true,
        },
      ],
    };
  }, [server, words, theme]);
  const step = stepOf(server) * 1000;
  const until = nanosToMillis(server.historyEndTimeUnixNano);
  const common = { from: until - HOUR * 1000, step, until, sync: "status", height: 100 };
  const bytes = (n: number) => formatBytes(Math.round(n));
  return (
    <section className="hour-charts" aria-label={words.label}>
      <TimeChart {...common} label={words.spans} lines={lines.spans} format={formatRate} />
      <TimeChart {...common} label={words.bytes} lines={lines.bytes} format={(n) => `${bytes(n)}/s`} />
      <TimeChart {...common} label={words.refused} lines={lines.refused} format={formatRate} />
      <TimeChart {...common} label={words.memory} lines={lines.memory} format={bytes} />
    </section>
  );
}

/** What came since the start, by protocol and transport. */
export function Received({ server }: { server: Server }) {
  const words = text.status.received;
  return (
    <section>
      <div className="status-head">
        <h2>{words.title}</h2>
        <span className="muted">{server.receivers.length > 0 ? words.hint : words.none}</span>
      </div>
      {server.receivers.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys
        <section className="status-scroll" aria-label={words.title} tabIndex={0}>
          <table>
            <thead>
              <tr>
                <th scope="col">{words.by}</th>
                {[words.now, text.status.spans, words.requests, words.refused, words.bytes, words.size].map(
                  (head) => (
                    <th key={head} scope="col" className="figure">
                      {head}
                    </th>
                  ),
                )}
              </tr>
            </thead>
            <tbody>
              {server.receivers.map((r) => (
                <tr key={receiverName(r)}>
                  <td>{receiverName(r)}</td>
                  <td className="figure num">{spanRate(rateOf(server, r.spanHistory) ?? 0)}</td>
                  <Count of={r.spanCount} />
                  <Count of={r.requestCount} />
                  <Count of={r.refusedRequestCount} bad />
                  <td className="figure num">{formatBytes(r.bytes)}</td>
                  <td className="figure num">
                    {r.spanCount > 0 ? formatBytes(Math.round(r.decompressedBytes / r.spanCount)) : "–"}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </section>
  );
}

export function Count({ of, bad = false }: { of: number; bad?: boolean }) {
  const tone = bad ? (of > 0 ? " failed" : " muted") : "";
  return (
    <td className={`figure num${tone}`} title={formatExact(of)}>
      {formatCount(of)}
    </td>
  );
}
