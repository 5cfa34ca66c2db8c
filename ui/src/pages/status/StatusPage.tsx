import { type ReactNode, useEffect } from "react";
import { ApiError } from "../../api/client";
import { useServices, useStatus } from "../../api/queries";
import type { Status } from "../../api/types";
import { formatBytes, formatCount, formatDateTime, formatExact, nanosToMillis } from "../../base/format";
import { text } from "../../base/strings";
import { CopyButton } from "../../components/CopyButton";
import { Link } from "../../components/Header";
import { Empty, Failure } from "../../components/Notice";
import { Swatch } from "../../components/Service";
import { fieldName, printClauses } from "../../model/query";
import { searchPath } from "../../state/router";
import { useNow } from "../../state/window";
import { QueryLog } from "./QueryLog";
import { Work } from "./Work";

/** What this kiseki is and holds. */
export default function StatusPage() {
  const status = useStatus(5000);
  const services = useServices();
  const now = useNow(5000);
  useEffect(() => {
    document.title = `${text.status.title} · ${text.product}`;
  }, []);
  const s = status.data;
  if (!s) {
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
  const time = (nanos: string | undefined) => {
    if (nanos === undefined) return <span className="muted">{text.status.none}</span>;
    const millis = nanosToMillis(nanos);
    return (
      <>
        {formatDateTime(millis)} <small>{text.common.ago(now - millis)}</small>
      </>
    );
  };
  return (
    <main id="main" className="page status-page">
      <h1>{text.status.title}</h1>
      <dl className="tiles num">
        <Tile name={text.status.spans} title={formatExact(s.spanCount)}>
          {formatCount(s.spanCount)}
        </Tile>
        <Tile name={text.status.disk}>
          {formatBytes(s.diskBytes)}{" "}
          {s.spanCount > 0 && (
            <small>{text.status.perSpan(formatBytes(Math.round(s.diskBytes / s.spanCount)))}</small>
          )}
        </Tile>
        <Tile name={text.status.segments}>{formatExact(s.segmentCount)}</Tile>
        <Tile name={text.status.oldest}>{time(s.minSpanStartUnixNano)}</Tile>
        <Tile name={text.status.newest}>{time(s.maxSpanStartUnixNano)}</Tile>
        <Tile name={text.status.started}>{time(s.startTimeUnixNano)}</Tile>
        <Tile name={text.status.http}>
          <span className="mono">{s.endpoints.otlpHttp}</span> <CopyButton value={s.endpoints.otlpHttp} />
        </Tile>
        <Tile name={text.status.grpc}>
          <span className="mono">{s.endpoints.otlpGrpc}</span> <CopyButton value={s.endpoints.otlpGrpc} />
        </Tile>
        <Tile name={text.status.version}>
          <span className="mono">{s.version}</span>
        </Tile>
      </dl>
      <p>
        <Link to="/welcome">{text.welcome.howTo}</Link>
      </p>
      {(services.data?.length ?? 0) > 0 && (
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
            {services.data!.map((service) => (
              <tr key={service.name}>
                <td>
                  <Swatch name={service.name} />
                  <Link
                    to={searchPath(
                      printClauses([
                        {
                          field: fieldName("resource", "service.name"),
                          op: "=",
                          literal: JSON.stringify(service.name),
                        },
                      ]),
                    )}
                  >
                    {service.name || text.common.noService}
                  </Link>
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
      )}
      <Lost lost={s.lost} />
      <Work />
      <QueryLog />
    </main>
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

function Tile({ name, title, children }: { name: string; title?: string; children: ReactNode }) {
  return (
    <div title={title}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
