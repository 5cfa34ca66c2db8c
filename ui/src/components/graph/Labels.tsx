import { memo } from "react";
import type { NodeKind } from "../../api/analysis";
import { text } from "../../base/strings";
import type { PlaceMark } from "../../canvas/graph";
import { withoutOverlap } from "../../model/camera";
import type { Graph } from "../../model/graph";
import { BOX, type Layout, middle, wayBetween } from "../../model/graphLayout";
import { Icon, type IconName } from "../Icon";

export const KIND_ICONS: Record<NodeKind, IconName | undefined> = {
  service: undefined,
  database: "database",
  messaging: "queue",
  external: "globe",
};

/**
 * From this scale on a box has room for figures. Below it a name may go beyond its box to the right, where nothing is,
 * and below the other it stands over the borders of its box.
 */
const FULL = 0.72;
const SMALL = 0.45;
const LETTER = 6.2;
const LINE = 15;
/** Pixels beyond the last box in which the view has room when it shows all. */
const MARGIN = 16;

/**
 * The names of places, each a button over its drawn box, in pixels at this scale. Where they would cover each other the
 * less important ones are left out; their buttons stay.
 */
export const PlaceLabels = memo(function PlaceLabels(props: {
  places: readonly PlaceMark[];
  lines: ReadonlyMap<string, string>;
  folded: ReadonlyMap<string, number>;
  scale: number;
  selected: string | undefined;
  onSelect: (key: string) => void;
  onHover: (key: string | undefined) => void;
}) {
  const { places, scale, selected } = props;
  const free = scale < FULL ? freeNames(places, scale, selected) : new Set<string>();
  const small = scale < SMALL;
  const fit = small ? " small" : scale < FULL ? " tight" : "";
  return places.map((p) => {
    const icon = KIND_ICONS[p.kind];
    const folded = props.folded.get(p.key) ?? 0;
    const name = p.name || text.common.noService;
    const line = props.lines.get(p.key);
    return (
      <button
        key={p.key}
        type="button"
        className={`place ${p.kind}${p.faded ? " faded" : ""}${fit}${free.has(p.key) ? " free" : ""}`}
        style={{
          left: (p.at.x - BOX.width / 2) * scale,
          top: (p.at.y - BOX.height / 2) * scale,
          width: BOX.width * scale,
          height: BOX.height * scale,
        }}
        aria-pressed={p.key === selected}
        title={name}
        onClick={() => props.onSelect(p.key)}
        onPointerEnter={() => props.onHover(p.key)}
        onPointerLeave={() => props.onHover(undefined)}
      >
        <span className="unseen">{text.map.kinds[p.kind]} </span>
        {!small || free.has(p.key) ? (
          <span className="place-name">
            {icon && !small && <Icon name={icon} />}
            <span>{name}</span>
            {folded > 0 && scale >= FULL && <small>{text.map.foldedCount(folded)}</small>}
          </span>
        ) : (
          <span className="unseen">{name}</span>
        )}
        {scale >= FULL && <small className="num">{line}</small>}
      </button>
    );
  });
});

/** The places whose whole names cover no other box's or name. */
function freeNames(places: readonly PlaceMark[], scale: number, selected: string | undefined): Set<string> {
  // What is looked at comes first, then what is near it, then services.
  const rank = (p: PlaceMark) =>
    (p.key === selected ? 0 : 4) + (p.faded ? 2 : 0) + (p.kind === "service" ? 0 : 1);
  const ordered = [...places].sort((a, b) => rank(a) - rank(b));
  const [width, height] = [BOX.width * scale, BOX.height * scale];
  const boxOf = (p: PlaceMark) => ({
    x: p.at.x * scale - width / 2,
    y: p.at.y * scale - height / 2,
    width,
    height,
  });
  if (scale < SMALL) {
    const free = withoutOverlap(
      ordered.map((p) => {
        const length = p.name.length * LETTER + 8;
        return { x: p.at.x * scale - length / 2, y: p.at.y * scale - LINE / 2, width: length, height: LINE };
      }),
    );
    return new Set(ordered.filter((_, i) => free[i]).map((p) => p.key));
  }
  // A name begins in its box: what of it stands to the right must cover neither another box nor a name before it.
  const beyond = ordered
    .map((p) => {
      const { x, y } = boxOf(p);
      const length = 16 + p.name.length * LETTER + (KIND_ICONS[p.kind] ? 18 : 0);
      return { key: p.key, box: { x: x + width + 2, y, width: length - width, height } };
    })
    .filter((n) => n.box.width > 0);
  const free = withoutOverlap([...ordered.map(boxOf), ...beyond.map((n) => n.box)], 0);
  const edge = Math.max(...ordered.map((p) => boxOf(p).x + width)) + MARGIN;
  const cut = new Set(
    beyond.filter((n, i) => !free[ordered.length + i] || n.box.x + n.box.width > edge).map((n) => n.key),
  );
  return new Set(ordered.filter((p) => !cut.has(p.key)).map((p) => p.key));
}

/** What is written on an edge. */
export interface EdgeLine {
  readonly line: string;
  readonly count: number;
  readonly errors: number;
}

/** The figures on edges, of as many as have room; those of `active` always. */
export const EdgeLabels = memo(function EdgeLabels(props: {
  shown: Graph;
  lines: ReadonlyMap<string, EdgeLine>;
  layout: Layout;
  scale: number;
  active: string | undefined;
  /** Edges that are faded, by key. */
  faded: ReadonlySet<string>;
}) {
  const { shown, lines, layout, scale, active } = props;
  const beside = (c: { key: string; from: string; to: string }) =>
    c.key === active ? 0 : c.from === active || c.to === active ? 1 : 2;
  const wanted = [...shown.calls.values()]
    .filter((c) => beside(c) === 0 || (beside(c) === 1 && scale >= 0.4) || scale >= FULL)
    .map((c) => ({ calls: c, here: lines.get(c.key), rank: beside(c) }))
    // Before there is a layout nothing has a place.
    .filter((e) => e.here && layout.places.has(e.calls.from) && layout.places.has(e.calls.to))
    .sort((a, b) => a.rank - b.rank || b.here!.count - a.here!.count);
  const boxes = [...layout.places.values()].map((p) => ({
    x: (p.x - BOX.width / 2) * scale,
    y: (p.y - BOX.height / 2) * scale,
    width: BOX.width * scale,
    height: BOX.height * scale,
  }));
  const labels = wanted.map(({ calls, here, rank }) => {
    const at = middle(layout.ways.get(calls.key) ?? wayBetween(layout, calls.from, calls.to));
    const { line } = here!;
    const width = line.length * LETTER + 8;
    return {
      key: calls.key,
      rank,
      line,
      failed: here!.errors > 0,
      box: { x: at.x * scale - width / 2, y: at.y * scale - LINE / 2, width, height: LINE },
    };
  });
  const first = labels.filter((l) => l.rank === 0);
  const rest = labels.filter((l) => l.rank > 0);
  const free = withoutOverlap([...first.map((l) => l.box), ...boxes, ...rest.map((l) => l.box)]);
  const visible = [...first, ...rest.filter((_, i) => free[first.length + boxes.length + i])];
  return visible.map((l) => (
    <span
      key={l.key}
      className={`edge-label num${l.failed ? " failed" : ""}${props.faded.has(l.key) ? " faded" : ""}${l.rank === 0 ? " active" : ""}`}
      style={{ left: l.box.x + l.box.width / 2, top: l.box.y + LINE / 2 }}
    >
      {l.line}
    </span>
  ));
});
