import { useState } from "react";
import type { Difference } from "../../api/analysis";
import { cutMiddle, formatCount, formatDuration, formatExact, formatShare } from "../../base/format";
import { text } from "../../base/strings";
import { Icon } from "../../components/Icon";
import { clauseOf, type FieldDifferences, isNumeric } from "../../model/compare";
import { textOf } from "../../model/detail";
import type { Clause } from "../../model/query";

/** Values of a field shown before more are asked for. */
const VALUES = 3;

/** One field: its values as bars of both groups, or its numbers side by side. */
export function FieldOfDifferences(props: { of: FieldDifferences; onClause: (clause: Clause) => void }) {
  const { field, differences } = props.of;
  const [all, setAll] = useState(false);
  const words = text.search.different;
  const shown = all ? differences : differences.slice(0, VALUES);
  const effect = Math.abs(differences[0]!.effect);
  return (
    <section className="difference" aria-label={field}>
      <h3 className="mono">
        <span title={field}>{field}</span>
        <Effect effect={effect} />
      </h3>
      {shown.map((d) =>
        isNumeric(d) ? (
          <Numbers key="numbers" of={d} />
        ) : (
          <Value key={JSON.stringify(d.value)} of={d} onClause={props.onClause} />
        ),
      )}
      {differences.length > shown.length && (
        <button type="button" className="inline" onClick={() => setAll(true)}>
          {words.moreValues(differences.length - shown.length)}
        </button>
      )}
    </section>
  );
}

/** Four steps that fill with the effect's size. */
function Effect({ effect }: { effect: number }) {
  const label = text.search.different.effect(effect);
  return (
    <span className="effect" role="img" aria-label={label} title={label}>
      {[0, 0.2, 0.5, 0.8].map((from) => (
        <i key={from} className={effect > from ? "on" : undefined} />
      ))}
    </span>
  );
}

function Value({ of: d, onClause }: { of: Difference; onClause: (clause: Clause) => void }) {
  const words = text.search.different;
  const value = d.value ? textOf(d.value) : words.missing;
  const filter = clauseOf(d.field, d.value, "=");
  const exclude = clauseOf(d.field, d.value, "!=");
  return (
    <div className="difference-value">
      <div className="difference-name">
        <span className={d.value ? "mono" : "muted"} title={value}>
          {value === "" ? '""' : cutMiddle(value, 44)}
        </span>
        {filter && exclude && (
          <>
            <button
              type="button"
              className="ghost"
              onClick={() => onClause(filter)}
              aria-label={words.filter(`${d.field} = ${value}`)}
              title={words.filter(`${d.field} = ${value}`)}
            >
              <Icon name="plus" />
            </button>
            <button
              type="button"
              className="ghost"
              onClick={() => onClause(exclude)}
              aria-label={words.exclude(`${d.field} = ${value}`)}
              title={words.exclude(`${d.field} = ${value}`)}
            >
              <Icon name="minus" />
            </button>
          </>
        )}
      </div>
      <Bar kind="a" name={words.found} share={d.share} count={d.spanCount} />
      <Bar kind="b" name={words.rest} share={d.baseShare} count={d.baseSpanCount} />
    </div>
  );
}

function Bar(props: { kind: "a" | "b"; name: string; share: number; count: number }) {
  const share = formatShare(props.share);
  return (
    <div
      className="difference-bar"
      role="img"
      aria-label={`${props.name} ${share}`}
      title={`${props.name}: ${formatExact(props.count)}`}
    >
      <span className="track">
        <span className={`bar-${props.kind}`} style={{ width: `${props.share * 100}%` }} />
      </span>
      <span className="num">{share}</span>
    </div>
  );
}

function Numbers({ of: d }: { of: Difference }) {
  const words = text.search.different;
  const format = d.field === "duration" ? formatDuration : plain;
  return (
    <table className="difference-numbers num">
      <thead>
        <tr>
          <td />
          {words.quantiles.map((q) => (
            <th key={q} scope="col">
              {q}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {[
          { kind: "a", name: words.found, numbers: d.quantiles ?? [] },
          { kind: "b", name: words.rest, numbers: d.baseQuantiles ?? [] },
        ].map(({ kind, name, numbers }) => (
          <tr key={kind}>
            <th scope="row">
              <i className={`bar-${kind}`} />
              {name}
            </th>
            {numbers.map((n, i) => (
              <td key={words.quantiles[i]}>{format(n)}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const plain = (n: number) =>
  Math.abs(n) >= 1000 ? formatCount(Math.round(n)) : String(Number(n.toPrecision(3)));
