// Numbers, durations and times as people read them. Durations are nanoseconds in a number: exact up to
// 104 days, far longer than a trace. Absolute times are Unix milliseconds, except where a string of
// nanoseconds comes from or goes to the API.

import { language, zoneOffset } from "./locale";

const MICRO = 1e3;
const MILLI = 1e6;
const SECOND = 1e9;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Three significant digits without trailing zeros: 1.24, 12.4, 124, 1240. */
function three(value: number): string {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  const text = value.toFixed(digits);
  return digits > 0 ? text.replace(/\.?0+$/, "") : text;
}

/** A duration: "0", "340 ns", "87 µs", "340 ms", "1.24 s", "2 min 5 s", "1 h 3 min". */
export function formatDuration(ns: number): string {
  if (ns < 0) return `−${formatDuration(-ns)}`;
  // A value is shown in the next unit as soon as rounding would print 1000 of this one.
  if (ns === 0) return "0";
  if (ns < 999.5) return `${Math.round(ns)} ns`;
  if (ns < 999.5 * MICRO) return `${three(ns / MICRO)} µs`;
  if (ns < 999.5 * MILLI) return `${three(ns / MILLI)} ms`;
  if (ns < 59.995 * SECOND) return `${three(ns / SECOND)} s`;
  if (ns < 59.5 * MINUTE) {
    const seconds = Math.round(ns / SECOND);
    const rest = seconds % 60;
    return rest === 0 ? `${seconds / 60} min` : `${Math.floor(seconds / 60)} min ${rest} s`;
  }
  const minutes = Math.round(ns / MINUTE);
  const rest = minutes % 60;
  return rest === 0 ? `${minutes / 60} h` : `${Math.floor(minutes / 60)} h ${rest} min`;
}

const UNITS: Record<string, number> = {
  ns: 1,
  us: MICRO,
  µs: MICRO,
  ms: MILLI,
  s: SECOND,
  m: MINUTE,
  h: HOUR,
};

/** Reads "1.5s", "100 ms", "1h30m"; undefined where it is none. */
export function parseDuration(text: string): number | undefined {
  const compact = text.replace(/\s+/g, "");
  if (!/^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/.test(compact)) return undefined;
  let total = 0;
  for (const [, amount, unit] of compact.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)) {
    total += Number(amount) * UNITS[unit!]!;
  }
  return total;
}

/** A duration as the query language writes it, to three digits: "1.24s", "340ms". */
export function queryDuration(ns: number): string {
  if (ns < MICRO) return `${Math.max(0, Math.round(ns))}ns`;
  if (ns < MILLI) return `${three(ns / MICRO)}us`;
  if (ns < SECOND) return `${three(ns / MILLI)}ms`;
  return `${three(ns / SECOND)}s`;
}

/** A count: "940", "12.4k", "1.2M". */
export function formatCount(count: number): string {
  if (count < 10_000) return String(count);
  if (count < 999_500) return `${three(count / 1e3)}k`;
  if (count < 999.5e6) return `${three(count / 1e6)}M`;
  return `${three(count / 1e9)}G`;
}

/** A count with all of its digits, for hover: "12,431". */
export function formatExact(count: number): string {
  return count.toLocaleString("en-US");
}

/** A share in percent: "0 %", "<0.1 %", "4.1 %", "100 %"; what is not quite all is never "100 %". */
export function formatShare(share: number): string {
  const percent = share * 100;
  if (percent <= 0) return "0 %";
  if (percent < 0.1) return "<0.1 %";
  if (percent < 9.95) return `${percent.toFixed(1).replace(/\.0$/, "")} %`;
  return `${share < 1 ? Math.min(99, Math.round(percent)) : 100} %`;
}

/** A rate a second, or in the shortest unit that gives a number of at least 0.01: "1.3k/s", "12.4/s", "0.5/min". */
export function formatRate(perSecond: number): string {
  if (perSecond <= 0) return "0/s";
  if (perSecond >= 999.5) return `${formatCount(Math.round(perSecond))}/s`;
  if (perSecond >= 0.00995) return `${three(perSecond)}/s`;
  if (perSecond * 60 >= 0.00995) return `${three(perSecond * 60)}/min`;
  return `${three(perSecond * 3600)}/h`;
}

