// Lays graphs out beside the page: a large one takes longer than a frame.

import { layOut, type Shape } from "./graphLayout";

self.onmessage = ({ data }: MessageEvent<{ id: number; shape: Shape }>) => {
  self.postMessage({ id: data.id, layout: layOut(data.shape) });
};
