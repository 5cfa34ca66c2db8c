import { formatAge, formatCount } from "../../format";
import { plural } from "./plural";
import { drops } from "./status_drops";

const hour = (whole: boolean) => (whole ? "in the last hour" : "since the start");

export const status = {
  title: "Status",
  spans: "Spans",
  oldest: "Oldest span",
  newest: "Newest span",
  none: "none yet",
  service: "Service",
  errors: "With errors",
  services: "Services held",
  stale: (age: number) =>
    `kiseki does not answer. What is shown is from ${age < 1000 ? "just now" : `${formatAge(age)} ago`}.`,
  notTold: "What the whole server receives and uses, and its settings, are told to the default tenant only.",
  about: (version: string, age: string) => `kiseki ${version}, started ${age}`,
  perSecond: (rate: string) => `${rate} spans/s`,
  say: {
    title: "How it goes",
    starting: "Just started: rates are known after ten seconds.",
    receiving: (flows: readonly { name: string; rate: string }[], bytes: string) =>
      `Receiving ${list(flows.map((f) => `${f.rate} over ${f.name}`))}, ${bytes}/s`,
    quiet: "Nothing came in the last minute",
    undropped: (whole: boolean) => `; nothing was dropped ${hour(whole)}.`,
    stop: ".",
    dropped: (count: number, what: string, whole: boolean) =>
      `${what} (${formatCount(count)} ${hour(whole)}).`,
    disk: (used: string, free: string) => `The disk is ${used} full: ${free} are free`,
    full: (when: string, atLeast: boolean) =>
      `; as much as in the last hour fills it ${atLeast ? "in no less than" : "in"} ${when}.`,
    steady: (bytes: string) =>
      `; as much as in the last hour needs no more than ${bytes}, then retention makes room.`,
    days: (days: number) =>
      days > 730
        ? "more than two years"
        : days < 2
          ? plural(Math.max(1, Math.round(days * 24)), "hour", "hours")
          : plural(Math.round(days), "day", "days"),
    diskRefuses: (free: string, reserved: string) =>
      `The disk has ${free} left, less than the reserve of ${reserved}: spans are refused until there is more.`,
    diskEarly: (free: string, watermark: string) =>
      `The disk has ${free} left, less than the watermark of ${watermark}: the oldest spans are deleted before their time.`,
    memory: (used: string, limit: string) => `The process uses ${used} of ${limit} of memory.`,
    flushFailing:
      "Writing spans to a segment fails and is tried again; they are safe in the log, but memory fills.",
    compactionBehind: (count: number) => `${plural(count, "segment waits", "segments wait")} for compaction.`,
    deletedEarly: (count: number) =>
      `${plural(count, "segment was", "segments were")} deleted before their time since the start: the disk was filling up.`,
    lost: (files: number, spans: number) =>
      `${plural(files, "file is", "files are")} damaged${spans > 0 ? `; ${plural(spans, "span is", "spans are")} lost` : ""}.`,
  },
  do: {
    quiet: "Is this expected? See how to send spans.",
    disk: "Make room, lower retention.age or set retention.bytes.",
    memory:
      "Raise limits.memory, or ask and send less at a time: at the limit senders are told to come again.",
    flushFailing: "See the server's log; most often the disk is full or broken.",
    compactionBehind: "It lacks processor time or free disk space; if it stays so for hours, give it more.",
    deletedEarly: "Keep less: lower retention.age, or give the disk more room.",
    lost: "Look at the disk first; “kiseki inspect” says what can be repaired.",
  },
  drops,
  charts: {
    label: "The last hour",
    spans: "Spans",
    bytes: "Bytes",
    refused: "Dropped",
    memory: "Memory",
  },
  received: {
    title: "Received",
    hint: "since the start",
    by: "By",
    now: "Now",
    requests: "Requests",
    refused: "Refused",
    bytes: "Bytes",
    size: "A span, decompressed",
    none: "No request has come since the start.",
  },
  listeners: {
    title: "Where spans are taken",
    protocol: "Protocol",
    address: "Address",
    off: (setting: string) => `off; ${setting} switches it on`,
    missing: (address: string, setting: string) =>
      `not open: another program has ${address}; stop that, or set ${setting}`,
  },
  destinations: {
    title: "Sent on",
    to: "To",
    sent: "Spans sent",
    failed: "Attempts failed",
    waiting: "Waiting on disk",
    unsent: "Never sent",
    state: "State",
    fine: "in order",
    since: (time: string) => `since ${time}`,
    limit: (bytes: string) => `of at most ${bytes}`,
    reasons: {
      queue_full: "the queue was full, the oldest went",
      queue_failed: "the queue could not be written",
      refused: "the destination refused them for good",
      too_large: "too large for the destination",
      damaged: "damaged in the queue",
    },
  },
  dropped: {
    title: "Dropped, by reason",
    none: "Nothing since the start.",
    reason: "Reason",
    hour: "Last hour",
    start: "Since the start",
    do: "What to do",
  },
  stores: {
    title: "Stored",
    spans: "Spans held",
    head: "Not yet in a segment",
    headHint: "In memory and in the log: durable and searchable",
    segments: "In segments",
    perSpan: (bytes: string) => `${bytes} a span`,
    compression: "Compression",
    times: (times: string) => `${times} times smaller`,
    than: (bytes: string) => `than the ${bytes} of a span as received since the start, decompressed`,
    files: "Data folder",
    pending: "Waiting for compaction",
    segmentsOf: (n: number) => plural(n, "segment", "segments"),
    disk: "Disk",
    free: (free: string, size: string) => `${free} of ${size} free`,
    reserved: (reserved: string) => `spans are refused below ${reserved}`,
    watermark: (bytes: string) => `the oldest go below ${bytes}`,
    memory: "Memory",
    of: (used: string, limit: string) => `${used} of ${limit}`,
    parts: (head: string, cache: string) => `${head} new spans, ${cache} cache`,
  },
  retention: {
    title: "Kept",
    age: "Traces",
    forAge: (age: string) => `for ${age}`,
    forEver: "for ever",
    bytes: "Segments",
    upTo: (bytes: string, now: string) => `up to ${bytes}, now ${now}`,
    rule: "Traces that match",
    next: "Deleted next",
    whole: (spans: string, bytes: string) => `${spans} spans, ${bytes}`,
    some: (spans: string) => `what rules do not keep of ${spans} spans`,
    starts: (from: string, to: string) => `started ${from} to ${to}`,
    due: (time: string) => `some minutes after ${time}`,
    never: "nothing is ever too old",
    unwritten: "nothing yet: no span is in a segment",
    deleted: "Deleted since the start",
    segments: (n: number) => plural(n, "segment", "segments"),
  },
  settings: {
    title: "Settings in force",
    filter: "Filter settings",
    changed: "Only what is not the default",
    name: "Setting",
    value: "Value",
    standard: "Default",
    source: "From",
    empty: "(empty)",
    file: (path: string) => `file ${path}`,
    count: (n: number) => plural(n, "setting", "settings"),
    none: "All settings have their defaults.",
    sources: {
      default: "default",
      file: "file",
      environment: "environment",
      option: "option",
      derived: "fits the machine",
    },
  },
  lost: {
    title: "Lost to damage",
    file: "File",
    unknown: "not known",
    hint: "Answers that need these spans are incomplete.",
  },
  work: { state: "State", asked: "Asked for" },
  deletions: {
    title: "Deletions",
    none: "None was asked for.",
    what: "What",
    traces: "Traces",
    due: "Gone from the disk",
    until: (time: string) => `by ${time}`,
    states: { pending: "pending", erased: "erased", lost: "lost" },
  },
  backups: {
    title: "Backups",
    none: "None since the start.",
    directory: "Folder",
    size: "Size",
    ended: "Ended",
    states: { running: "running", done: "done", failed: "failed" },
  },
  queries: {
    title: "Query log",
    filter: "Filter queries",
    query: "Query",
    none: "No such query.",
    marks: "Constants are not kept in the log: fill in the question marks",
    count: (shown: number, all: number) =>
      shown === all ? plural(all, "query", "queries") : `${shown} of ${plural(all, "query", "queries")}`,
    columns: {
      time: "Time",
      elapsed: "Took",
      waited: "Waited",
      spans: "Spans scanned",
      read: "Read",
      matched: "Matched",
    },
  },
};

/** "a", "a and b", "a, b and c". */
function list(items: readonly string[]): string {
  return items.length < 2 ? items.join() : `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`;
}
