import { queryClient } from "../api/queries";
import { text } from "../base/strings";
import { REFRESHES, refreshNow, setRange, setRefresh, useAutoRefresh, useTime } from "../state/time";
import { Icon } from "./Icon";
import { RangePicker } from "./RangePicker";

/** Asks anew, also what a new end of the range would not ask: spans may have come late. */
function askAgain(): void {
  refreshNow();
  // Once the pages ask for the new range; what they began is not begun twice.
  setTimeout(() => queryClient.invalidateQueries({}, { cancelRefetch: false }));
}

/** The time range of the page and how often it is asked anew. */
export function TimeControls() {
  const { range, refresh } = useTime();
  useAutoRefresh();
  return (
    <div className="time-controls">
      <RangePicker range={range} onRange={setRange} />
      <select
        className="refresh"
        aria-label={text.time.refresh}
        title={text.time.refresh}
        value={refresh}
        onChange={(event) => setRefresh(Number(event.target.value))}
      >
        <option value={0}>{text.time.refreshOff}</option>
        {REFRESHES.map((s) => (
          <option key={s} value={s}>
            {text.time.refreshEvery(s)}
          </option>
        ))}
      </select>
      <button
        type="button"
        className="ghost"
        onClick={askAgain}
        title={text.time.refreshNow}
        aria-label={text.time.refreshNow}
      >
        <Icon name="refresh" />
      </button>
    </div>
  );
}
