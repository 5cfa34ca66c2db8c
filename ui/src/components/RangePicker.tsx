import { useState } from "react";
import { formatDateTime, fromInputTime, toInputTime } from "../base/format";
import { setZone, zone } from "../base/locale";
import { text } from "../base/strings";
import { exactRange, exactTimes, RELATIVE, windowOf } from "../state/range";
import { Icon } from "./Icon";
import { Popover } from "./Popover";

/** The time range: a relative one, or exact times. */
export function RangePicker({ range, onRange }: { range: string; onRange: (range: string) => void }) {
  const exact = exactTimes(range);
  const label = exact
    ? `${formatDateTime(exact.from)} – ${formatDateTime(exact.to)}`
    : (text.time.ranges[range] ?? range);
  return (
    <Popover
      className="range"
      label={text.time.range}
      buttonLabel={`${text.time.range}: ${label}`}
      face={
        <>
          <Icon name="clock" />
          <span className="num">{label}</span>
          <Icon name="down" />
        </>
      }
    >
      {(close) => {
        const choose = (next: string) => {
          close();
          onRange(next);
        };
        return (
          <>
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
          </>
        );
      }}
    </Popover>
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
