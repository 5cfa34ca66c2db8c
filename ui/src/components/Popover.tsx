import { type ReactNode, useEffect, useRef, useState } from "react";

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
  useEffect(() => {
    if (!open) return;
    const onDown = (event: PointerEvent) => {
      if (!box.current?.contains(event.target as Node)) setOpen(false);
    };
    window.addEventListener("pointerdown", onDown);
    return () => window.removeEventListener("pointerdown", onDown);
  }, [open]);
  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Escape closes the box from anywhere in it
    <div
      className={props.className}
      ref={box}
      onKeyDown={(event) => {
        if (!open || event.key !== "Escape" || event.defaultPrevented) return;
        event.preventDefault();
        close();
      }}
    >
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
        <div className="popover" role="dialog" aria-label={props.label}>
          {props.children(close)}
        </div>
      )}
    </div>
  );
}
