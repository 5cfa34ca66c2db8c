import { splitName } from "../../base/format";

/**
 * A name that is cut in its middle where there is no room for all of it. Readers of the screen hear it in one piece,
 * or, where it is `silent`, from what it stands in.
 */
export function CutName(props: { children: string; className?: string; silent?: boolean }) {
  const { children: name, className, silent = false } = props;
  const [head, tail] = splitName(name);
  if (!tail) return <span className={className ? `cut-head ${className}` : "cut-head"}>{name}</span>;
  const told = !silent;
  return (
    <span className={className ? `cut ${className}` : "cut"}>
      {told && <span className="unseen">{name}</span>}
      <span className="cut-head" aria-hidden={told || undefined}>
        {head}
      </span>
      <span className="cut-tail" aria-hidden={told || undefined}>
        {tail}
      </span>
    </span>
  );
}
