import { splitName } from "../../base/format";

/** A name that is cut in its middle where there is no room for all of it. Its container says all of it to readers. */
export function CutName({ children, className }: { children: string; className?: string }) {
  const [head, tail] = splitName(children);
  return (
    <span className={className ? `cut ${className}` : "cut"}>
      <span className="cut-head">{head}</span>
      {tail && <span className="cut-tail">{tail}</span>}
    </span>
  );
}
