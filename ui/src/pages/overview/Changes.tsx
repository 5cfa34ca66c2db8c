import { type ReactNode, useState } from "react";
import { formatDuration, formatRate, formatShare } from "../../base/format";
import { text } from "../../base/strings";
import { Link } from "../../components/Header";
import { Icon } from "../../components/Icon";
import { Swatch } from "../../components/Service";
import type { Change } from "../../model/changes";
import { againstPath, type CompareTime, type Windows } from "../../state/against";
import { exactRange } from "../../state/range";
import { servicePath } from "../../state/router";
import { inTime } from "../../state/time";

const SHOWN = 5;

/** The list of what changed most, in sentences that lead to where it can be seen. */
export function Changes(props: {
  changes: readonly Change[];
  /** Whether the changes are known. */
  known: boolean;
  /** Whether there was anything before. */
  hasBase: boolean;
  time: CompareTime;
  children: ReactNode;
}) {
  const { changes, time } = props;
  const when = text.overview.times[time.against];
  const [all, setAll] = useState(false);
  const shown = all ? changes : changes.slice(0, SHOWN);
  return (
    <section className="changes" aria-label={text.overview.changes}>
      <div className="changes-head">
        <h2>{text.overview.changes}</h2>
        <span className="spring" />
        {props.children}
      </div>
      {changes.length > 0 ? (
        <ul>
          {shown.map((change) => (
            <li key={`${change.what} ${change.service} ${change.services ?? ""}`}>
              <Link to={placeOf(change, time.windows)} className={`change ${toneOf(change)}`}>
                {change.services === undefined && <Swatch name={change.service} />}
                <b>
                  {change.services === undefined
                    ? change.service || text.common.noService
                    : text.common.services(change.services)}
                </b>
                <span className="num">{sentenceOf(change)}</span>
                {!change.worse && change.what !== "new" && change.what !== "rate" && (
                  <small className="muted">{text.overview.better}</small>
                )}
                <Icon name="right" />
              </Link>
            </li>
          ))}
        </ul>
      ) : (
        <p className="muted">
          {!props.known
            ? text.common.loading
            : props.hasBase
              ? text.overview.nothing(when)
              : text.overview.noBase(when)}
        </p>
      )}
      {changes.length > SHOWN && (
        <button type="button" className="inline" onClick={() => setAll(!all)}>
          {all ? text.overview.fewer : text.overview.more(changes.length - SHOWN)}
        </button>
      )}
    </section>
  );
}

const toneOf = ({ what, worse }: Change) =>
  !worse ? "" : what === "errors" || what === "gone" ? "failed" : "warned";

function sentenceOf({ what, before, now }: Change): string {
  const say = text.overview.change;
  switch (what) {
    case "new":
      return say.new(formatRate(now));
    case "gone":
      return say.gone(formatRate(before));
    case "errors":
      return say.errors(formatShare(before), formatShare(now));
    case "latency":
      return say.latency(formatDuration(before), formatDuration(now));
    case "rate":
      return say.rate(formatRate(before), formatRate(now));
  }
}

/** Where a change can be seen: on the service's page, of one that is gone in the time when it was there. */
function placeOf({ what, service, services }: Change, windows: Windows): string {
  if (services !== undefined) return againstPath(inTime("/?sort=-rate"));
  const path = servicePath(service);
  if (what === "gone") return `${path}?range=${exactRange(windows.baseFrom, windows.baseTo)}`;
  return againstPath(inTime(path));
}
