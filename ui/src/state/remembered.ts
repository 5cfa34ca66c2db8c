// Queries that this browser remembers: the latest that were run, and those that were saved under a name.

import { useSyncExternalStore } from "react";

export interface Saved {
  readonly name: string;
  readonly query: string;
}

export interface Remembered {
  /** The latest first. */
  readonly recent: readonly string[];
  /** By name. */
  readonly saved: readonly Saved[];
}

const KEY = "kiseki.queries";
const MOST_RECENT = 50;
/** Local storage is small; nobody finds one among more. */
const MOST_SAVED = 200;

const NOTHING: Remembered = { recent: [], saved: [] };

/** With a query as the latest that was run. */
export function withRun(all: Remembered, query: string): Remembered {
  if (query === "") return all;
  return { ...all, recent: [query, ...all.recent.filter((q) => q !== query)].slice(0, MOST_RECENT) };
}

/** With a query under a name, in place of what had the name. */
export function withSaved(all: Remembered, name: string, query: string): Remembered {
  const kept = all.saved.filter((s) => s.name !== name);
  if (kept.length >= MOST_SAVED) return all;
  return { ...all, saved: [...kept, { name, query }].toSorted((a, b) => a.name.localeCompare(b.name)) };
}

/** With another name for a saved query; a name that is taken takes the other's place. */
export function withName(all: Remembered, old: string, name: string): Remembered {
  const found = all.saved.find((s) => s.name === old);
  if (!found || name === old) return all;
  return withSaved({ ...all, saved: all.saved.filter((s) => s.name !== old) }, name, found.query);
}

export const withoutSaved = (all: Remembered, name: string): Remembered => ({
  ...all,
  saved: all.saved.filter((s) => s.name !== name),
});

/** What of a stored text is of the right form; storage belongs to the reader, who may have changed it. */
export function readRemembered(stored: string | null): Remembered {
  try {
    const { recent, saved } = JSON.parse(stored ?? "{}") as Partial<Remembered>;
    const text = (x: unknown): x is string => typeof x === "string" && x !== "";
    return {
      recent: Array.isArray(recent) ? recent.filter(text).slice(0, MOST_RECENT) : [],
      saved: Array.isArray(saved)
        ? saved.filter((s) => text(s?.name) && text(s?.query)).slice(0, MOST_SAVED)
        : [],
    };
  } catch {
    return NOTHING;
  }
}

const listeners = new Set<() => void>();
let present: Remembered | undefined;

function load(): Remembered {
  try {
    present ??= readRemembered(localStorage.getItem(KEY));
  } catch {
    present = NOTHING;
  }
  return present;
}

/** Changes what is remembered, here and in the other windows. */
export function remember(change: (all: Remembered) => Remembered): void {
  // Another window may have run queries since.
  present = undefined;
  present = change(load());
  try {
    localStorage.setItem(KEY, JSON.stringify(present));
  } catch {
    // Without storage it is remembered until the page is closed.
  }
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  const onStorage = (event: StorageEvent) => {
    if (event.key !== KEY) return;
    present = undefined;
    listener();
  };
  listeners.add(listener);
  window.addEventListener("storage", onStorage);
  return () => {
    listeners.delete(listener);
    window.removeEventListener("storage", onStorage);
  };
}

export const useRemembered = (): Remembered => useSyncExternalStore(subscribe, load);
