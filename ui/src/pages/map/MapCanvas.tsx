import { useCallback, useMemo } from "react";
import { text } from "../../base/strings";
import { GraphCanvas } from "../../components/graph/GraphCanvas";
import { type Changes, type Graph, neighbours, received } from "../../model/graph";
import type { Layout } from "../../model/graphLayout";
import { errorsOf, lineOf, rateOf } from "./figures";
import { sceneOf } from "./scene";

/** The panel's width with a margin. */
const PANEL = 356;

/** The graph of a time, drawn. `focus` is brought to the middle each time its number changes. */
export function MapCanvas(props: {
  shown: Graph;
  now: Graph;
  scope: string;
  seconds: number;
  changes: Changes | undefined;
  selected: string | undefined;
  focus: { readonly key: string; readonly times: number } | undefined;
  onSelect: (key: string | undefined) => void;
}) {
  const { shown, now, seconds, changes, selected } = props;
  const sceneOn = useCallback(
    (layout: Layout) => sceneOf(shown, now, layout, seconds, changes, selected),
    [shown, now, seconds, changes, selected],
  );
  const placeLines = useMemo(() => {
    const near = neighbours(now);
    return new Map(
      [...shown.places.keys()].map((key) => {
        const calls = received(near.get(key)?.in ?? []);
        if (calls.count === 0) return [key, ""];
        return [key, rateOf(calls.count, seconds) + (calls.errors > 0 ? ` · ${errorsOf(calls)}` : "")];
      }),
    );
  }, [shown, now, seconds]);
  const edgeLines = useMemo(
    () =>
      new Map(
        [...now.calls].map(([key, c]) => [
          key,
          { line: lineOf(c, seconds), count: c.count, errors: c.errors },
        ]),
      ),
    [now, seconds],
  );
  return (
    <GraphCanvas
      shown={shown}
      scope={props.scope}
      sceneOn={sceneOn}
      placeLines={placeLines}
      edgeLines={edgeLines}
      selected={selected}
      focus={props.focus}
      covered={PANEL}
      onSelect={props.onSelect}
    >
      <span className="map-legend muted" aria-hidden="true">
        <i className="thick" />
        {text.map.legend.width}
        <i className="failing" />
        {text.map.legend.errors}
        <i className="dashed" />
        {text.map.legend.messages}
        <span>{text.map.legend.figures}</span>
      </span>
    </GraphCanvas>
  );
}
