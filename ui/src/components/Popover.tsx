import { type ReactNode, useCallback, useEffect, useRef, useState } from "react";

/** A button that opens a box below it; Escape, a press elsewhere, and what is in it close the box. */
export function Popover(props: {
  /** What the box is; the name of the button too unless it has one of its own. */
  label: string;
  buttonLabel?: string;
  className: string;
  title?: string;
  face: ReactNode;
  children: (close: () => void) => ReactNode;
}) {
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const close = useCallback(() => {
    setOpen(false);
    button.current?.focus();
  }, []);
  useEffect(() => {
    if (!open) return;
    const onDown = (event: PointerEvent) => {
      if (!box.current?.contains(event.target as Node)) setOpen(false);
    };
    // Before what the page does with Escape.
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== "Escape" || event.defaultPrevented) return;
      event.preventDefault();
      close();
    };
    window.addEventListener("pointerdown", onDown);
    document.addEventListener("keydown", onKey);
    return () => {
      window.removeEventListener("pointerdown", onDown);
      document.removeEventListener("keydown", onKey);
    };
  }, [open, close]);
  return (
    <div className={props.className} ref={box}>
      <button
        ref={button}
        type="button"
        aria-haspopup="dialog"
        aria-expanded={open}
        aria-label={props.buttonLabel ?? props.label}
        title={props.title}
        onClick={() => setOpen(!open)}
      >
        {props.face}
      </button>
      {open && (
        <div className="popover" role="dialog" aria-label={props.label} tabIndex={-1}>
          {props.children(close)}
        </div>
      )}
    </div>
  );
}
