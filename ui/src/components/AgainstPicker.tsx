import { text } from "../base/strings";
import { AGAINST, type Against, setAgainst } from "../state/against";

/** The choice of the earlier time to compare with; `title` says which times that are. */
export function AgainstPicker({ against, title }: { against: Against; title: string }) {
  return (
    <label className="against" title={title}>
      <span className="muted">{text.overview.against}</span>
      <select value={against} onChange={(event) => setAgainst(event.target.value as Against)}>
        {AGAINST.map((a) => (
          <option key={a} value={a}>
            {text.overview.times[a]}
          </option>
        ))}
      </select>
    </label>
  );
}
