import { useMemo } from "react";
import { formatCount, formatDuration } from "../../base/format";
import { text } from "../../base/strings";
import { ErrorMark } from "../../components/Icon";
import { wasHandled } from "../../model/errors";
import { type FailureGroup, groupFailures } from "../../model/failures";
import { Chain, SpanLink, wordsOf } from "./Because";
import type { TraceView } from "./useTraceView";

/** Groups that are listed; beyond, the search for errors is the better tool. */
const MOST = 200;

/** The failures of the trace, where each began first, then who failed because of it. */
export function ErrorList({ state }: { state: TraceView }) {
  const { trace, errors } = state;
  const groups = useMemo(() => groupFailures(trace, errors), [trace, errors]);
  return (
    <div className="error-list">
      {groups.length === 0 && <p className="muted">{text.trace.noErrors}</p>}
      <ol>
        {groups.slice(0, MOST).map((group) => (
          <Failure key={group.origin} group={group} state={state} />
        ))}
      </ol>
      {groups.length > MOST && <p className="muted">{text.trace.errorList.more(groups.length - MOST)}</p>}
    </div>
  );
}

function Failure({ group, state }: { group: FailureGroup; state: TraceView }) {
  const { trace } = state;
  const { origin, chain, count, recovered } = group;
  const e = text.trace.errorList;
  return (
    <li className={origin === state.cursor ? "chosen" : undefined}>
      <ErrorMark label={text.trace.origin} />
      <div>
        <p>
          <SpanLink state={state} row={origin} />
          {count > 1 && <b className="num"> × {formatCount(count)}</b>}
          <span className="num muted"> +{formatDuration(trace.start[origin]! - trace.from)}</span>
        </p>
        <p className="strong">{wordsOf(state, origin) || e.silent}</p>
        {chain.length > 0 && (
          <p>
            {e.so}
            <Chain state={state} rows={chain} />
          </p>
        )}
        {recovered ? (
          <p className="muted">{e.recovered}</p>
        ) : (
          wasHandled(trace, origin) && <p className="muted">{text.trace.handled}</p>
        )}
      </div>
    </li>
  );
}
