// A canvas sized for the screen's pixels, and the colours of the theme for drawing.

/** Sizes the canvas to CSS pixels and returns its cleared context in the same units. */
export function prepare(
  canvas: HTMLCanvasElement,
  width: number,
  height: number,
): CanvasRenderingContext2D | null {
  const ratio = window.devicePixelRatio || 1;
  const w = Math.max(1, Math.round(width * ratio));
  const h = Math.max(1, Math.round(height * ratio));
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
  }
  const context = canvas.getContext("2d");
  if (!context) return null;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

export interface Ink {
  readonly text: string;
  readonly muted: string;
  readonly line: string;
  readonly error: string;
  readonly accent: string;
  readonly mark: string;
  readonly background: string;
  readonly font: string;
}

/** The present theme's colours. */
export function readInk(): Ink {
  const style = getComputedStyle(document.documentElement);
  const of = (name: string) => style.getPropertyValue(name).trim();
  return {
    text: of("--text"),
    muted: of("--text-3"),
    line: of("--line"),
    error: of("--error"),
    accent: of("--accent"),
    mark: of("--mark"),
    background: of("--surface"),
    font: `11px ${of("--sans")}`,
  };
}
