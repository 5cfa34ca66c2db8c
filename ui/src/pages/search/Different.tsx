// What distinguishes the spans found, or those of a region of the plot, from the others.

import { useState } from "react";
import type { Comparison } from "../../api/analysis";
import { formatExact } from "../../base/format";
import { text } from "../../base/strings";
import { Icon } from "../../components/Icon";
import { Failure } from "../../components/Notice";
import { byField, type Region } from "../../model/compare";
import type { Clause } from "../../model/query";
import { setParams } from "../../state/router";
import { FieldOfDifferences } from "./FieldOfDifferences";
import { useDifferent, useDifferentPlace } from "./useDifferent";

/** Fields shown before more are asked for. */
const FIELDS = 20;

/** The panel; `onClause` narrows the search, `onRegion` searches the region. */
export function Different(props: {
  query: string;
  window: { from: number | undefined; to: number | undefined };
  onClause: (clause: Clause) => void;
  onRegion: (region: Region) => void;
}) {
  const { show, hide } = useDifferentPlace();
  const { asked, bases, against, everything, region } = useDifferent(props.query, props.window);
  const words = text.search.different;
  return (
    <aside className="different" aria-label={words.title}>
      <header>
        <h2>{words.title}</h2>
        <button type="button" className="ghost" onClick={hide} aria-label={text.common.close}>
          <Icon name="close" />
        </button>
      </header>
      <div className="different-of">
        <p>{region ? words.ofRegion : words.ofQuery}</p>
        {region && (
          <p className="actions">
            <button type="button" onClick={() => props.onRegion(region)}>
              {words.narrow}
            </button>
            <button type="button" onClick={() => show()}>
              {words.whole}
            </button>
          </p>
        )}
        {bases.length > 1 && (
          <label>
            {words.against}
            <select value={against} onChange={(event) => setParams({ base: event.target.value })}>
              {bases.map((base, i) => (
                <option key={base} value={i}>
                  {base === "" ? words.all : words.others(base)}
                </option>
              ))}
            </select>
          </label>
        )}
      </div>
      {everything ? (
        <Everything />
      ) : asked.error ? (
        <Failure error={asked.error} onRetry={() => void asked.refetch()} />
      ) : (
        <div
          className={asked.isPlaceholderData ? "different-body old" : "different-body"}
          aria-busy={asked.isFetching}
        >
          <p className="different-counts num" role="status">
            {!asked.data || asked.isPlaceholderData ? words.comparing : <Counts of={asked.data} />}
          </p>
          {asked.data && <Fields of={asked.data} onClause={props.onClause} />}
        </div>
      )}
    </aside>
  );
}

function Everything() {
  const words = text.search.different;
  return (
    <div className="different-none">
      <p>{words.noQuery}</p>
      <p className="muted">{words.noQueryHint}</p>
      <button type="button" onClick={() => setParams({ q: "{ status = error }" })}>
        {words.failed}
      </button>
    </div>
  );
}

function Counts({ of }: { of: Comparison }) {
  const words = text.search.different;
  const partial = of.stats.complete ? "" : ` · ${text.search.partial(of.stats.incompleteReason ?? "")}`;
  return (
    <span title={`${formatExact(of.spanCount)} / ${formatExact(of.baseSpanCount)}`}>
      {words.counts(of.spanCount, of.baseSpanCount)}
      {partial}
    </span>
  );
}

function Fields({ of, onClause }: { of: Comparison; onClause: (clause: Clause) => void }) {
  const [most, setMost] = useState(FIELDS);
  const words = text.search.different;
  const fields = byField(of.differences);
  if (of.baseSpanCount === 0 || of.spanCount === 0)
    return <p className="different-none">{of.spanCount === 0 ? text.search.emptyAll : words.noBase}</p>;
  if (fields.length === 0) {
    return (
      <div className="different-none">
        <p>{words.empty}</p>
        <p className="muted">{words.emptyHint}</p>
      </div>
    );
  }
  return (
    <>
      <p className="different-key" aria-hidden="true">
        <i className="bar-a" />
        {words.found}
        <i className="bar-b" />
        {words.rest}
      </p>
      {fields.slice(0, most).map((field) => (
        <FieldOfDifferences key={field.field} of={field} onClause={onClause} />
      ))}
      {fields.length > most && (
        <button type="button" onClick={() => setMost(fields.length)}>
          {words.moreFields(fields.length - most)}
        </button>
      )}
      <p className="muted">{words.tested(of.testCount, of.differenceCount)}</p>
      {of.skippedFields.length > 0 && <p className="muted">{words.skipped(of.skippedFields.join(", "))}</p>}
    </>
  );
}
