import { nextOrder, type Order } from "../model/sorting";
import { setParams } from "../state/router";
import { Icon } from "./Icon";

/** The head of a column that a click sorts by; the order is the URL's `param`. */
export function SortHead(props: {
  column: string;
  name: string;
  order: Order;
  param: string;
  title?: string;
  /** Whether the column holds names, not figures. */
  named?: boolean;
  className?: string;
}) {
  const { column, name, order, param, named = false } = props;
  const here = order.column === column;
  return (
    <th
      scope="col"
      className={props.className ?? (named ? "" : "figure")}
      aria-sort={here ? (order.down ? "descending" : "ascending") : undefined}
      title={props.title}
    >
      <button
        type="button"
        className="ghost"
        onClick={() => setParams({ [param]: nextOrder(order, column, named) })}
      >
        {name}
        {here && <Icon name={order.down ? "down" : "up"} />}
      </button>
    </th>
  );
}
