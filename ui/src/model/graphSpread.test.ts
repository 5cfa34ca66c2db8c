import { describe, expect, it } from "vitest";
import { type Size, showAll, withoutOverlap } from "./camera";
import { BOX, type Layout, layOut } from "./graphLayout";
import { spread } from "./graphSpread";

const VIEW = { width: 1440, height: 720 };
const LETTER = 6.2;

interface Call {
  key: string;
  from: string;
  to: string;
}

const call = (from: string, to: string): Call => ({ key: `${from} ${to}`, from, to });

/** A system of tiers in which each place calls two of the next tier, and some of a later one. */
function tiers(...sizes: number[]): { places: string[]; calls: Call[] } {
  const name = (tier: number, i: number) => `tier-${tier}-${String(i).padStart(3, "0")}`;
  const places = sizes.flatMap((n, tier) => Array.from({ length: n }, (_, i) => name(tier, i)));
  const calls = new Map<string, Call>();
  sizes.forEach((n, tier) => {
    for (let i = 0; i < n; i++)
      for (const [ahead, k] of [[1, i * 7], [1, i * 13 + 5], ...(i % 5 === 0 ? [[3, i]] : [])] as [
        number,
        number,
      ][]) {
        const next = sizes[tier + ahead];
        if (next) {
          const c = call(name(tier, i), name(tier + ahead, k % next));
          calls.set(c.key, c);
        }
      }
  });
  return { places, calls: [...calls.values()] };
}

/** What one sees of a layout: its scale, how much of the view it takes, and whether names cover each other. */
function seen(layout: Layout, view: Size) {
  const { scale } = showAll(layout, view);
  const boxes = [...layout.places.values()].map((p) => ({
    x: p.x - BOX.width / 2,
    y: p.y - BOX.height / 2,
    ...BOX,
  }));
  const names = [...layout.places].map(([key, p]) => {
    const width = key.length * LETTER + 8;
    return { x: p.x * scale - width / 2, y: p.y * scale - 7.5, width, height: 15 };
  });
  const width = Math.max(...boxes.map((b) => b.x + b.width)) - Math.min(...boxes.map((b) => b.x));
  const height = Math.max(...boxes.map((b) => b.y + b.height)) - Math.min(...boxes.map((b) => b.y));
  return {
    scale,
    across: (width * scale) / view.width,
    down: (height * scale) / view.height,
    apart: withoutOverlap(boxes, 0).every(Boolean),
    readable: withoutOverlap(names).filter(Boolean).length / names.length,
  };
}

const laidOut = (system: { places: string[]; calls: Call[] }, across = true, view: Size = VIEW) =>
  spread(layOut({ ...system, across }), system.calls, across, view);

describe("a layout for a view", () => {
  it("is the layout as it is where everything can be read", () => {
    const system = tiers(1, 2, 3);
    const layout = layOut({ ...system, across: true });
    expect(spread(layout, system.calls, true, VIEW)).toBe(layout);
  });

  it.each([
    ["eight tiers of 25", tiers(25, 25, 25, 25, 25, 25, 25, 25)],
    ["one that calls all others", tiers(1, 199)],
    ["a few tiers, one of them long", tiers(3, 20, 150, 27)],
  ])(
    "of 200 services takes the whole view, and all names can be read: %s",
    (_, system) => {
      const got = seen(laidOut(system), VIEW);
      expect(got.apart).toBe(true);
      expect(got.across).toBeGreaterThan(0.9);
      expect(got.down).toBeGreaterThan(0.85);
      expect(got.readable).toBe(1);
      const plain = seen(layOut({ ...system, across: true }), VIEW);
      expect(got.scale).toBeGreaterThanOrEqual(plain.scale * 0.99);
    },
    60_000,
  );

  it("of layers that go downwards fills a narrow view", () => {
    const view = { width: 390, height: 700 };
    const got = seen(laidOut(tiers(5, 20, 30, 5), false, view), view);
    expect(got.apart).toBe(true);
    expect(got.across).toBeGreaterThan(0.8);
    expect(got.down).toBeGreaterThan(0.8);
  }, 60_000);

  it("has lines that still begin and end at boxes", () => {
    const system = tiers(10, 12, 14, 12);
    const layout = laidOut(system);
    for (const { key, from, to } of system.calls) {
      const way = layout.ways.get(key);
      if (!way) continue; // straight
      for (const [place, p] of [
        [from, way[0]!],
        [to, way.at(-1)!],
      ] as const) {
        const box = layout.places.get(place)!;
        expect(Math.abs(p.x - box.x)).toBeLessThanOrEqual(BOX.width / 2 + 1);
        expect(Math.abs(p.y - box.y)).toBeLessThanOrEqual(BOX.height / 2 + 1);
      }
    }
  });
});
