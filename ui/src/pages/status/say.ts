import type { Drop } from "../../api/server";
import { formatBytes, formatExact, formatShare } from "../../base/format";
import { text } from "../../base/strings";
import type { Finding } from "../../model/findings";
import type { Forecast } from "../../model/serverFigures";

/** Spans a second in words, with all digits: "1,240 spans/s", "0.4 spans/s". */
export function spanRate(perSecond: number): string {
  const digits =
    perSecond >= 100 ? formatExact(Math.round(perSecond)) : String(Number(perSecond.toPrecision(2)));
  return text.status.perSecond(digits);
}

/** A finding as a sentence, and what to do about it if anything. */
export function say(f: Finding): { sentence: string; advice?: string } {
  const { say: words, do: advice } = text.status;
  switch (f.kind) {
    case "starting":
      return { sentence: words.starting };
    case "receiving": {
      const flows = f.flows.map(({ name, rate }) => ({ name, rate: spanRate(rate) }));
      return { sentence: words.receiving(flows, formatBytes(Math.round(f.bytes))) + ending(f) };
    }
    case "quiet":
      return { sentence: words.quiet + ending(f), advice: advice.quiet };
    case "dropped":
      return {
        sentence: words.dropped(f.count, dropped(f.reason).what, f.wholeHour),
        advice: dropped(f.reason).do,
      };
    case "disk": {
      const sentence = words.disk(formatShare(f.used), formatBytes(f.free)) + foretell(f.forecast);
      return f.tone === "fine" ? { sentence } : { sentence, advice: advice.disk };
    }
    case "diskRefuses":
      return {
        sentence: words.diskRefuses(formatBytes(f.free), formatBytes(f.reserved)),
        advice: advice.disk,
      };
    case "diskEarly":
      return {
        sentence: words.diskEarly(formatBytes(f.free), formatBytes(f.watermark)),
        advice: advice.disk,
      };
    case "memory": {
      const sentence = words.memory(formatBytes(f.resident), formatBytes(f.limit));
      return f.tone === "fine" ? { sentence } : { sentence, advice: advice.memory };
    }
    case "flushFailing":
      return { sentence: words.flushFailing, advice: advice.flushFailing };
    case "compactionBehind":
      return { sentence: words.compactionBehind(f.count), advice: advice.compactionBehind };
    case "deletedEarly":
      return { sentence: words.deletedEarly(f.count), advice: advice.deletedEarly };
    case "lost":
      return { sentence: words.lost(f.files, f.spans), advice: advice.lost };
  }
}

const dropped = (reason: Drop["reason"]) => text.status.drops[reason];

/** What was dropped is told in sentences of its own. */
const ending = (f: { wholeHour: boolean; dropped: boolean }): string =>
  f.dropped ? text.status.say.stop : text.status.say.undropped(f.wholeHour);

function foretell(f: Forecast): string {
  const words = text.status.say;
  if (f.kind === "full") return words.full(words.days(f.days), f.atLeast);
  return f.kind === "steady" ? words.steady(formatBytes(Math.round(f.bytes))) : words.stop;
}
