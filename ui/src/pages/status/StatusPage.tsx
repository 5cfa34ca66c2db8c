import { useEffect } from "react";
import { ApiError } from "../../api/client";
import { useServices, useStatus } from "../../api/queries";
import { useServer } from "../../api/server";
import type { ServiceCount, Status } from "../../api/types";
import { formatCount, formatDateTime, formatExact, nanosToMillis } from "../../base/format";
import { text } from "../../base/strings";
import { Link } from "../../components/Header";
import { Empty, Failure, Notice } from "../../components/Notice";
import { Swatch } from "../../components/Service";
import { findings } from "../../model/findings";
import { fieldName, printClauses } from "../../model/query";
import { searchPath } from "../../state/router";
import { useNow } from "../../state/window";
import { Destinations } from "./Destinations";
import { Dropped } from "./Dropped";
import { Findings } from "./Findings";
import { Kept } from "./Kept";
import { Listeners } from "./Listeners";
import { QueryLog } from "./QueryLog";
import { HourCharts, Received } from "./Received";
import { Settings } from "./Settings";
import { Room, Stores } from "./Stores";
import { Work } from "./Work";

const EVERY = 5000;

/** What this kiseki receives, drops, holds and uses, and what is wrong with it first. */
export default function StatusPage() {
  const status = useStatus(EVERY);
  const server = useServer(EVERY);
  const services = useServices();
  const now = useNow(EVERY);
  useEffect(() => {
    document.title = `${text.status.title} · ${text.product}`;
  }, []);
  const s = status.data;
  // The page is shown at once, not part by part.
  if (!s || server.isPending) {
    const { error } = status;
    return (
      <main id="main" className="page">
        {error instanceof ApiError ? (
          <Failure error={error} onRetry={() => status.refetch()} />
        ) : (
          <Empty title={text.common.loading} />
        )}
      </main>
    );
  }
  const started = text.common.ago(now - nanosToMillis(s.startTimeUnixNano));
  return (
    <main id="main" className="page status-page">
      <div className="status-title">
        <h1>{text.status.title}</h1>
        <span className="muted" title={formatDateTime(nanosToMillis(s.startTimeUnixNano))}>
          {text.status.about(s.version, started)}
        </span>
      </div>
      {status.error && <Notice>{text.status.stale(now - status.dataUpdatedAt)}</Notice>}
      <Findings findings={findings(server.data, s, now)} />
      {server.error && !status.error && (
        <p className="muted">
          {server.error.problem.status === 403 ? text.status.notTold : server.error.message}
        </p>
      )}
      {server.data && <HourCharts server={server.data} />}
      {server.data && <Room server={server.data} />}
      <Stores status={s} server={server.data} />
      <Kept status={s} now={now} />
      {server.data && <Received server={server.data} />}
      <Listeners endpoints={s.endpoints} listeners={server.data?.listeners ?? []} />
      <Destinations destinations={server.data?.destinations ?? []} />
      {server.data && <Dropped server={server.data} />}
      <Lost lost={s.lost} />
      <Services services={services.data ?? []} />
      <Work />
      <QueryLog />
      {server.data && <Settings />}
    </main>
  );
}

/** The services that spans are held of. */
function Services({ services }: { services: readonly ServiceCount[] }) {
  if (services.length === 0) return null;
  const all = (name: string) =>
    searchPath(
      printClauses([
        { field: fieldName("resource", "service.name"), op: "=", literal: JSON.stringify(name) },
      ]),
    );
  return (
    <section>
      <div className="status-head">
        <h2>{text.status.services}</h2>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys */}
      <section className="status-scroll" aria-label={text.status.services} tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">{text.status.service}</th>
              <th scope="col" className="figure">
                {text.status.spans}
              </th>
              <th scope="col" className="figure">
                {text.status.errors}
              </th>
            </tr>
          </thead>
          <tbody>
            {services.map((service) => (
              <tr key={service.name}>
                <td>
                  <Swatch name={service.name} />
                  <Link to={all(service.name)}>{service.name || text.common.noService}</Link>
                </td>
                <td className="figure num" title={formatExact(service.spanCount)}>
                  {formatCount(service.spanCount)}
                </td>
                <td className={service.errorCount ? "figure num failed" : "figure num muted"}>
                  {formatCount(service.errorCount)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </section>
  );
}

/** What damaged files held; nothing where there is none. */
function Lost({ lost }: { lost: Status["lost"] }) {
  if (lost.length === 0) return null;
  return (
    <section>
      <div className="status-head">
        <h2 className="failed">{text.status.lost.title}</h2>
        <span className="muted">{text.status.lost.hint}</span>
      </div>
      <table>
        <thead>
          <tr>
            <th scope="col">{text.status.lost.file}</th>
            <th scope="col" className="figure">
              {text.status.spans}
            </th>
            <th scope="col">{text.status.oldest}</th>
            <th scope="col">{text.status.newest}</th>
          </tr>
        </thead>
        <tbody>
          {lost.map((l) => (
            <tr key={l.file}>
              <td className="mono">{l.file}</td>
              <td className="figure num">
                {l.spanCount > 0 ? formatExact(l.spanCount) : text.status.lost.unknown}
              </td>
              <td className="num">{formatDateTime(nanosToMillis(l.minSpanStartUnixNano))}</td>
              <td className="num">{formatDateTime(nanosToMillis(l.maxSpanStartUnixNano))}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
