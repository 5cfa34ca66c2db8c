import { useEffect } from "react";
import { formatDateTime } from "../../base/format";
import { text } from "../../base/strings";
import { AgainstPicker } from "../../components/AgainstPicker";
import { Link } from "../../components/Header";
import { MeasureText, measuresOf } from "../../components/Measures";
import { Empty, Failure, Notice } from "../../components/Notice";
import { Swatch } from "../../components/Service";
import { secondsOf } from "../../state/against";
import { searchPath } from "../../state/router";
import { inTime } from "../../state/time";
import { type Mark, RedCharts } from "./RedCharts";
import { entriesOf, useService, useServiceTime } from "./useService";

const NO_MARKS: readonly Mark[] = [];

/** How one service does. */
export default function ServicePage({ name }: { name: string }) {
  const time = useServiceTime();
  const service = useService(name, time);
  const title = name || text.common.noService;
  useEffect(() => {
    document.title = `${title} · ${text.product}`;
  }, [title]);
  if (service.error && !service.now)
    return (
      <main id="main" className="page">
        <Failure error={service.error} onRetry={service.retry} />
      </main>
    );
  const { windows, against, oldest } = time;
  const when = text.overview.times[against];
  return (
    <main id="main" className="page service">
      {service.partial && <Notice>{text.overview.partial(service.partial)}</Notice>}
      <div className="service-head">
        <h1>
          <Swatch name={name} />
          {title}
        </h1>
        <Link className="button" to={inTime(searchPath(entriesOf(name)))}>
          {text.service.search}
        </Link>
        <span className="spring" />
        <AgainstPicker
          against={against}
          title={`${formatDateTime(windows.baseFrom)} – ${formatDateTime(windows.baseTo)}`}
        />
      </div>
      {!service.pending && !service.now ? (
        <Empty title={text.service.none}>
          <p>{text.service.noneHint}</p>
          <Link className="button" to={inTime("/")}>
            {text.service.overview}
          </Link>
        </Empty>
      ) : (
        <>
          <dl className="service-figures" title={text.overview.entry}>
            {Object.entries(
              measuresOf(
                service.now ?? { count: 0, errors: 0 },
                service.before,
                secondsOf(windows.from, windows.to, oldest),
                secondsOf(windows.baseFrom, windows.baseTo, oldest),
              ),
            ).map(([key, measure]) => (
              <div key={key}>
                <dt>{measure.name}</dt>
                <dd>{service.now ? <MeasureText of={measure} when={when} /> : "–"}</dd>
              </div>
            ))}
          </dl>
          <RedCharts service={service} time={time} marks={NO_MARKS} />
        </>
      )}
    </main>
  );
}
