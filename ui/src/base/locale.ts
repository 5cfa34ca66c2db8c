// The reader's language and time zone. Both are read once: a change loads the page anew, which loses nothing because
// the URL is the state.

export type Language = "en" | "ja";
export const LANGUAGES: readonly Language[] = ["en", "ja"];

const LANGUAGE_KEY = "kiseki.language";
const ZONE_KEY = "kiseki.zone";

function stored(key: string): string | undefined {
  try {
    return localStorage.getItem(key) ?? undefined;
  } catch {
    // Storage may be forbidden, or there is none outside of a browser.
    return undefined;
  }
}

function change(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // See stored; the choice is then lost with the page.
  }
  window.location.reload();
}

/** The chosen language, else the first one of the browser's that there is. */
export function pickLanguage(chosen: string | undefined, preferred: readonly string[]): Language {
  const wanted = [chosen ?? "", ...preferred.map((tag) => tag.split("-")[0]!.toLowerCase())];
  return wanted.find((tag): tag is Language => LANGUAGES.includes(tag as Language)) ?? "en";
}

export const language = pickLanguage(
  stored(LANGUAGE_KEY),
  typeof window === "undefined" ? [] : window.navigator.languages,
);

export const setLanguage = (next: Language) => change(LANGUAGE_KEY, next);

/** "local", "UTC", or a name of the IANA time zone database. */
export const zone = stored(ZONE_KEY) ?? "local";

export const setZone = (next: string) => change(ZONE_KEY, next);

/** How many milliseconds a zone's clocks are ahead of UTC at a time. */
export function offsetIn(zone: string, millis: number): number {
  if (zone === "UTC") return 0;
  const format = zone === "local" ? undefined : formatOf(zone);
  if (!format) return -new Date(millis).getTimezoneOffset() * 60_000;
  const second = Math.floor(millis / 1000) * 1000;
  const parts: Record<string, number> = {};
  for (const { type, value } of format.formatToParts(second)) parts[type] = Number(value);
  const { year, month, day, hour, minute, second: s } = parts;
  return Date.UTC(year!, month! - 1, day, hour, minute, s) - second;
}

/** The same in the reader's zone. */
export const zoneOffset = (millis: number) => offsetIn(zone, millis);

const formats = new Map<string, Intl.DateTimeFormat | undefined>();

function formatOf(zone: string): Intl.DateTimeFormat | undefined {
  if (formats.has(zone)) return formats.get(zone);
  let format: Intl.DateTimeFormat | undefined;
  try {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
  } catch {
    // A zone that this browser does not know is shown as the local one.
  }
  formats.set(zone, format);
  return format;
}
