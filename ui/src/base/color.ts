// The colour of a service: the same everywhere and, once given, kept on this machine.
//
// A stable hash names a preferred one of 12 hues that people who confuse red and green can still tell
// apart by lightness; red and amber are left out, they mean error and warning. A hue that is taken sends
// the service to the next free one; when all 12 are taken a second and a third lightness follow.

const HUES: readonly (readonly [hue: number, lightness: number, chroma: number])[] = [
  [245, 0.62, 0.14],
  [165, 0.7, 0.12],
  [305, 0.6, 0.15],
  [125, 0.66, 0.14],
  [350, 0.66, 0.14],
  [205, 0.74, 0.11],
  [75, 0.64, 0.09],
  [275, 0.54, 0.17],
  [145, 0.54, 0.12],
  [325, 0.74, 0.12],
  [190, 0.52, 0.09],
  [105, 0.76, 0.13],
];
const STEPS = [0, 0.14, -0.14];
const SLOTS = HUES.length * STEPS.length;
const KEY = "kiseki.colors";

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    h ^= text.charCodeAt(i);
    h = Math.imul(h, 0x01000193);
  }
  return h >>> 0;
}

/** Gives each name a slot; `taken` is updated. */
export function assignSlot(taken: Map<string, number>, name: string): number {
  const known = taken.get(name);
  if (known !== undefined) return known;
  const used = new Set(taken.values());
  const preferred = hash(name) % HUES.length;
  for (let step = 0; step < STEPS.length; step++) {
    for (let i = 0; i < HUES.length; i++) {
      // 5 and 12 share no divisor, so every hue is visited, and neighbours in hue last.
      const slot = step * HUES.length + ((preferred + i * 5) % HUES.length);
      if (used.has(slot)) continue;
      taken.set(name, slot);
      return slot;
    }
  }
  const slot = hash(name) % SLOTS;
  taken.set(name, slot);
  return slot;
}

let registry: Map<string, number> | undefined;

function load(): Map<string, number> {
  if (registry) return registry;
  registry = new Map();
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    if (Array.isArray(stored)) {
      for (const [name, slot] of stored) {
        if (typeof name === "string" && Number.isInteger(slot) && slot >= 0 && slot < SLOTS)
          registry.set(name, slot);
      }
    }
  } catch {
    // Storage may be forbidden or damaged; the hash alone decides then.
  }
  return registry;
}

function save(): void {
  try {
    localStorage.setItem(KEY, JSON.stringify([...load()]));
  } catch {
    // See load.
  }
}

/** Forgets services that are gone and gives the others their colours in a fixed order. */
export function knowServices(names: readonly string[]): void {
  const map = load();
  const present = new Set(names);
  for (const name of map.keys()) if (!present.has(name)) map.delete(name);
  for (const name of [...names].sort()) assignSlot(map, name);
  save();
}

/** Whether no service has a colour yet: the first page then waits for the list, so that order is not chance. */
export const knowsNoService = () => load().size === 0;

/** The colour of a service as CSS; alpha from 0 to 1. */
export function serviceColor(name: string, alpha = 1): string {
  const map = load();
  const isNew = !map.has(name);
  const slot = assignSlot(map, name);
  if (isNew) save();
  return slotColor(slot, alpha);
}

/** The colour of the i-th of a list that is not of services. */
export const categoryColor = (index: number) => slotColor(index % SLOTS);

function slotColor(slot: number, alpha = 1): string {
  const [hue, lightness, chroma] = HUES[slot % HUES.length]!;
  const l = lightness + STEPS[Math.floor(slot / HUES.length)]!;
  return `oklch(${l.toFixed(2)} ${chroma} ${hue}${alpha < 1 ? ` / ${alpha}` : ""})`;
}
