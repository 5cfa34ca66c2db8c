// Which fields of each span are shown: columns of the list of spans, kept in the URL.

import { useState } from "react";
import { useAttributeKeys } from "../../api/queries";
import { text } from "../../base/strings";
import { Icon } from "../../components/Icon";
import { counted, Suggest } from "../../components/Suggest";
import { fieldName } from "../../model/query";
import { parseColumns } from "../../model/spanrows";
import { setParams, useLocation } from "../../state/router";

const USUAL = "kind,span.http.route,statusMessage";
/** Further columns would be too narrow to read. */
const MOST = 12;
const INTRINSIC = ["kind", "status", "statusMessage", "span:id", "span:parentID", "instrumentation:name"];

/** The columns chosen. */
export function useColumns() {
  const written = useLocation().params.get("cols") ?? USUAL;
  const columns = parseColumns(written).slice(0, MOST);
  const set = (next: readonly string[]) => {
    const cols = next.join(",");
    // No column at all is a choice too.
    setParams({ cols: cols === USUAL ? "" : cols || "," });
  };
  return {
    columns,
    add: (field: string) => set([...columns.filter((c) => c !== field), field]),
    remove: (field: string) => set(columns.filter((c) => c !== field)),
  };
}

/** The field that adds a column. */
export function AddColumn({
  columns,
  onAdd,
}: {
  columns: readonly string[];
  onAdd: (field: string) => void;
}) {
  const keys = useAttributeKeys();
  const [open, setOpen] = useState(false);
  if (columns.length >= MOST) return null;
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
        if (options.some((option) => option.value === field)) onAdd(field);
      }}
      onLeave={() => setOpen(false)}
    />
  );
}
