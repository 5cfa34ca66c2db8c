// The layout of a graph, made in a worker. What stands keeps its place while only figures change.

import { useEffect, useRef, useState } from "react";
import type { Graph } from "../../model/graph";
import { fits, type Layout, type Shape, shapeOf } from "../../model/graphLayout";

interface Made {
  readonly layout: Layout;
  /** What the layout is about, such as the surroundings of a service. */
  readonly scope: string;
}

/** Another scope always gets another layout; undefined until the first is made. */
export function useLayout(graph: Graph, scope: string, across: boolean): Made | undefined {
  const [made, setMade] = useState<Made>();
  const worker = useRef<Worker>(undefined);
  const wanted = useRef<{ id: number; scope: string; shape: Shape }>(undefined);
  useEffect(() => {
    const started = new Worker(new URL("../../model/layout.worker.ts", import.meta.url), { type: "module" });
    started.onmessage = ({ data }: MessageEvent<{ id: number; layout: Layout }>) => {
      if (data.id === wanted.current?.id) setMade({ layout: data.layout, scope: wanted.current.scope });
    };
    worker.current = started;
    return () => {
      started.terminate();
      // A page that is shown again, as in development, starts over.
      wanted.current = undefined;
    };
  }, []);
  useEffect(() => {
    const shape = shapeOf(graph, across);
    if (shape.places.length === 0) return;
    const last = wanted.current;
    if (made && made.scope === scope && last?.shape.across === across && fits(made.layout, shape)) return;
    const same = last?.scope === scope && JSON.stringify(last.shape) === JSON.stringify(shape);
    if (same) return;
    wanted.current = { id: (last?.id ?? 0) + 1, scope, shape };
    worker.current?.postMessage({ id: wanted.current.id, shape });
  }, [graph, scope, across, made]);
  return made;
}
