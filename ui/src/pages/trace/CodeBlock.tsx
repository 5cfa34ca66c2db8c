// Values that need lines of their own: statements, documents, stack traces.

import { type ReactNode, useMemo, useState } from "react";
import { text } from "../../base/strings";
import { CopyButton } from "../../components/CopyButton";
import { type Frame, foldStack, parseStack } from "../../model/stack";

/** A value laid out, or as it was sent; what is copied is what was sent. */
export function CodeBlock(props: { raw: string; children: ReactNode; tools?: ReactNode }) {
  const [raw, setRaw] = useState(false);
  return (
    <div className="code-block">
      <div className="code-tools">
        <button type="button" className="ghost" aria-pressed={raw} onClick={() => setRaw(!raw)}>
          {text.trace.panel.raw}
        </button>
        <CopyButton value={props.raw} />
        {props.tools}
      </div>
      {raw ? <Lines>{props.raw}</Lines> : props.children}
    </div>
  );
}

/** Lines that scroll where they are too long, with the keyboard too. */
export function Lines({ children }: { children: ReactNode }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached with the keyboard
    <pre tabIndex={0}>{children}</pre>
  );
}

/** A stack trace: the application's own frames stand out, runs of library frames are folded. */
export function StackTrace({ stack }: { stack: string }) {
  const folds = useMemo(() => foldStack(parseStack(stack)), [stack]);
  return (
    <div className="stack">
      {folds.map(({ folded, frames }, i) =>
        folded ? (
          <details key={i}>
            <summary>{text.trace.panel.folded(frames.length)}</summary>
            <Frames frames={frames} />
          </details>
        ) : (
          <Frames key={i} frames={frames} />
        ),
      )}
    </div>
  );
}

const classOf = (frame: Frame) => (frame.heading ? "heading" : frame.own ? "own" : "library");

function Frames({ frames }: { frames: readonly Frame[] }) {
  return (
    <Lines>
      {frames.map((frame, i) => (
        <span key={i} className={classOf(frame)}>
          {frame.text}
        </span>
      ))}
    </Lines>
  );
}
