import { formatCount } from "../../format";
import { plural } from "./plural";

export const overview = {
  title: "Services",
  columns: {
    service: "Service",
    rate: "Rate",
    errors: "Errors",
    p50: "p50",
    p95: "p95",
    p99: "p99",
    time: "Time",
  },
  entry:
    "Counted are entry spans: requests that the service answers, messages that it consumes, and what it begins by itself, such as a job. Sampled spans count for those they stand for.",
  timeHint: "The share of the time that the service spends on all its entry spans.",
  sparks: {
    rate: (service: string) => `Rate of ${service} over time`,
    errors: (service: string) => `Error share of ${service} over time`,
    p95: (service: string) => `p95 of ${service} over time`,
  },
  filter: "Filter services",
  against: "Compare with",
  times: { hour: "an hour before", day: "a day before", week: "a week before" },
  was: (value: string, when: string) => `${value} ${when}`,
  points: (n: string) => `${n} pt`,
  changes: "What changed",
  nothing: (when: string) => `Nothing stands out against ${when}.`,
  noBase: (when: string) => `Nothing was stored ${when}, so there is nothing to compare with.`,
  more: (count: number) => `${formatCount(count)} more`,
  fewer: "Fewer",
  change: {
    new: (rate: string) => `new, ${rate}`,
    gone: (rate: string) => `gone, was ${rate}`,
    errors: (before: string, now: string) => `errors ${before} → ${now}`,
    latency: (before: string, now: string) => `p95 ${before} → ${now}`,
    rate: (before: string, now: string) => `rate ${before} → ${now}`,
  },
  better: "better",
  count: (shown: number, all: number) =>
    shown === all ? plural(all, "service", "services") : `${shown} of ${plural(all, "service", "services")}`,
  noneFits: "No service has this in its name.",
  clear: "Show all",
  noEntry: "no entry spans",
  noEntryHint:
    "This service sent spans in this time, but none of kind server or consumer and none without a parent. Its instrumentation may leave out the kind.",
  goneRow: "nothing in this time",
  empty: "No span in this time.",
  partial: (why: string) => `The figures are of a part of the spans: ${why}`,
};
