// Which fields of the spans found are shown: columns of the lists of spans and of traces, kept in the URL.

import { useState } from "react";
import { useAttributeKeys } from "../../api/queries";
import { text } from "../../base/strings";
import { Icon } from "../../components/Icon";
import { counted, Suggest } from "../../components/Suggest";
import { fieldName } from "../../model/query";
import { parseColumns } from "../../model/spanrows";
import { setParams, useLocation } from "../../state/router";

/** For each list its parameter, what it has if that is not given, and how many are not too narrow to read. */
const LISTS = {
  spans: { param: "cols", usual: "kind,span.http.route,statusMessage", most: 12 },
  traces: { param: "tcols", usual: "", most: 4 },
} as const;
const INTRINSIC = ["kind", "status", "statusMessage", "span:id", "span:parentID", "instrumentation:name"];

/** The columns chosen. */
export function useColumns(list: keyof typeof LISTS) {
  const { param, usual, most } = LISTS[list];
  const written = useLocation().params.get(param) ?? usual;
  const columns = parseColumns(written).slice(0, most);
  const set = (next: readonly string[]) => {
    const cols = next.join(",");
    // No column at all is a choice too.
    setParams({ [param]: cols === usual ? "" : cols || "," });
  };
  return {
    columns,
    full: columns.length === most,
    add: (field: string) => set([...columns.filter((c) => c !== field), field]),
    remove: (field: string) => set(columns.filter((c) => c !== field)),
  };
}

/** The field that adds a column. */
export function AddColumn({ columns, full, add }: ReturnType<typeof useColumns>) {
  const keys = useAttributeKeys();
  const [open, setOpen] = useState(false);
  if (full) return null;
  const options = [
    ...INTRINSIC.map((value) => ({ value })),
    ...(keys.data ?? [])
      .toSorted((a, b) => b.spanCount - a.spanCount)
      .map((k) => counted(fieldName(k.scope, k.key), k.spanCount)),
  ].filter((option) => !columns.includes(option.value));
  if (!open) {
    return (
      <button type="button" onClick={() => setOpen(true)}>
        <Icon name="plus" />
        {text.search.spans.addColumn}
      </button>
    );
  }
  return (
    <Suggest
      label={text.search.spans.addColumn}
      placeholder="span.http.route"
      mono
      focused
      className="add-column"
      value=""
      options={options}
      onCommit={(field) => {
        setOpen(false);
        if (options.some((option) => option.value === field)) add(field);
      }}
      onLeave={() => setOpen(false)}
    />
  );
}
