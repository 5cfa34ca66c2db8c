// Stack traces of Go, Java, JavaScript, Python and .NET as frames, so that those of libraries can be folded.

export interface Frame {
  /** The lines as they were sent. */
  readonly text: string;
  /** A message or heading between frames; never folded. */
  readonly heading: boolean;
  /** Whether the frame is of the application itself, as far as its path or package tells. */
  readonly own: boolean;
}

const LIBRARY = [
  /\/pkg\/mod\/|@v\d+\.\d+|\/vendor\/|\/usr\/(local\/)?(lib|go)\/|\/libexec\/|\bruntime[./]|^(net|sync|os|io|reflect|testing|database)[./]/m,
  /node_modules|\bnode:|\(internal\/|<anonymous>|webpack\//,
  /site-packages|dist-packages|\/lib\/python\d|<frozen /,
  /\bat (java|javax|jdk|sun|com\.sun|kotlin|kotlinx|scala|jakarta|io\.netty|io\.grpc|reactor|org\.(springframework|apache|hibernate|eclipse|jboss))\./,
  /\bat (System|Microsoft|Npgsql|Grpc)\./,
  /opentelemetry/i,
];

const isOwn = (text: string) => !/^\s*\.\.\. /.test(text) && !LIBRARY.some((pattern) => pattern.test(text));

/** Splits a stack into frames; joined with newlines, their texts are the stack without trailing white space. */
export function parseStack(stack: string): Frame[] {
  const lines = stack.trimEnd().split("\n");
  const frames: Frame[] = [];
  for (let i = 0; i < lines.length; ) {
    const length = frameLength(lines, i);
    const text = lines.slice(i, i + Math.max(1, length)).join("\n");
    frames.push({ text, heading: length === 0, own: length > 0 && isOwn(text) });
    i += Math.max(1, length);
  }
  return frames;
}

/** How many lines from `at` are one frame; 0 for a heading. */
function frameLength(lines: readonly string[], at: number): number {
  const line = lines[at]!;
  if (/^\s+at /.test(line) || /^\s*\.\.\. \d+ (more|common frames)/.test(line)) return 1;
  if (/^\s+File "/.test(line)) {
    let end = at + 1;
    while (end < lines.length && /^ {4}/.test(lines[end]!) && !/^\s+File "/.test(lines[end]!)) end++;
    return end - at;
  }
  // Go names the function, then its place on a line of its own.
  if (/^\S/.test(line) && /^\t(?!at |\.\.\.)\S/.test(lines[at + 1] ?? "")) return 2;
  return 0;
}

/** Frames to show as they are, or a run of library frames to fold. */
export interface Fold {
  readonly folded: boolean;
  readonly frames: readonly Frame[];
}

/** Folds runs of two or more library frames; nothing is folded where no frame is the application's own. */
export function foldStack(frames: readonly Frame[]): Fold[] {
  const any = frames.some((f) => f.own);
  const folds: { folded: boolean; frames: Frame[] }[] = [];
  for (const frame of frames) {
    const library = any && !frame.own && !frame.heading;
    const last = folds.at(-1);
    if (last && last.folded === library) last.frames.push(frame);
    else folds.push({ folded: library, frames: [frame] });
  }
  return folds.map((f) => (f.frames.length < 2 ? { ...f, folded: false } : f));
}
