// The theme: system, light or dark. public/theme.js applies the stored choice before the first paint.

import { useSyncExternalStore } from "react";

export type Choice = "system" | "light" | "dark";
const CHOICES: readonly Choice[] = ["system", "light", "dark"];
const KEY = "kiseki.theme";
const listeners = new Set<() => void>();
const system = window.matchMedia("(prefers-color-scheme: dark)");
let choice: Choice = read();

function read(): Choice {
  try {
    const stored = localStorage.getItem(KEY) as Choice | null;
    return stored && CHOICES.includes(stored) ? stored : "system";
  } catch {
    return "system";
  }
}

const resolved = () => (choice === "system" ? (system.matches ? "dark" : "light") : choice);

function apply(): void {
  document.documentElement.dataset.theme = resolved();
  for (const listener of listeners) listener();
}

system.addEventListener("change", apply);

/** Goes from system to light to dark and round. */
export function nextTheme(): void {
  choice = CHOICES[(CHOICES.indexOf(choice) + 1) % CHOICES.length]!;
  try {
    localStorage.setItem(KEY, choice);
  } catch {
    // Storage may be forbidden; the choice then lasts as long as the page.
  }
  apply();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The chosen theme, and the one that is shown: canvases draw anew when it changes. */
export function useTheme(): { choice: Choice; shown: string } {
  const both = useSyncExternalStore(subscribe, () => `${choice} ${resolved()}`);
  const [chosen, shown] = both.split(" ");
  return { choice: chosen as Choice, shown: shown! };
}
