import { type KeyboardEvent, type PointerEvent, useRef } from "react";

const STEP = 16;

/** The border between two areas: dragged, or moved by the arrow keys. Widths are pixels. */
export function Splitter(props: {
  label: string;
  className: string;
  /** The width of the area that grows, and its bounds. */
  width: number;
  least: number;
  most: number;
  /** Whether that area is on the right. */
  right?: boolean;
  onResize: (width: number) => void;
}) {
  const { width, least, most, right = false, onResize } = props;
  const held = useRef<{ x: number; width: number }>(undefined);
  const resize = (next: number) => onResize(Math.round(Math.min(most, Math.max(least, next))));
  const onPointerDown = (event: PointerEvent<HTMLDivElement>) => {
    event.currentTarget.setPointerCapture(event.pointerId);
    held.current = { x: event.clientX, width };
  };
  const onPointerMove = (event: PointerEvent) => {
    if (event.buttons !== 1 || !held.current) return;
    const moved = event.clientX - held.current.x;
    resize(held.current.width + (right ? -moved : moved));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const to = {
      ArrowLeft: width + (right ? STEP : -STEP),
      ArrowRight: width + (right ? -STEP : STEP),
      Home: least,
      End: most,
    }[event.key];
    if (to === undefined) return;
    // The page's own arrow keys are not meant.
    event.preventDefault();
    resize(to);
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a rule in a text has no position
    <div
      role="separator"
      tabIndex={0}
      aria-orientation="vertical"
      aria-label={props.label}
      aria-valuenow={width}
      aria-valuemin={least}
      aria-valuemax={most}
      className={`splitter ${props.className}`}
      onPointerDown={onPointerDown}
      onPointerMove={onPointerMove}
      onKeyDown={onKeyDown}
    />
  );
}
