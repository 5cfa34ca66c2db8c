import type { Server } from "../../api/server";
import { text } from "../../base/strings";
import { sum } from "../../model/serverFigures";
import { Count } from "./Received";

/** What was refused, dropped or cut since the start, by reason, with what to do about it. */
export function Dropped({ server }: { server: Server }) {
  const words = text.status.dropped;
  const rows = server.drops.filter((d) => d.count > 0);
  return (
    <section>
      <div className="status-head">
        <h2>{words.title}</h2>
        {rows.length === 0 && <span className="muted">{words.none}</span>}
      </div>
      {rows.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys
        <section className="status-scroll" aria-label={words.title} tabIndex={0}>
          <table className="dropped">
            <thead>
              <tr>
                <th scope="col" className="figure">
                  {words.hour}
                </th>
                <th scope="col" className="figure">
                  {words.start}
                </th>
                <th scope="col">{words.reason}</th>
                <th scope="col">{words.do}</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((d) => (
                <tr key={d.reason}>
                  <Count of={sum(d.history)} bad />
                  <Count of={d.count} />
                  <td>{text.status.drops[d.reason].what}</td>
                  <td className="muted">{text.status.drops[d.reason].do}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </section>
  );
}
