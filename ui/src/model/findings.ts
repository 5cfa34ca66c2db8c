// What is worth saying first on the status page: how it goes, and what is wrong.

import type { Drop, Server } from "../api/server";
import type { Status } from "../api/types";
import { type Forecast, forecast, lossOf, rateOf, receiverName, stepOf, stepsOf, sum } from "./serverFigures";

export type Tone = "fine" | "note" | "warn" | "bad";

/** Texts have a sentence for each kind, and for those that ask for something what to do. */
export type Finding = { readonly tone: Tone } & (
  | { kind: "starting" }
  | {
      kind: "receiving";
      flows: readonly { name: string; rate: number }[];
      bytes: number;
      wholeHour: boolean;
      dropped: boolean;
    }
  | { kind: "quiet"; wholeHour: boolean; dropped: boolean }
  | { kind: "dropped"; reason: Drop["reason"]; count: number; wholeHour: boolean }
  | { kind: "disk"; used: number; free: number; forecast: Forecast }
  | { kind: "diskRefuses"; free: number; reserved: number }
  | { kind: "diskEarly"; free: number; watermark: number }
  | { kind: "memory"; resident: number; limit: number }
  | { kind: "flushFailing" }
  | { kind: "compactionBehind"; count: number }
  | { kind: "deletedEarly"; count: number }
  | { kind: "lost"; files: number; spans: number }
);

const TONES: readonly Tone[] = ["bad", "warn", "note", "fine"];

/** Dozens of segments that wait mean that compaction does not keep up. */
const MANY_PENDING = 48;
/** Memory this near its limit is used by what comes and is asked, not by what could be given back. */
const NEAR_LIMIT = 0.95;
/** A disk that is this full, or will be in so many days, needs somebody. */
const NEARLY_FULL = 0.9;
const SOON_DAYS = 7;

/** The findings, what is wrong first. */
export function findings(server: Server | undefined, status: Status, nowMillis: number): Finding[] {
  const out: Finding[] = [...(server ? ofServer(server, status, nowMillis) : []), ...ofStore(status)];
  return out
    .map((finding, i) => ({ finding, i }))
    .sort((a, b) => TONES.indexOf(a.finding.tone) - TONES.indexOf(b.finding.tone) || a.i - b.i)
    .map(({ finding }) => finding);
}

function ofServer(server: Server, status: Status, nowMillis: number): Finding[] {
  const wholeHour = stepsOf(server) * stepOf(server) >= 3600;
  const drops = server.drops
    .map((d) => ({ reason: d.reason, count: sum(d.history) }))
    .filter((d) => d.count > 0)
    .map(
      ({ reason, count }): Finding => ({ tone: toneOf(reason), kind: "dropped", reason, count, wholeHour }),
    );
  return [
    ofFlow(server, wholeHour, drops.length > 0),
    ...drops,
    ...ofDisk(server, status, nowMillis),
    ...ofMemory(server),
  ];
}

/** Whoever is told to come again does; what is malformed, cut or too much is lost for good. */
const toneOf = (reason: Drop["reason"]): Tone =>
  lossOf(reason) === "texts" || reason === "canceled" ? "note" : "warn";

function ofFlow(server: Server, wholeHour: boolean, dropped: boolean): Finding {
  if (stepsOf(server) === 0) return { tone: "note", kind: "starting" };
  const flows = server.receivers
    .map((r) => ({ name: receiverName(r), rate: rateOf(server, r.spanHistory) ?? 0 }))
    .filter((f) => f.rate > 0)
    .sort((a, b) => b.rate - a.rate);
  if (flows.length === 0) return { tone: "note", kind: "quiet", wholeHour, dropped };
  const bytes = server.receivers.reduce((n, r) => n + (rateOf(server, r.byteHistory) ?? 0), 0);
  return { tone: "fine", kind: "receiving", flows, bytes, wholeHour, dropped };
}

function ofDisk(server: Server, status: Status, nowMillis: number): Finding[] {
  const { disk } = server;
  if (!disk) return [];
  const { freeBytes: free, reservedBytes: reserved, watermarkBytes: watermark } = disk;
  if (free < reserved) return [{ tone: "bad", kind: "diskRefuses", free, reserved }];
  if (watermark !== undefined && free < watermark)
    return [{ tone: "warn", kind: "diskEarly", free, watermark }];
  const used = 1 - free / disk.sizeBytes;
  const next = forecast(server, status, nowMillis);
  // Where retention deletes in time, a disk that fills is no reason to wake anybody.
  const soon = next.kind === "full" && next.days < SOON_DAYS && watermark === undefined;
  return [{ tone: soon || used > NEARLY_FULL ? "warn" : "fine", kind: "disk", used, free, forecast: next }];
}

function ofMemory({ memory }: Server): Finding[] {
  const { residentBytes: resident, limitBytes: limit } = memory;
  if (resident === undefined) return [];
  return [{ tone: resident > limit * NEAR_LIMIT ? "warn" : "fine", kind: "memory", resident, limit }];
}

function ofStore({ storage, retention, lost }: Status): Finding[] {
  const out: Finding[] = [];
  if (storage.flushFailing) out.push({ tone: "bad", kind: "flushFailing" });
  if (lost.length > 0)
    out.push({
      tone: "bad",
      kind: "lost",
      files: lost.length,
      spans: lost.reduce((n, l) => n + l.spanCount, 0),
    });
  if (storage.pendingSegmentCount >= MANY_PENDING)
    out.push({ tone: "warn", kind: "compactionBehind", count: storage.pendingSegmentCount });
  if (retention.earlySegmentCount > 0)
    out.push({ tone: "warn", kind: "deletedEarly", count: retention.earlySegmentCount });
  return out;
}
