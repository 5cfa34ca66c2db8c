import type { ReactNode } from "react";
import type { Latency } from "../../api/analysis";
import { formatDuration, formatExact } from "../../base/format";
import { text } from "../../base/strings";
import { KIND_ICONS } from "../../components/graph/Labels";
import { Link } from "../../components/Header";
import { Icon } from "../../components/Icon";
import { Swatch } from "../../components/Service";
import { type Calls, neighbours, type Place, received } from "../../model/graph";
import { alsoMatching, callsQuery, placeQuery } from "../../model/graphQuery";
import { exactRange } from "../../state/range";
import { searchPath, servicePath, setParams } from "../../state/router";
import { inTime } from "../../state/time";
import { errorsOf, lineOf, rateOf } from "./figures";
import type { MapData } from "./useMap";

/** What the selected place or edge is about. */
export function MapPanel(props: {
  data: MapData;
  selected: string;
  onSelect: (key: string | undefined) => void;
}) {
  const { data, selected, onSelect } = props;
  const place = data.system.places.get(selected);
  const calls = data.system.calls.get(selected);
  if (!place && !calls) return null;
  return (
    <aside className="map-panel" aria-label={text.map.panel.label}>
      <button
        type="button"
        className="ghost map-close"
        onClick={() => onSelect(undefined)}
        aria-label={text.common.close}
        title={text.common.close}
      >
        <Icon name="close" />
      </button>
      {place ? <PlaceDetails {...props} place={place} /> : <CallsDetails {...props} calls={calls!} />}
    </aside>
  );
}

/** A place's sign and name. */
export function PlaceName({ place }: { place: Place }) {
  const icon = KIND_ICONS[place.kind];
  return (
    <span className="place-sign" title={text.map.kinds[place.kind]}>
      {icon ? <Icon name={icon} /> : <Swatch name={place.name} />}
      {place.name || text.common.noService}
    </span>
  );
}

function PlaceDetails(props: { data: MapData; place: Place; onSelect: (key: string) => void }) {
  const { data, place, onSelect } = props;
  const near = neighbours(data.now).get(place.key) ?? { in: [], out: [] };
  const here = data.now.places.get(place.key);
  const calls = received(near.in);
  const traces = tracesIn(data);
  return (
    <>
      <h2>
        <PlaceName place={place} />
      </h2>
      <p className="muted">{[text.map.kinds[place.kind], place.system].filter(Boolean).join(" · ")}</p>
      <dl className="map-figures">
        <Figure name={text.map.panel.received} title={formatExact(calls.count)}>
          {rateOf(calls.count, data.seconds)}
        </Figure>
        <Figure name={text.map.columns.errors} failed={calls.errors > 0} title={formatExact(calls.errors)}>
          {errorsOf(calls)}
        </Figure>
        {place.kind === "service" && here && (
          <>
            <Figure name={text.map.panel.spans} title={formatExact(here.spanCount)}>
              {rateOf(here.spanCount, data.seconds)}
            </Figure>
            <Figure
              name={text.map.panel.spanErrors}
              failed={here.errorCount > 0}
              title={formatExact(here.errorCount)}
            >
              {errorsOf({ count: here.spanCount, errors: here.errorCount })}
            </Figure>
          </>
        )}
      </dl>
      <div className="map-links">
        {place.kind === "service" && (
          <>
            <Link className="button" to={inTime(servicePath(place.name))}>
              {text.map.panel.service}
            </Link>
            {place.name !== data.service && (
              <button type="button" onClick={() => setParams({ service: place.name })}>
                {text.map.aroundIt}
              </button>
            )}
          </>
        )}
        <Link className="button" to={traces(placeQuery(place))}>
          {text.map.panel.traces}
        </Link>
      </div>
      <Others title={text.map.panel.callers} calls={near.in} side="from" data={data} onSelect={onSelect}>
        {place.kind === "service" && <p className="muted">{text.map.panel.noCallers}</p>}
      </Others>
      {near.out.length > 0 && (
        <Others title={text.map.panel.callees} calls={near.out} side="to" data={data} onSelect={onSelect} />
      )}
    </>
  );
}

