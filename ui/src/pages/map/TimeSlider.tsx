import { type KeyboardEvent, type PointerEvent, useEffect, useState } from "react";
import { formatClock, formatDate } from "../../base/format";
import { text } from "../../base/strings";
import { Icon } from "../../components/Icon";
import type { Counts } from "../../model/red";
import { setParams } from "../../state/router";
import type { Grid } from "../../state/time";

/** How long a step stays while the time plays. */
const STAY = 900;

const choose = (time: number | undefined) => setParams({ at: time === undefined ? "" : String(time) });

/** The range in steps, each with how many spans it has: one is looked at, or all of them. */
export function TimeSlider(props: {
  grid: Grid;
  steps: number;
  step: number | undefined;
  counts: Counts | undefined;
  /** Until when there can be spans, in Unix milliseconds: a step that ends later is told as incomplete. */
  until: number;
  /** Whether the chosen step is still being read. */
  busy: boolean;
}) {
  const { grid, steps, step, counts, busy, until } = props;
  const [playing, setPlaying] = useState(false);
  const timeOf = (i: number) => grid.from + i * grid.step;
  const go = (i: number | undefined) => choose(i === undefined ? undefined : timeOf(i));
  useEffect(() => {
    if (!playing || busy) return;
    const timer = setTimeout(() => {
      const next = step === undefined ? 0 : step + 1;
      if (next < steps) choose(grid.from + next * grid.step);
      else setPlaying(false);
    }, STAY);
    return () => clearTimeout(timer);
  }, [playing, busy, step, steps, grid.from, grid.step]);

  const onKeyDown = (event: KeyboardEvent) => {
    const at = step ?? steps;
    const to: Record<string, number | undefined> = {
      ArrowLeft: Math.max(0, at - 1),
      ArrowDown: Math.max(0, at - 1),
      ArrowRight: step === undefined ? 0 : Math.min(steps - 1, at + 1),
      ArrowUp: step === undefined ? 0 : Math.min(steps - 1, at + 1),
      Home: 0,
      End: steps - 1,
      Escape: undefined,
    };
    if (!(event.key in to) || (event.key === "Escape" && step === undefined)) return;
    event.preventDefault();
    setPlaying(false);
    go(to[event.key]);
  };
  const onPointer = (event: PointerEvent) => {
    if (!(event.buttons & 1)) return;
    const box = event.currentTarget.getBoundingClientRect();
    const i = Math.floor(((event.clientX - box.left) / box.width) * steps);
    setPlaying(false);
    go(Math.max(0, Math.min(steps - 1, i)));
  };
  const most = Math.max(1, ...(counts?.all ?? []));
  const clock = (time: number) =>
    grid.step >= 86_400_000 ? formatDate(time) : formatClock(time).slice(0, 5);
  const unfinished = (i: number) => timeOf(i + 1) > until;
  const named = (i: number) => {
    const step = text.map.time.step(clock(timeOf(i)), clock(timeOf(i + 1)));
    return unfinished(i) ? `${step} · ${text.chart.incomplete}` : step;
  };
  return (
    <div className="map-time">
      <button
        type="button"
        onClick={() => {
          if (!playing && step === steps - 1) go(0);
          setPlaying(!playing);
        }}
        aria-label={playing ? text.map.time.stop : text.map.time.play}
        title={playing ? text.map.time.stop : text.map.time.play}
      >
        <Icon name={playing ? "stop" : "play"} />
      </button>
      <button type="button" aria-pressed={step === undefined} className="ghost" onClick={() => go(undefined)}>
        {text.map.time.whole}
      </button>
      <div
        className="map-steps"
        role="slider"
        tabIndex={0}
        aria-label={text.map.time.label}
        aria-valuemin={0}
        aria-valuemax={steps}
        aria-valuenow={step ?? steps}
        aria-valuetext={step === undefined ? text.map.time.whole : named(step)}
        onKeyDown={onKeyDown}
        onPointerDown={onPointer}
        onPointerMove={onPointer}
      >
        {Array.from({ length: steps }, (_, i) => {
          const [all, errors] = [counts?.all[i] ?? 0, counts?.errors[i] ?? 0];
          const classes = ["map-step", i === step && "here", unfinished(i) && "unfinished"];
          return (
            <span key={timeOf(i)} className={classes.filter(Boolean).join(" ")} title={named(i)}>
              <i style={{ height: `${(all / most) * 100}%` }}>
                {errors > 0 && <b style={{ height: `${Math.max(8, (errors / all) * 100)}%` }} />}
              </i>
            </span>
          );
        })}
      </div>
      <span className="map-clock num">
        {step === undefined ? text.map.time.step(clock(grid.from), clock(grid.to)) : named(step)}
      </span>
    </div>
  );
}
