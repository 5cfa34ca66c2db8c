import { useEffect, useMemo, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { formatClock, formatDate, formatDateTime } from "../base/format";
import { text } from "../base/strings";
import { logTicks, timeTicks } from "../base/ticks";
import { readInk } from "../canvas/surface";
import { useTheme } from "../state/theme";
import { useSize } from "../state/window";

/** Lines whose values are told on a small screen. */
const FEW = 3;

export interface Line {
  readonly name: string;
  /** A CSS colour. */
  readonly color: string;
  readonly values: readonly (number | null)[];
  /** Whether the area below is tinted. */
  readonly filled?: boolean;
}

/**
 * Lines over time in equal intervals; dragging chooses a time. Values are told below, at the pointer or of the last
 * interval, so that nothing covers the chart. Charts with the same `sync` share their pointer.
 */
export function TimeChart(props: {
  label: string;
  /** Unix milliseconds of the first interval, and the length of one. */
  from: number;
  step: number;
  lines: readonly Line[];
  format: (value: number) => string;
  height?: number;
  /** When the values end, in Unix milliseconds, if not with the last interval: then that one is told as incomplete. */
  until?: number;
  /** Whether the values span decades. */
  log?: boolean;
  sync?: string;
  /** Moments worth a mark, such as deployments. */
  marks?: readonly { readonly time: number; readonly name: string }[];
  onZoom?: (from: number, to: number) => void;
}) {
  const { label, from, step, lines, format, height = 140, log = false, sync, marks } = props;
  const box = useRef<HTMLDivElement>(null);
  const { width } = useSize(box);
  const { shown: theme } = useTheme();
  const [at, setAt] = useState<number>();
  const zoom = useRef(props.onZoom);
  zoom.current = props.onZoom;
  const count = lines[0]?.values.length ?? 0;
  const whole = props.until === undefined || count < 2 || from + count * step <= props.until;
  const times = useMemo(() => Array.from({ length: count }, (_, i) => from + i * step), [count, from, step]);
  // Everything that needs another chart; new values alone are set on the present one.
  const look = JSON.stringify([
    theme,
    log,
    sync,
    marks,
    whole,
    lines.map((l) => [l.name, l.color, l.filled]),
  ]);
  const plot = useRef<uPlot>(undefined);
  const data = useMemo(() => {
    const values = lines.map((l) => l.values);
    return [times, ...(whole ? values : [...values.map(before), ...values.map(ending)])] as uPlot.AlignedData;
  }, [times, lines, whole]);
  const latest = useRef({ data, width, format });
  latest.current = { data, width, format };

  // biome-ignore lint/correctness/useExhaustiveDependencies: see look
  useEffect(() => {
    const element = box.current;
    if (!element || width === 0) return;
    const ink = readInk();
    const options: uPlot.Options = {
      width: latest.current.width,
      height,
      ms: 1,
      legend: { show: false },
      padding: [8, 16, 0, 0],
      cursor: {
        y: false,
        drag: { x: true, y: false, setScale: false },
        ...(sync === undefined ? {} : { sync: { key: sync } }),
      },
      scales: {
        x: { time: false },
        y: log ? { distr: 3 } : { range: (_, __, max) => [0, max > 0 ? max * 1.08 : 1] },
      },
      axes: [
        {
          stroke: ink.muted,
          font: ink.font,
          grid: { show: false },
          ticks: { stroke: ink.line, size: 4 },
          size: 24,
          gap: 4,
          splits: (u, _, lo, hi) => timeTicks(lo, hi, u.width / 90),
          values: (u, splits) => {
            const long = u.scales.x!.max! - u.scales.x!.min! > 86_400_000;
            const seconds = splits.length > 1 && splits[1]! - splits[0]! < 60_000;
            return splits.map((t) => (long ? formatDate(t) : formatClock(t).slice(0, seconds ? 8 : 5)));
          },
        },
        {
          stroke: ink.muted,
          font: ink.font,
          grid: { stroke: ink.line, width: 1 },
          ticks: { show: false },
          size: 58,
          gap: 6,
          space: 28,
          ...(log ? { splits: (_: uPlot, __: number, lo: number, hi: number) => logTicks(lo, hi) } : {}),
          values: (_, splits) => splits.map((v) => (v === null ? "" : latest.current.format(v))),
        },
      ],
      series: [
        {},
        ...lines.map((line) => ({ ...strokeOf(line), ...fillOf(line) })),
        // What is incomplete is dashed.
        ...(whole ? [] : lines.map((line) => ({ ...strokeOf(line), dash: [3, 4] }))),
      ],
      hooks: {
        setCursor: [(u) => setAt(u.cursor.idx ?? undefined)],
        setSelect: [
          (u) => {
            if (u.select.width < 4) return;
            const lo = u.posToVal(u.select.left, "x");
            const hi = u.posToVal(u.select.left + u.select.width, "x");
            u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
            zoom.current?.(lo, hi);
          },
        ],
        draw: [(u) => drawMarks(u, marks ?? [], ink.muted)],
      },
    };
    const made = new uPlot(options, latest.current.data, element);
    plot.current = made;
    return () => {
      made.destroy();
      plot.current = undefined;
    };
  }, [look, height, width === 0]);
  useEffect(() => {
    if (width > 0) plot.current?.setSize({ width, height });
  }, [width, height]);
  useEffect(() => plot.current?.setData(data), [data]);

  const index = at !== undefined && at < count ? at : lastKnown(lines);
  return (
    <figure className="chart" aria-label={label}>
      <figcaption>
        <b>{label}</b>
        <span className="chart-values num">
          {lines.map((line) => (
            <span key={line.name}>
              <i className="swatch" style={{ background: line.color }} />
              {lines.length > 1 && line.name} <b>{tell(line.values[index], format)}</b>
            </span>
          ))}
          {lines.length > FEW && <small className="chart-more muted">+{lines.length - FEW}</small>}
        </span>
        <small className="muted num">
          {index < 0 ? text.chart.none : formatDateTime(from + index * step)}
          {!whole && index === count - 1 && ` · ${text.chart.incomplete}`}
        </small>
      </figcaption>
      <div ref={box} className="chart-plot" style={{ height }} />
    </figure>
  );
}

/** The values without that of the last interval, and that one with the one before, which a line leads from. */
const before = (values: Line["values"]) => values.map((v, i) => (i === values.length - 1 ? null : v));
const ending = (values: Line["values"]) => values.map((v, i) => (i >= values.length - 2 ? v : null));

const strokeOf = (line: Line): uPlot.Series => ({
  label: line.name,
  stroke: line.color,
  width: 1.5,
  points: { show: false },
});

const fillOf = (line: Line): uPlot.Series =>
  line.filled ? { fill: `color-mix(in oklab, ${line.color} 14%, transparent)` } : {};

const tell = (value: number | null | undefined, format: (value: number) => string) =>
  value === null || value === undefined ? "–" : format(value);

/** The last interval in which any line has a value; the very last one is seldom whole yet. */
function lastKnown(lines: readonly Line[]): number {
  const count = lines[0]?.values.length ?? 0;
  for (let i = count - 2; i >= 0; i--) if (lines.some((l) => l.values[i] != null)) return i;
  return count - 1;
}

function drawMarks(u: uPlot, marks: readonly { time: number; name: string }[], color: string): void {
  const { ctx: c, bbox } = u;
  c.save();
  c.strokeStyle = color;
  c.fillStyle = color;
  c.setLineDash([3, 3]);
  c.textAlign = "left";
  for (const { time, name } of marks) {
    const x = Math.round(u.valToPos(time, "x", true));
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    c.beginPath();
    c.moveTo(x, bbox.top);
    c.lineTo(x, bbox.top + bbox.height);
    c.stroke();
    c.fillText(name, x + 4, bbox.top + 10);
  }
  c.restore();
}
