import { serviceColor } from "../base/color";
import { formatCount } from "../base/format";
import { text } from "../base/strings";

/** The square of a service's colour. */
export function Swatch({ name }: { name: string }) {
  return <span className="swatch" style={{ background: serviceColor(name) }} aria-hidden="true" />;
}

/** A service with how many spans it has in a trace. */
export function ServiceChip({ name, count, errors }: { name: string; count: number; errors: number }) {
  const title = `${name || text.common.noService}: ${text.common.spans(count)}${errors ? `, ${text.common.errors(errors)}` : ""}`;
  return (
    <span className="chip" title={title}>
      <Swatch name={name} />
      {name || text.common.noService}
      <b>{formatCount(count)}</b>
      {errors > 0 && <em>✗{formatCount(errors)}</em>}
    </span>
  );
}
