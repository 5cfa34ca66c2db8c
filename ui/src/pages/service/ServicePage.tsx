import { useEffect } from "react";
import { text } from "../../base/strings";
import { AgainstPicker } from "../../components/AgainstPicker";
import { Link } from "../../components/Header";
import { MeasureText, measuresOf } from "../../components/Measures";
import { Empty, Failure, Notice } from "../../components/Notice";
import { Swatch } from "../../components/Service";
import { useCompareTime } from "../../state/against";
import { searchPath } from "../../state/router";
import { inTime } from "../../state/time";
import { Dependencies } from "./Dependencies";
import { Faults } from "./Faults";
import { InstanceTable, useVersions, VersionTable } from "./Instances";
import { LatencyMap } from "./LatencyMap";
import { Operations } from "./Operations";
import { RedCharts } from "./RedCharts";
import { entriesOf, useService } from "./useService";

const COLUMNS = 120;

const NO_SPANS = { count: 0, errors: 0 };

/** How one service does. */
export default function ServicePage({ name }: { name: string }) {
  const time = useCompareTime(COLUMNS);
  const service = useService(name, time);
  const versions = useVersions(name, time);
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
  const when = text.overview.times[time.against];
  const figures = measuresOf(service.now ?? NO_SPANS, service.before, time.nowSeconds, time.beforeSeconds);
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
        <Link className="button" to={inTime(`/map?service=${encodeURIComponent(name)}`)}>
          {text.service.map}
        </Link>
        <span className="spring" />
        <AgainstPicker against={time.against} title={time.baseName} />
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
            {Object.entries(figures).map(([key, measure]) => (
              <div key={key}>
                <dt>{measure.name}</dt>
                <dd>{service.now ? <MeasureText of={measure} when={when} /> : "–"}</dd>
              </div>
            ))}
          </dl>
          {service.pending ? (
            <div className="red-charts" role="status" aria-label={text.common.loading}>
              <div className="chart waiting" />
              <div className="chart waiting" />
              <div className="chart waiting" />
            </div>
          ) : (
            <RedCharts service={service} marks={versions.marks} />
          )}
          <LatencyMap service={name} time={time} />
          <Operations service={name} />
          <Faults service={name} time={time} />
          <Dependencies service={name} time={time} />
          <VersionTable service={name} time={time} versions={versions} />
          <InstanceTable service={name} time={time} />
        </>
      )}
    </main>
  );
}
