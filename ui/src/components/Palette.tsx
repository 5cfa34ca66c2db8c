import { useEffect, useMemo, useRef, useState } from "react";
import { useOperations, useServices } from "../api/queries";
import { language, setLanguage } from "../base/locale";
import { text } from "../base/strings";
import { type Entry, matchEntries } from "../model/palette";
import { traceIdIn } from "../model/traceId";
import { navigate, searchPath, servicePath, tracePath } from "../state/router";
import { nextTheme } from "../state/theme";
import { inTime } from "../state/time";
import { PAGES } from "./pages";

const SHOWN = 60;

/** Goes to any page, service, operation or trace by a few letters of its name. */
export function Palette({ onClose }: { onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const [typed, setTyped] = useState("");
  const [active, setActive] = useState(0);
  const entries = useEntries();
  const found = useMemo(() => matchEntries([...direct(typed), ...entries], typed, SHOWN), [entries, typed]);
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  useEffect(() => {
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
  });
  const run = (entry: Entry | undefined) => {
    if (!entry) return;
    dialog.current?.close();
    entry.run();
  };
  return (
    <dialog
      ref={dialog}
      className="palette"
      onClose={onClose}
      aria-label={text.palette.title}
      onPointerDown={(event) => event.target === dialog.current && dialog.current?.close()}
    >
      <input
        type="text"
        role="combobox"
        aria-expanded={true}
        aria-controls="palette-list"
        aria-activedescendant={found[active] ? `palette-${active}` : undefined}
        aria-label={text.palette.hint}
        placeholder={text.palette.hint}
        value={typed}
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => {
          setTyped(event.target.value);
          setActive(0);
        }}
        onKeyDown={(event) => {
          const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
          if (step !== 0 && found.length > 0) {
            event.preventDefault();
            setActive((active + step + found.length) % found.length);
          } else if (event.key === "Enter") {
            event.preventDefault();
            run(found[active]);
          }
        }}
      />
      <div
        className="palette-list"
        id="palette-list"
        role="listbox"
        aria-label={text.palette.title}
        ref={list}
      >
        {found.map((entry, i) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the field handles the keys of its list
          <div
            key={`${entry.group} ${entry.note} ${entry.name}`}
            id={`palette-${i}`}
            role="option"
            tabIndex={-1}
            aria-selected={i === active}
            className="option"
            onPointerMove={() => setActive(i)}
            onClick={() => run(entry)}
          >
            <span>{entry.name}</span>
            <small>{entry.note || entry.group}</small>
          </div>
        ))}
      </div>
      {found.length === 0 && <p className="muted palette-nothing">{text.palette.nothing}</p>}
    </dialog>
  );
}

/** What the typed text itself may mean: a trace, or a query. */
function direct(typed: string): Entry[] {
  const words = typed.trim();
  const id = traceIdIn(words);
  if (id && !words.startsWith("{")) {
    return [{ group: text.palette.trace, name: words, run: () => navigate(tracePath(id)) }];
  }
  if (!words.startsWith("{")) return [];
  return [{ group: text.nav.search, name: words, run: () => navigate(inTime(searchPath(words))) }];
}

function useEntries(): Entry[] {
  const services = useServices();
  const operations = useOperations("");
  return useMemo(() => {
    const pages = PAGES.map(({ path, name }) => ({
      group: text.palette.pages,
      name,
      run: () => navigate(inTime(path)),
    }));
    const actions = [
      { group: text.palette.actions, name: text.palette.theme, run: nextTheme },
      {
        group: text.palette.actions,
        name: text.nav.languageHint,
        run: () => setLanguage(language === "en" ? "ja" : "en"),
      },
    ];
    const named = (services.data ?? []).map((s) => ({
      group: text.palette.services,
      name: s.name || text.common.noService,
      run: () => navigate(inTime(servicePath(s.name))),
    }));
    const spans = (operations.data ?? []).map((o) => ({
      group: text.palette.operations,
      note: o.service,
      name: o.name,
      run: () =>
        navigate(
          inTime(
            searchPath(
              `{ resource.service.name = ${JSON.stringify(o.service)} && name = ${JSON.stringify(o.name)} }`,
            ),
          ),
        ),
    }));
    return [...pages, ...named, ...spans, ...actions];
  }, [services.data, operations.data]);
}
