import { useEffect, useRef, useState } from "react";
import { formatDateTime, toInputTime } from "../../base/format";
import { text } from "../../base/strings";
import { Icon } from "../../components/Icon";
import { exactRange, exactTimes, RELATIVE, windowOf } from "../../state/range";

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
    : (text.search.ranges[range] ?? range);
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
        aria-label={`${text.search.range}: ${label}`}
        onClick={() => setOpen(!open)}
      >
        <Icon name="clock" />
        <span className="num">{label}</span>
        <Icon name="down" />
      </button>
      {open && (
        <div className="popover" role="dialog" aria-label={text.search.range}>
          <div className="range-list">
            {RELATIVE.map((r) => (
              <button
                type="button"
                key={r}
                className="ghost"
                aria-pressed={r === range}
                onClick={() => choose(r)}
              >
                {text.search.ranges[r]}
              </button>
            ))}
          </div>
          <ExactTimes range={range} onRange={choose} />
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
  const a = new Date(from).getTime();
  const b = new Date(to).getTime();
  return (
    <form
      className="range-exact"
      onSubmit={(event) => {
        event.preventDefault();
        onRange(exactRange(a, b));
      }}
    >
      <h3>{text.search.absolute}</h3>
      <label>
        {text.search.from}
        <input
          type="datetime-local"
          step={1}
          value={from}
          onChange={(event) => setFrom(event.target.value)}
        />
      </label>
      <label>
        {text.search.to}
        <input type="datetime-local" step={1} value={to} onChange={(event) => setTo(event.target.value)} />
      </label>
      <button type="submit" className="primary" disabled={!(a < b)}>
        {text.search.apply}
      </button>
    </form>
  );
}
