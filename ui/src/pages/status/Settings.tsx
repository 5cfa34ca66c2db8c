import { useState } from "react";
import { type Setting, useSettings } from "../../api/server";
import { text } from "../../base/strings";

/** The settings in force and where each comes from; at first those that somebody chose. */
export function Settings() {
  const asked = useSettings();
  const [typed, setTyped] = useState("");
  const [all, setAll] = useState(false);
  const words = text.status.settings;
  if (!asked.data) return null;
  const { file, settings } = asked.data;
  const wanted = typed.trim().toLowerCase();
  const rows = settings.filter(
    (s) =>
      (all || wanted !== "" || s.source !== "default") &&
      `${s.key} ${s.value} ${words.sources[s.source]}`.toLowerCase().includes(wanted),
  );
  return (
    <section>
      <div className="status-head">
        <h2>{words.title}</h2>
        <input
          type="search"
          value={typed}
          placeholder={words.filter}
          aria-label={words.filter}
          onChange={(event) => setTyped(event.target.value)}
        />
        <label>
          <input type="checkbox" checked={!all} onChange={() => setAll(!all)} /> {words.changed}
        </label>
        <span className="muted num">{words.count(rows.length)}</span>
        {file && <span className="muted">{words.file(file)}</span>}
      </div>
      {rows.length === 0 && wanted === "" && <p className="muted">{words.none}</p>}
      {rows.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys
        <section className="status-scroll" aria-label={words.title} tabIndex={0}>
          <table className="settings">
            <thead>
              <tr>
                {[words.name, words.value, words.source, words.standard].map((head) => (
                  <th key={head} scope="col">
                    {head}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((s) => (
                <Row key={s.key} setting={s} />
              ))}
            </tbody>
          </table>
        </section>
      )}
    </section>
  );
}

function Row({ setting: s }: { setting: Setting }) {
  const words = text.status.settings;
  const chosen = s.source !== "default";
  return (
    <tr>
      <th scope="row" className="mono">
        {s.key}
      </th>
      <td className={chosen ? "mono" : "mono muted"}>{s.value || words.empty}</td>
      <td className={chosen ? undefined : "muted"}>{words.sources[s.source]}</td>
      <td className="mono muted">{chosen && s.default !== s.value ? s.default || words.empty : ""}</td>
    </tr>
  );
}
