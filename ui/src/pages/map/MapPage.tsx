import { useEffect, useState } from "react";
import { text } from "../../base/strings";
import { AgainstPicker } from "../../components/AgainstPicker";
import { Link } from "../../components/Header";
import { Icon } from "../../components/Icon";
import { Empty, Failure, Notice } from "../../components/Notice";
import { Suggest } from "../../components/Suggest";
import { placeKey } from "../../model/graph";
import { setParams, useLocation } from "../../state/router";
import { useShortcuts } from "../../state/shortcuts";
import { inTime } from "../../state/time";
import { MapCanvas } from "./MapCanvas";
import { MapPanel } from "./MapPanel";
import { MapTable } from "./MapTable";
import { OnlyTraces } from "./OnlyTraces";
import { TimeSlider } from "./TimeSlider";
import { DEPTHS, type MapData, useMap } from "./useMap";

/** The service graph: what calls what, how often, and how that goes. */
export default function MapPage() {
  const data = useMap();
  const { params } = useLocation();
  const [focus, setFocus] = useState<{ key: string; times: number }>();
  useEffect(() => {
    document.title = `${text.map.title} · ${text.product}`;
  }, []);
  const asTable = params.get("view") === "table";
  const written = params.get("select") ?? undefined;
  const selected =
    written !== undefined && (data.shown.places.has(written) || data.shown.calls.has(written))
      ? written
      : undefined;
  const select = (key: string | undefined) => setParams({ select: key ?? "" });
  const find = (key: string) => {
    select(key);
    setFocus((old) => ({ key, times: (old?.times ?? 0) + 1 }));
  };
  useShortcuts({
    "/": () => document.querySelector<HTMLInputElement>(".map-bar .suggest input")?.focus(),
    Escape: () => (selected === undefined ? setParams({ service: "", depth: "" }) : select(undefined)),
  });
  return (
    <main id="main" className="map-page">
      <h1 className="unseen">{text.map.title}</h1>
      <MapBar data={data} asTable={asTable} onFind={find} />
      {data.error && data.system.places.size > 0 && <Notice>{data.error.message}</Notice>}
      {data.partial && <Notice>{text.map.partial(data.partial)}</Notice>}
      {data.unknown > 0 && <Notice>{text.map.unknownCalls(data.unknown)}</Notice>}
      {data.noBase && <Notice>{text.map.noBase(text.overview.times[data.against])}</Notice>}
      <div className="map-body">
        <MapArea data={data} asTable={asTable} selected={selected} focus={focus} onSelect={select} />
        {selected !== undefined && <MapPanel data={data} selected={selected} onSelect={select} />}
      </div>
      <TimeSlider
        grid={data.grid}
        steps={data.steps}
        step={data.step}
        counts={data.counts}
        until={data.until}
        busy={data.stepBusy}
      />
    </main>
  );
}

function MapArea(props: {
  data: MapData;
  asTable: boolean;
  selected: string | undefined;
  focus: { key: string; times: number } | undefined;
  onSelect: (key: string | undefined) => void;
}) {
  const { data, asTable, selected, focus, onSelect } = props;
  if (data.error && data.system.places.size === 0) return <Failure error={data.error} onRetry={data.retry} />;
  if (data.pending) return <Empty title={text.common.loading} />;
  if (data.system.places.size === 0 && data.only)
    return (
      <Empty title={text.map.onlyNone}>
        <button type="button" onClick={() => setParams({ q: "" })}>
          {text.map.onlyClear}
        </button>
      </Empty>
    );
  if (data.system.places.size === 0)
    return (
      <Empty title={text.map.empty}>
        <p>{text.map.emptyHint}</p>
        <Link className="button" to="/welcome">
          {text.welcome.howTo}
        </Link>
      </Empty>
    );
  if (data.shown.places.size === 0)
    return (
      <Empty title={text.map.notHere(data.service)}>
        <Link className="button" to={inTime("/map")}>
          {text.map.whole}
        </Link>
      </Empty>
    );
  if (asTable) return <MapTable data={data} selected={selected} onSelect={onSelect} />;
  return (
    <MapCanvas
      shown={data.shown}
      now={data.now}
      scope={JSON.stringify([data.service, data.depth, data.folds, data.only])}
      seconds={data.seconds}
      changes={data.changes}
      selected={selected}
      focus={focus}
      onSelect={onSelect}
    />
  );
}

/** What is shown, and how. */
function MapBar(props: { data: MapData; asTable: boolean; onFind: (key: string) => void }) {
  const { data, asTable, onFind } = props;
  const places = [...data.shown.places.values()];
  const worth = data.changes
    ? [...data.changes.calls.values()].filter((c) => c.change).length + data.changes.places.size
    : 0;
  return (
    <div className="map-bar">
      <Suggest
        label={text.map.find}
        placeholder={text.map.find}
        value=""
        options={places.map((p) => ({ value: p.name, note: text.map.kinds[p.kind] }))}
        onCommit={(name) => {
          const found =
            data.shown.places.get(placeKey("service", name)) ??
            places.find((p) => p.name === name) ??
            places.find((p) => p.name.toLowerCase().includes(name.toLowerCase()));
          if (name && found) onFind(found.key);
        }}
      />
      <OnlyTraces query={data.only} />
      {data.service && (
        <span className="map-around">
          {text.map.around(data.service)}
          <label>
            <span className="muted">{text.map.depth}</span>
            <select value={data.depth} onChange={(event) => setParams({ depth: event.target.value })}>
              {DEPTHS.map((d) => (
                <option key={d}>{d}</option>
              ))}
            </select>
          </label>
          <button type="button" onClick={() => setParams({ service: "", depth: "" })}>
            <Icon name="close" />
            {text.map.whole}
          </button>
        </span>
      )}
      <button
        type="button"
        aria-pressed={data.wanted}
        className="ghost"
        onClick={() => setParams({ changes: data.wanted ? "" : "1" })}
      >
        {text.map.changes}
      </button>
      {data.wanted && <AgainstPicker against={data.against} title={text.overview.times[data.against]} />}
      {data.changes && (
        <span className="muted">{worth > 0 ? text.map.changed(worth) : text.map.unchanged}</span>
      )}
      {data.large && !data.service && (
        <button
          type="button"
          aria-pressed={data.folds}
          className="ghost"
          title={text.map.foldedHint}
          onClick={() => setParams({ fold: data.folds ? "0" : "" })}
        >
          {text.map.folded}
        </button>
      )}
      <span className="spring" />
      <span className={data.busy ? "muted busy" : "muted"}>
        {text.map.count(data.shown.places.size, data.shown.calls.size)}
      </span>
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is for forms */}
      <span role="group" aria-label={text.map.view} className="map-view">
        <button
          type="button"
          className="ghost"
          aria-pressed={!asTable}
          onClick={() => setParams({ view: "" })}
        >
          {text.map.graph}
        </button>
        <button
          type="button"
          className="ghost"
          aria-pressed={asTable}
          onClick={() => setParams({ view: "table" })}
        >
          {text.map.table}
        </button>
      </span>
    </div>
  );
}
