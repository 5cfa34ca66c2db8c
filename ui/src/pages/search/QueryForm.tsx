// The form that writes the query.

import { type ReactNode, useState } from "react";
import { useAttributeKeys, useFieldValues, useOperations, useServices, useWords } from "../../api/queries";
import { text } from "../../base/strings";
import { Icon } from "../../components/Icon";
import { counted, Suggest } from "../../components/Suggest";
import { operatorsOf } from "../../model/offers";
import { type Form, fieldName, formFrom, queryFrom } from "../../model/query";

type Row = Form["rows"][number];

/**
 * The form of the query as typed or, while that is unfinished, of the one that was run, so that it stays in its
 * place. A change writes the whole query.
 */
export function QueryForm(props: { typed: string; query: string; onQuery: (query: string) => void }) {
  const { onQuery } = props;
  const form = formFrom(props.typed) ?? formFrom(props.query);
  // A row that is still being written is no part of the query; it lives here until it is.
  const [draft, setDraft] = useState<Row>();
  const services = useServices();
  const operations = useOperations(form?.service ?? "");
  if (!form) return <p className="form-note">{text.search.formTooSmall}</p>;
  const set = (change: Partial<Form>) => onQuery(queryFrom({ ...form, ...change }));
  const operationCounts = new Map<string, number>();
  for (const o of operations.data ?? [])
    operationCounts.set(o.name, (operationCounts.get(o.name) ?? 0) + o.spanCount);
  const setDraftRow = (row: Row) => {
    if (row.field && row.value) {
      setDraft(undefined);
      set({ rows: [...form.rows, row] });
    } else setDraft(row);
  };
  return (
    <div className="query-form">
      <Field label={text.search.service}>
        <Suggest
          label={text.search.service}
          placeholder={text.search.any}
          value={form.service}
          options={(services.data ?? []).map((s) => counted(s.name, s.spanCount))}
          onCommit={(service) => set({ service, operation: service === form.service ? form.operation : "" })}
        />
      </Field>
      <Field label={text.search.operation} wide>
        <Suggest
          label={text.search.operation}
          placeholder={text.search.any}
          value={form.operation}
          options={[...operationCounts].map(([name, count]) => counted(name, count))}
          onCommit={(operation) => set({ operation })}
        />
      </Field>
      <Field label={text.search.status}>
        <Choice
          label={text.search.status}
          value={form.status}
          options={["error", "ok", "unset"]}
          onChoose={(status) => set({ status })}
        />
      </Field>
      <Field label={text.search.kind}>
        <Choice
          label={text.search.kind}
          value={form.kind}
          options={["server", "client", "producer", "consumer", "internal"]}
          onChoose={(kind) => set({ kind })}
        />
      </Field>
      <Field label={text.search.least} narrow>
        <Suggest
          label={text.search.least}
          placeholder={text.search.leastExample}
          value={form.least}
          options={[]}
          onCommit={(least) => set({ least: withUnit(least) })}
        />
      </Field>
      <Field label={text.search.most} narrow>
        <Suggest
          label={text.search.most}
          placeholder={text.search.mostExample}
          value={form.most}
          options={[]}
          onCommit={(most) => set({ most: withUnit(most) })}
        />
      </Field>
      {form.rows.map((row, i) => (
        <AttributeRow
          key={i}
          row={row}
          onRow={(changed) => set({ rows: form.rows.map((r, j) => (j === i ? changed : r)) })}
          onRemove={() => set({ rows: form.rows.filter((_, j) => j !== i) })}
        />
      ))}
      {draft ? (
        <AttributeRow row={draft} onRow={setDraftRow} onRemove={() => setDraft(undefined)} />
      ) : (
        <button
          type="button"
          className="ghost add"
          onClick={() => setDraft({ field: "", op: "=", value: "" })}
        >
          <Icon name="plus" />
          {text.search.addAttribute}
        </button>
      )}
    </div>
  );
}

/** A number without a unit is taken as milliseconds. */
const withUnit = (typed: string) => (/^\d+(\.\d+)?$/.test(typed.trim()) ? `${typed.trim()}ms` : typed);

function Field(props: { label: string; children: ReactNode; wide?: boolean; narrow?: boolean }) {
  return (
    <div className={`field${props.wide ? " wide" : ""}${props.narrow ? " narrow" : ""}`}>
      <span className="field-label" aria-hidden="true">
        {props.label}
      </span>
      {props.children}
    </div>
  );
}

function Choice(props: {
  label: string;
  value: string;
  options: string[];
  onChoose: (value: string) => void;
}) {
  const options =
    props.value && !props.options.includes(props.value) ? [props.value, ...props.options] : props.options;
  return (
    <select
      aria-label={props.label}
      className={props.value ? undefined : "unset"}
      value={props.value}
      onChange={(event) => props.onChoose(event.target.value)}
    >
      <option value="">{text.search.any}</option>
      {options.map((option) => (
        <option key={option}>{option}</option>
      ))}
    </select>
  );
}

function AttributeRow({
  row,
  onRow,
  onRemove,
}: {
  row: Row;
  onRow: (row: Row) => void;
  onRemove: () => void;
}) {
  const keys = useAttributeKeys();
  const [typed, setTyped] = useState("");
  const [asked, setAsked] = useState(false);
  const values = useFieldValues(row.field, typed, asked);
  const operators = operatorsOf(row.field, useWords().data ?? []);
  return (
    <fieldset className="attribute-row" aria-label={text.search.attribute}>
      <Suggest
        label={text.search.attribute}
        placeholder="span.http.route"
        mono
        className="key"
        value={row.field}
        options={(keys.data ?? []).map((k) => counted(fieldName(k.scope, k.key), k.spanCount))}
        onCommit={(field) => onRow({ ...row, field })}
      />
      <select
        aria-label={text.search.operator}
        className="mono"
        value={row.op}
        onChange={(event) => onRow({ ...row, op: event.target.value })}
      >
        {(operators.includes(row.op) ? operators : [row.op, ...operators]).map((op) => (
          <option key={op}>{op}</option>
        ))}
      </select>
      <Suggest
        label={text.search.value}
        placeholder={text.search.value.toLowerCase()}
        mono
        className="value"
        value={row.value}
        options={(values.data ?? []).map((v) => counted(v.value, v.spanCount))}
        onFocus={() => setAsked(true)}
        onType={setTyped}
        onCommit={(value) => onRow({ ...row, value })}
      />
      <button
        type="button"
        className="ghost"
        onClick={onRemove}
        aria-label={text.common.remove}
        title={text.common.remove}
      >
        <Icon name="close" />
      </button>
    </fieldset>
  );
}
