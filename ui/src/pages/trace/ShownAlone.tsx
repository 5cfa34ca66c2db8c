import { useMemo } from "react";
import { text } from "../../base/strings";
import { leftOut } from "../../model/outline";
import type { Trace } from "../../model/trace";

/** Says that figures are of the spans shown alone, where an outline leaves others out. */
export function ShownAlone({ trace }: { trace: Trace }) {
  const { spans } = useMemo(() => leftOut(trace), [trace]);
  if (spans === 0) return null;
  return <p className="shown-alone">{text.trace.shownAlone(trace.size, spans)}</p>;
}
