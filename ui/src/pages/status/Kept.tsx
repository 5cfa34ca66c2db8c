import type { Status } from "../../api/types";
import { formatBytes, formatCount, formatDateTime, formatExact, nanosToMillis } from "../../base/format";
import { text } from "../../base/strings";
import { Link } from "../../components/Header";
import { searchPath } from "../../state/router";
import { Fact, Facts } from "./Facts";

const time = (nanos: string) => formatDateTime(nanosToMillis(nanos));

const ageOf = (nanos: string | undefined) =>
  nanos === undefined
    ? text.status.retention.forEver
    : text.status.retention.forAge(text.status.say.days(Number(nanos) / 86_400e9));

/** How long spans are kept, and what is deleted next. */
export function Kept({ status, now }: { status: Status; now: number }) {
  const words = text.status.retention;
  const { retention } = status;
  return (
    <Facts title={words.title}>
      {retention.rules.map((rule) => (
        <Fact
          key={rule.match}
          name={
            <>
              {words.rule}{" "}
              <Link to={searchPath(rule.match)} className="mono">
                {rule.match}
              </Link>
            </>
          }
        >
          {ageOf(rule.ageNanos)}
        </Fact>
      ))}
      <Fact name={words.age}>{ageOf(retention.ageNanos)}</Fact>
      {retention.bytes !== undefined && (
        <Fact name={words.bytes}>
          {words.upTo(formatBytes(retention.bytes), formatBytes(status.storage.segmentBytes))}
        </Fact>
      )}
      <Moment name={text.status.oldest} nanos={status.minSpanStartUnixNano} now={now} />
      <Moment name={text.status.newest} nanos={status.maxSpanStartUnixNano} now={now} />
      <Next status={status} />
      <Fact
        name={words.deleted}
        title={formatExact(retention.deletedSpanCount)}
        note={words.segments(retention.deletedSegmentCount)}
      >
        {formatCount(retention.deletedSpanCount)}
      </Fact>
    </Facts>
  );
}

function Next({ status }: { status: Status }) {
  const words = text.status.retention;
  const { next } = status.retention;
  if (!next) return <Fact name={words.next}>{status.segmentCount > 0 ? words.never : words.unwritten}</Fact>;
  const spans = formatCount(next.spanCount);
  return (
    <Fact
      name={words.next}
      title={words.starts(time(next.minSpanStartUnixNano), time(next.maxSpanStartUnixNano))}
      note={next.whole ? words.whole(spans, formatBytes(next.bytes)) : words.some(spans)}
    >
      {words.due(time(next.dueTimeUnixNano))}
    </Fact>
  );
}

function Moment({ name, nanos, now }: { name: string; nanos: string | undefined; now: number }) {
  if (nanos === undefined) return <Fact name={name}>{text.status.none}</Fact>;
  const millis = nanosToMillis(nanos);
  return (
    <Fact name={name} note={text.common.ago(now - millis)}>
      {formatDateTime(millis)}
    </Fact>
  );
}
