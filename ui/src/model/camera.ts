// What part of a drawing is seen: screen = drawing × scale + offset.

export interface Camera {
  readonly x: number;
  readonly y: number;
  readonly scale: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

export const LEAST = 0.08;
export const MOST = 2;

const limited = (scale: number) => Math.min(MOST, Math.max(LEAST, scale));

/** Shows the whole drawing, in the middle, at its size at most. */
export function showAll(drawing: Size, view: Size, margin = 16): Camera {
  const scale = limited(
    Math.min(
      1,
      (view.width - 2 * margin) / Math.max(1, drawing.width),
      (view.height - 2 * margin) / Math.max(1, drawing.height),
    ),
  );
  return {
    scale,
    x: (view.width - drawing.width * scale) / 2,
    y: (view.height - drawing.height * scale) / 2,
  };
}

/** Zooms so that what is at a point of the screen stays there. */
export function zoomAt(camera: Camera, factor: number, x: number, y: number): Camera {
  const scale = limited(camera.scale * factor);
  const real = scale / camera.scale;
  return { scale, x: x - (x - camera.x) * real, y: y - (y - camera.y) * real };
}

export const pan = (camera: Camera, dx: number, dy: number): Camera => ({
  ...camera,
  x: camera.x + dx,
  y: camera.y + dy,
});

/** Brings a point of the drawing to the middle, large enough to read. */
export function centre(camera: Camera, at: { x: number; y: number }, view: Size): Camera {
  const scale = Math.max(camera.scale, 0.8);
  return { scale, x: view.width / 2 - at.x * scale, y: view.height / 2 - at.y * scale };
}

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Which of the boxes can be shown without covering one before it. */
export function withoutOverlap(boxes: readonly Box[], gap = 2): boolean[] {
  const shown: Box[] = [];
  return boxes.map((b) => {
    const free = shown.every(
      (o) =>
        b.x >= o.x + o.width + gap ||
        o.x >= b.x + b.width + gap ||
        b.y >= o.y + o.height + gap ||
        o.y >= b.y + b.height + gap,
    );
    if (free) shown.push(b);
    return free;
  });
}
