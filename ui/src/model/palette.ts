// What the palette offers, and which of it a few typed letters mean.

export interface Entry {
  readonly group: string;
  readonly name: string;
  /** What tells it from others of its name, such as the service of an operation. */
  readonly note?: string;
  readonly run: () => void;
}

/**
 * How well a name fits: 0 where it begins with the letters, 1 where a word of it does, 2 where it contains them, 3 where
 * it contains them in this order with others between; undefined where it does not fit.
 */
export function rankOf(name: string, typed: string): number | undefined {
  const hay = name.toLowerCase();
  const needle = typed.toLowerCase();
  const at = hay.indexOf(needle);
  if (at === 0) return 0;
  if (at > 0) return /[\p{L}\p{N}]/u.test(hay[at - 1]!) ? 2 : 1;
  let from = 0;
  for (const letter of needle) {
    from = hay.indexOf(letter, from) + 1;
    if (from === 0) return undefined;
  }
  return 3;
}

/** The entries that fit, best first and otherwise in their order, at most `most`. */
export function matchEntries(entries: readonly Entry[], typed: string, most: number): Entry[] {
  const needle = typed.trim();
  if (!needle) return entries.slice(0, most);
  const ranked: [number, Entry][] = [];
  for (const entry of entries) {
    const rank = rankOf(entry.note ? `${entry.name} ${entry.note}` : entry.name, needle);
    if (rank !== undefined) ranked.push([rank, entry]);
  }
  return ranked
    .sort((a, b) => a[0] - b[0])
    .slice(0, most)
    .map(([, entry]) => entry);
}
