import { useMemo } from "react";
import { useSpan } from "../../api/queries";
import { buildTrace, idOf, type Trace } from "../../model/trace";

/** A row of a trace that has what its spans carry. */
export interface WholeSpan {
  readonly trace: Trace;
  readonly row: number;
}

/** A span with all that it carries; of an outline it is asked for. */
export function useWholeSpan(trace: Trace, row: number) {
  const bare = trace.outline !== undefined;
  const query = useSpan(trace.traceId, idOf(trace, row), bare);
  const columns = query.data;
  const whole = useMemo((): WholeSpan | undefined => {
    if (!bare) return { trace, row };
    if (!columns) return undefined;
    const one = buildTrace(columns);
    // Client and server may share an ID.
    const alike = one.kind.findIndex(
      (kind, r) => kind === trace.kind[row] && one.duration[r] === trace.duration[row],
    );
    return { trace: one, row: Math.max(0, alike) };
  }, [trace, row, bare, columns]);
  return { whole, query };
}
