import type { Destination } from "../../api/server";
import { formatBytes, formatDateTime, nanosToMillis } from "../../base/format";
import { text } from "../../base/strings";
import { Count } from "./Received";

/** Where spans are sent on to; nothing where they are sent nowhere. */
export function Destinations({ destinations }: { destinations: readonly Destination[] }) {
  if (destinations.length === 0) return null;
  const words = text.status.destinations;
  return (
    <section>
      <div className="status-head">
        <h2>{words.title}</h2>
        <span className="muted">{text.status.received.hint}</span>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys */}
      <section className="status-scroll" aria-label={words.title} tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">{words.to}</th>
              {[words.sent, words.failed, words.waiting, words.unsent].map((head) => (
                <th key={head} scope="col" className="figure">
                  {head}
                </th>
              ))}
              <th scope="col">{words.state}</th>
            </tr>
          </thead>
          <tbody>
            {destinations.map((d) => (
              <Row key={d.name} destination={d} />
            ))}
          </tbody>
        </table>
      </section>
    </section>
  );
}

function Row({ destination: d }: { destination: Destination }) {
  const words = text.status.destinations;
  const unsent = d.drops.reduce((n, drop) => n + drop.count, 0);
  return (
    <tr>
      <td>
        {d.name} <span className="muted">{d.address}</span>
      </td>
      <Count of={d.sentSpanCount} />
      <Count of={d.failedRequestCount} bad />
      <td className="figure num" title={words.limit(formatBytes(d.queueLimitBytes))}>
        {formatBytes(d.queuedBytes)}
      </td>
      <td
        className={`figure num${unsent > 0 ? " failed" : " muted"}`}
        title={d.drops.map((drop) => `${words.reasons[drop.reason]}: ${drop.count}`).join("\n")}
      >
        {unsent}
      </td>
      <td className={d.failure ? "failed" : "muted"}>
        {d.failure ?? words.fine}
        {d.failingSinceUnixNano && (
          <span className="muted"> {words.since(formatDateTime(nanosToMillis(d.failingSinceUnixNano)))}</span>
        )}
      </td>
    </tr>
  );
}
