// Reads traces beside the page: a large one takes longer than many frames.

import { load } from "./load";

self.onmessage = ({ data }: MessageEvent<{ id: number; body: ArrayBuffer }>) => {
  try {
    const loaded = load(JSON.parse(new TextDecoder().decode(data.body)));
    self.postMessage({ id: data.id, loaded }, { transfer: [...buffersOf(loaded)] });
  } catch (error) {
    self.postMessage({ id: data.id, error: String(error) });
  }
};

/** The memory of all typed arrays, which is handed over and not copied. */
function buffersOf(value: object, found = new Set<ArrayBuffer>()): Set<ArrayBuffer> {
  for (const part of Object.values(value)) {
    if (ArrayBuffer.isView(part)) found.add(part.buffer as ArrayBuffer);
    else if (part !== null && typeof part === "object" && !Array.isArray(part)) buffersOf(part, found);
  }
  return found;
}