/** By how much a number differs from another: "+12 %", "−8 %", "×3.1"; "" where that is below 5 %. */
export function formatChange(now: number, before: number): string {
  if (!(before > 0) || !(now >= 0)) return "";
  const ratio = now / before;
  if (ratio >= 2.995) return `×${three(ratio)}`;
  const percent = Math.round((ratio - 1) * 100);
  if (Math.abs(percent) < 5) return "";
  return percent < 0 ? `−${-percent} %` : `+${percent} %`;
}

/** Bytes in powers of 1024: "37 B", "1.2 MiB". */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : three(value)} ${units[unit]}`;
}

/** Unix milliseconds, with their fraction, of the API's decimal nanoseconds. */
export function nanosToMillis(nanos: string): number {
  const value = BigInt(nanos);
  return Number(value / MILLI_BIG) + Number(value % MILLI_BIG) / MILLI;
}

const MILLI_BIG = 1_000_000n;

/** The API's decimal nanoseconds of Unix milliseconds. */
export function millisToNanos(millis: number): string {
  return (BigInt(Math.max(0, Math.round(millis))) * MILLI_BIG).toString();
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const two = (value: number) => String(value).padStart(2, "0");

/** A date whose UTC fields are what the clocks of the reader's zone show. */
const shown = (millis: number) => new Date(millis + zoneOffset(millis));

/** The date: "21 Nov", or "11/21" in Japanese. */
export function formatDate(millis: number): string {
  const d = shown(millis);
  return language === "ja"
    ? `${d.getUTCMonth() + 1}/${d.getUTCDate()}`
    : `${d.getUTCDate()} ${MONTHS[d.getUTCMonth()]}`;
}

/** The time of day: "14:03:22". */
export function formatClock(millis: number): string {
  const d = shown(millis);
  return `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}:${two(d.getUTCSeconds())}`;
}

/** The time of day to the millisecond: "14:03:22.120". */
export function formatClockMillis(millis: number): string {
  return `${formatClock(millis)}.${String(Math.floor(millis) % 1000).padStart(3, "0")}`;
}

/** Date and time: "21 Nov 14:03:22". */
export function formatDateTime(millis: number): string {
  return `${formatDate(millis)} ${formatClock(millis)}`;
}

/** How long a time is, in its largest unit: "0 s", "42 s", "3 min", "5 h", "2 d". */
export function formatAge(millis: number, [s, min, h, d] = ["s", "min", "h", "d"]): string {
  const seconds = Math.max(0, Math.floor(millis / 1000));
  if (seconds < 60) return `${seconds} ${s}`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} ${min}`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} ${h}`;
  return `${Math.floor(seconds / 86_400)} ${d}`;
}

/** The value of an `<input type="datetime-local" step="1">` in the reader's zone. */
export const toInputTime = (millis: number) => shown(millis).toISOString().slice(0, 19);

/** The time that such an input holds; NaN where it holds none. */
export function fromInputTime(value: string): number {
  const clock = Date.parse(`${value}Z`);
  // The offset of a time near the one meant, then that of the one it leads to: they differ where clocks change.
  return clock - zoneOffset(clock - zoneOffset(clock));
}

/** Cuts the middle out of a text longer than `most` characters, so that its telling end stays. */
export function cutMiddle(text: string, most: number): string {
  if (text.length <= most) return text;
  const head = Math.ceil((most - 1) * 0.45);
  return `${text.slice(0, head)}…${text.slice(text.length - (most - 1 - head))}`;
}

/** Characters at the end of a name that are kept when it is cut, and those that it has at least to be cut at all. */
const TAIL = 14;
const SHORT = 10;

/** A name in two: its head may be cut where there is no room, its tail, the telling end, stays. */
export function splitName(name: string): [head: string, tail: string] {
  if (name.length <= SHORT) return [name, ""];
  let at = name.length - Math.min(TAIL, Math.floor(name.length / 2));
  // Not between the two halves of a character.
  if (/[\udc00-\udfff]/.test(name[at]!)) at++;
  return [name.slice(0, at), name.slice(at)];
}
