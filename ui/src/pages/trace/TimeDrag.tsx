import { type PointerEvent, type ReactNode, useRef, useState } from "react";
import { formatDuration } from "../../base/format";
import type { View } from "../../canvas/spans";

/** An area over which time runs from left to right: a drag names a part of it, a double click all of it. */
export function TimeDrag(props: {
  view: View;
  className: string;
  label: string;
  /** Pixels; without it the area is as wide as it can be. */
  width?: number;
  onZoom: (view: View | undefined) => void;
  children: ReactNode;
}) {
  const box = useRef<HTMLDivElement>(null);
  const [drag, setDrag] = useState<{ a: number; b: number }>();
  const place = (event: PointerEvent) => {
    const rect = box.current!.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - rect.left) / rect.width));
  };
  const timeOf = (share: number) => props.view.from + share * (props.view.to - props.view.from);
  const finish = () => {
    setDrag(undefined);
    const width = box.current?.clientWidth ?? 0;
    if (!drag || Math.abs(drag.a - drag.b) * width < 4) return;
    props.onZoom({ from: timeOf(Math.min(drag.a, drag.b)), to: timeOf(Math.max(drag.a, drag.b)) });
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a drawing that is dragged over is no form's fieldset
    <div
      ref={box}
      role="group"
      aria-label={props.label}
      className={props.className}
      style={props.width === undefined ? undefined : { flex: "none", width: props.width }}
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        box.current?.setPointerCapture(event.pointerId);
        setDrag({ a: place(event), b: place(event) });
      }}
      onPointerMove={(event) => drag && setDrag({ a: drag.a, b: place(event) })}
      onPointerUp={finish}
      onPointerCancel={() => setDrag(undefined)}
      onDoubleClick={() => props.onZoom(undefined)}
    >
      {props.children}
      {drag && drag.a !== drag.b && (
        <div
          className="drag"
          style={{ left: `${Math.min(drag.a, drag.b) * 100}%`, width: `${Math.abs(drag.b - drag.a) * 100}%` }}
        >
          <span className="num">{formatDuration(Math.abs(timeOf(drag.b) - timeOf(drag.a)))}</span>
        </div>
      )}
    </div>
  );
}
