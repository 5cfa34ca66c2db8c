// What the map draws, put together from the graph, its layout and what is looked at.

import type { EdgeMark, PlaceMark } from "../../canvas/graph";
import { type Changes, distances, type Graph, neighbours, received, share } from "../../model/graph";
import { type Layout, wayBetween } from "../../model/graphLayout";

/** Further away from the selected place than this is faded. */
const NEAR = 2;

export function sceneOf(
  shown: Graph,
  now: Graph,
  layout: Layout,
  seconds: number,
  changes: Changes | undefined,
  selected: string | undefined,
): { places: PlaceMark[]; edges: EdgeMark[] } {
  const chosen = selected === undefined ? undefined : shown.calls.get(selected);
  const near =
    selected !== undefined && shown.places.has(selected) ? distances(shown, selected, NEAR) : undefined;
  const far = (key: string) =>
    near ? !near.has(key) : chosen ? key !== chosen.from && key !== chosen.to : false;
  const around = neighbours(now);
  const places: PlaceMark[] = [];
  for (const p of shown.places.values()) {
    const at = layout.places.get(p.key);
    if (!at) continue;
    const here = now.places.get(p.key);
    const calls = received(around.get(p.key)?.in ?? []);
    places.push({
      key: p.key,
      kind: p.kind,
      name: p.name,
      at,
      // Nothing calls where traces begin; its own spans tell how it does.
      errorShare:
        calls.count > 0
          ? share(calls.errors, calls.count)
          : share(here?.errorCount ?? 0, here?.spanCount ?? 0),
      faded: !here || far(p.key),
      change: changes?.places.get(p.key),
    });
  }
  const edges: EdgeMark[] = [];
  for (const c of shown.calls.values()) {
    const here = now.calls.get(c.key);
    const change = changes?.calls.get(c.key)?.change;
    edges.push({
      key: c.key,
      way: layout.ways.get(c.key) ?? wayBetween(layout, c.from, c.to),
      rate: (here?.count ?? 0) / seconds,
      errorShare: here ? share(here.errors, here.count) : 0,
      messaging: c.messaging,
      faded: (!here && change !== "gone") || (near ? far(c.from) || far(c.to) : !!chosen && c !== chosen),
      change,
    });
  }
  return { places, edges };
}
