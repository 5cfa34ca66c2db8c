import type { Listener } from "../../api/server";
import type { Status } from "../../api/types";
import { text } from "../../base/strings";
import { CopyButton } from "../../components/CopyButton";
import { Link } from "../../components/Header";

/** Where spans are taken: OTLP, and the listeners of the other protocols with what keeps one shut. */
export function Listeners({
  endpoints,
  listeners,
}: {
  endpoints: Status["endpoints"];
  listeners: readonly Listener[];
}) {
  const words = text.status.listeners;
  return (
    <section>
      <div className="status-head">
        <h2>{words.title}</h2>
        <Link to="/welcome">{text.welcome.howTo}</Link>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys */}
      <section className="status-scroll" aria-label={words.title} tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">{words.protocol}</th>
              <th scope="col">{words.address}</th>
            </tr>
          </thead>
          <tbody>
            <Open title="OTLP/HTTP" address={endpoints.otlpHttp} />
            <Open title="OTLP/gRPC" address={endpoints.otlpGrpc} />
            {listeners.map((l) =>
              l.state === "open" ? (
                <Open key={l.setting} title={l.title} address={l.address ?? ""} />
              ) : (
                <tr key={l.setting}>
                  <td>{l.title}</td>
                  <td className={l.state === "missing" ? "warned" : "muted"} title={l.reason}>
                    {l.state === "missing" ? words.missing(l.address ?? "", l.setting) : words.off(l.setting)}
                  </td>
                </tr>
              ),
            )}
          </tbody>
        </table>
      </section>
    </section>
  );
}

function Open({ title, address }: { title: string; address: string }) {
  return (
    <tr>
      <td>{title}</td>
      <td>
        <code>{address}</code> <CopyButton value={address} />
      </td>
    </tr>
  );
}
