import { useEffect, useRef } from "react";
import { text } from "../base/strings";
import { Icon } from "./Icon";

const SECTIONS = [
  ["everywhere", text.help.everywhere],
  ["search", text.help.search],
  ["trace", text.help.trace],
  ["map", text.help.map],
] as const;

/** All shortcuts on one sheet. */
export function HelpSheet({ onClose }: { onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  return (
    <dialog ref={dialog} className="sheet" onClose={onClose} aria-label={text.help.title}>
      <div className="sheet-head">
        <h2>{text.help.title}</h2>
        <button
          type="button"
          className="ghost"
          onClick={() => dialog.current?.close()}
          aria-label={text.common.close}
        >
          <Icon name="close" />
        </button>
      </div>
      <div className="sheet-columns">
        {SECTIONS.map(([key, title]) => (
          <section key={key}>
            <h3>{title}</h3>
            <dl>
              {text.help.keys[key]!.map(([keys, what]) => (
                <div key={keys}>
                  <dt>
                    {keys.split(/\s+/).map((k) => (
                      <kbd key={k}>{k}</kbd>
                    ))}
                  </dt>
                  <dd>{what}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </dialog>
  );
}
