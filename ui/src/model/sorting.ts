// The order of a table's rows as the URL writes it: a column, with "-" before it for the greatest first.

export interface Order {
  readonly column: string;
  readonly down: boolean;
}

export const readOrder = (written: string): Order =>
  written.startsWith("-") ? { column: written.slice(1), down: true } : { column: written, down: false };

/** The order after a click on a column: figures begin with the greatest, names with A. */
export function nextOrder(order: Order, column: string, named: boolean): string {
  const down = order.column === column ? !order.down : !named;
  return down ? `-${column}` : column;
}

type Value = number | string | undefined;

/** The rows in order; those without a value are last either way, ties by name. */
export function sorted<T>(
  rows: readonly T[],
  down: boolean,
  value: (row: T) => Value,
  name: (row: T) => string,
) {
  const sign = down ? -1 : 1;
  return [...rows].sort((a, b) => {
    const x = value(a);
    const y = value(b);
    if (x === undefined || y === undefined)
      return Number(x === undefined) - Number(y === undefined) || name(a).localeCompare(name(b));
    const by = typeof x === "string" ? x.localeCompare(String(y)) : x - Number(y);
    return sign * by || name(a).localeCompare(name(b));
  });
}