/** The calls of a place in one direction, the most frequent first. */
function Others(props: {
  title: string;
  calls: readonly Calls[];
  side: "from" | "to";
  data: MapData;
  onSelect: (key: string) => void;
  children?: ReactNode;
}) {
  const { title, calls, side, data, onSelect, children } = props;
  return (
    <section>
      <h3>{title}</h3>
      {calls.length === 0 && children}
      <ul>
        {calls
          .filter((c) => data.system.places.has(c[side]))
          .sort((a, b) => b.count - a.count)
          .map((c) => (
            <li key={c.key}>
              <button type="button" className="ghost" onClick={() => onSelect(c.key)}>
                <PlaceName place={data.system.places.get(c[side])!} />
                <small className={c.errors > 0 ? "num failed" : "num"}>{lineOf(c, data.seconds)}</small>
              </button>
            </li>
          ))}
      </ul>
    </section>
  );
}

function CallsDetails(props: { data: MapData; calls: Calls; onSelect: (key: string) => void }) {
  const { data, calls, onSelect } = props;
  const from = data.system.places.get(calls.from)!;
  const to = data.system.places.get(calls.to)!;
  const now = data.now.calls.get(calls.key);
  const known = data.changes?.calls.get(calls.key);
  const before = known && known.before.count > 0 ? known.before : undefined;
  const traces = tracesIn(data);
  const was = (value: string) => before && <small className="muted">{text.map.panel.was(value)}</small>;
  return (
    <>
      <h2 className="map-way">
        <button type="button" className="ghost" onClick={() => onSelect(from.key)}>
          <PlaceName place={from} />
        </button>
        <span className="muted">{calls.messaging ? text.map.message : text.map.call}</span>
        <button type="button" className="ghost" onClick={() => onSelect(to.key)}>
          <PlaceName place={to} />
        </button>
      </h2>
      {known?.change && <ChangeTag change={known.change} />}
      {!now && <p className="muted">{text.map.panel.silent}</p>}
      <dl className="map-figures">
        <Figure name={text.map.columns.rate} title={formatExact(now?.count ?? 0)}>
          {rateOf(now?.count ?? 0, data.seconds)} {before && was(rateOf(before.count, data.beforeSeconds))}
        </Figure>
        <Figure
          name={text.map.columns.errors}
          failed={(now?.errors ?? 0) > 0}
          title={formatExact(now?.errors ?? 0)}
        >
          {errorsOf(now ?? { count: 0, errors: 0 })} {before && was(errorsOf(before))}
        </Figure>
      </dl>
      {now?.server && <Latencies title={text.map.panel.server} of={now.server} before={before?.server} />}
      {now?.client && <Latencies title={text.map.panel.client} of={now.client} before={before?.client} />}
      {calls.messaging && to.kind === "service" && <p className="muted">{text.map.panel.linked}</p>}
      <div className="map-links">
        <Link className="button" to={traces(callsQuery(from, to, calls))}>
          {text.map.panel.traces}
        </Link>
        {(now?.errors ?? 0) > 0 && (
          <Link className="button" to={traces(callsQuery(from, to, calls, true))}>
            {text.map.panel.failed}
          </Link>
        )}
      </div>
    </>
  );
}

function Latencies({ title, of, before }: { title: string; of: Latency; before: Latency | undefined }) {
  return (
    <section>
      <h3>{title}</h3>
      <dl className="map-figures three">
        {(["p50", "p90", "p99"] as const).map((q) => (
          <Figure key={q} name={q}>
            {formatDuration(Number(of[`${q}Nanos`]))}{" "}
            {before && (
              <small className="muted">
                {text.map.panel.was(formatDuration(Number(before[`${q}Nanos`])))}
              </small>
            )}
          </Figure>
        ))}
      </dl>
    </section>
  );
}

function Figure(props: { name: string; title?: string; failed?: boolean; children: ReactNode }) {
  return (
    <div title={props.title}>
      <dt>{props.name}</dt>
      <dd className={props.failed ? "num failed" : "num"}>{props.children}</dd>
    </div>
  );
}

export function ChangeTag({ change }: { change: "new" | "gone" | "worse" }) {
  return <span className={`tag change-${change}`}>{text.map.states[change]}</span>;
}

/** Links to searches in the time that the map shows. */
const tracesIn = (data: MapData) => (found: string) => {
  const query = alsoMatching(found, data.only);
  return data.step === undefined
    ? inTime(searchPath(query))
    : searchPath(query, exactRange(data.from, data.to));
};
