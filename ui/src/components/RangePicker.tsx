import { useEffect, useRef, useState } from "react";
import { formatDateTime, fromInputTime, toInputTime } from "../base/format";
import { setZone, zone } from "../base/locale";
import { text } from "../base/strings";
import { exactRange, exactTimes, RELATIVE, windowOf } from "../state/range";
import { Icon } from "./Icon";

/** The time range: a relative one, or exact times. */
export function RangePicker({ range, onRange }: { range: string; onRange: (range: string) => void }) {
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return;
    const onDown = (event: PointerEvent) => {
      if (!box.current?.contains(event.target as Node)) setOpen(false);
    };
    window.addEventListener("pointerdown", onDown);
    return () => window.removeEventListener("pointerdown", onDown);
  }, [open]);
  const exact = exactTimes(range);
  const label = exact
    ? `${formatDateTime(exact.from)} – ${formatDateTime(exact.to)}`
    : (text.time.ranges[range] ?? range);
  const choose = (next: string) => {
    setOpen(false);
    onRange(next);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Escape closes the popover from anywhere in it
    <div className="range" ref={box} onKeyDown={(event) => event.key === "Escape" && setOpen(false)}>
      <button
        type="button"
        aria-haspopup="dialog"
        aria-expanded={open}
        aria-label={`${text.time.range}: ${label}`}
        onClick={() => setOpen(!open)}
      >
        <Icon name="clock" />
        <span className="num">{label}</span>
        <Icon name="down" />
      </button>
      {open && (
        <div className="popover" role="dialog" aria-label={text.time.range}>
          <div className="range-list">
            {RELATIVE.map((r) => (
              <button
                type="button"
                key={r}
                className="ghost"
                aria-pressed={r === range}
                onClick={() => choose(r)}
              >
                {text.time.ranges[r]}
              </button>
            ))}
          </div>
          <div className="range-exact">
            <ExactTimes range={range} onRange={choose} />
            <label>
              {text.time.zone}
              <select value={zone} onChange={(event) => setZone(event.target.value)}>
                <option value="local">{text.time.local}</option>
                {["UTC", ...Intl.supportedValuesOf("timeZone").filter((name) => name !== "UTC")].map(
                  (name) => (
                    <option key={name}>{name}</option>
                  ),
                )}
              </select>
            </label>
          </div>
        </div>
      )}
    </div>
  );
}

function ExactTimes({ range, onRange }: { range: string; onRange: (range: string) => void }) {
  const [now] = useState(Date.now);
  const initial = windowOf(range, now);
  const [from, setFrom] = useState(toInputTime(initial.from ?? now - 3_600_000));
  const [to, setTo] = useState(toInputTime(initial.to ?? now));
  const a = fromInputTime(from);
  const b = fromInputTime(to);
  return (
    <form
      className="range-form"
      onSubmit={(event) => {
        event.preventDefault();
        onRange(exactRange(a, b));
      }}
    >
      <h3>{text.time.exact}</h3>
      <label>
        {text.time.from}
        <input
          type="datetime-local"
          step={1}
          value={from}
          onChange={(event) => setFrom(event.target.value)}
        />
      </label>
      <label>
        {text.time.to}
        <input type="datetime-local" step={1} value={to} onChange={(event) => setTo(event.target.value)} />
      </label>
      <button type="submit" className="primary" disabled={!(a < b)}>
        {text.time.apply}
      </button>
    </form>
  );
}
