// The queries that this browser remembers: those saved under a name, and the latest.

import { useState } from "react";
import { text } from "../../base/strings";
import { Icon } from "../../components/Icon";
import { Popover } from "../../components/Popover";
import {
  remember,
  type Saved,
  useRemembered,
  withName,
  withoutSaved,
  withSaved,
} from "../../state/remembered";

export function Remembered({ query, onRun }: { query: string; onRun: (query: string) => void }) {
  const words = text.query;
  return (
    <Popover
      className="remembered"
      label={words.remembered}
      title={words.rememberedHint}
      face={<Icon name="history" />}
    >
      {(close) => (
        <Lists
          query={query.trim()}
          onRun={(q) => {
            close();
            onRun(q);
          }}
        />
      )}
    </Popover>
  );
}

function Lists({ query, onRun }: { query: string; onRun: (query: string) => void }) {
  const { saved, recent } = useRemembered();
  const words = text.query;
  return (
    <>
      <SaveForm key={query} query={query} />
      {saved.length + recent.length === 0 && <p className="muted">{words.nothing}</p>}
      {saved.length > 0 && (
        <section aria-label={words.saved}>
          <h3>{words.saved}</h3>
          <ul>
            {saved.map((s) => (
              <SavedRow key={s.name} saved={s} onRun={onRun} />
            ))}
          </ul>
        </section>
      )}
      {recent.length > 0 && (
        <section aria-label={words.recent}>
          <h3>
            {words.recent}
            <button
              type="button"
              className="ghost"
              onClick={() => remember((all) => ({ ...all, recent: [] }))}
            >
              {words.clear}
            </button>
          </h3>
          <ul>
            {recent.map((q) => (
              <li key={q}>
                <button type="button" className="ghost mono" title={q} onClick={() => onRun(q)}>
                  {q}
                </button>
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

/** Saves the query of the line. */
function SaveForm({ query }: { query: string }) {
  const [name, setName] = useState("");
  const words = text.query;
  if (query === "") return <p className="muted">{words.noQuery}</p>;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (name.trim() === "") return;
        remember((all) => withSaved(all, name.trim(), query));
        setName("");
      }}
    >
      <input
        type="text"
        aria-label={words.saveAs}
        placeholder={words.saveAs}
        value={name}
        maxLength={80}
        // biome-ignore lint/a11y/noAutofocus: the box appears because it was asked for
        autoFocus
        onChange={(event) => setName(event.target.value)}
      />
      <button type="submit" disabled={name.trim() === ""}>
        {words.save}
      </button>
    </form>
  );
}

function SavedRow({ saved, onRun }: { saved: Saved; onRun: (query: string) => void }) {
  const [name, setName] = useState<string>();
  const words = text.query;
  const rename = () => {
    if (name?.trim()) remember((all) => withName(all, saved.name, name.trim()));
    setName(undefined);
  };
  if (name !== undefined) {
    return (
      <li>
        <input
          type="text"
          aria-label={words.rename(saved.name)}
          value={name}
          maxLength={80}
          // biome-ignore lint/a11y/noAutofocus: it appears because it was asked for
          autoFocus
          onChange={(event) => setName(event.target.value)}
          onBlur={() => setName(undefined)}
          onKeyDown={(event) => {
            if (event.key !== "Enter" && event.key !== "Escape") return;
            event.preventDefault();
            if (event.key === "Enter") rename();
            stayIn(event.currentTarget);
          }}
        />
      </li>
    );
  }
  return (
    <li>
      <button type="button" className="ghost" title={saved.query} onClick={() => onRun(saved.query)}>
        <b>{saved.name}</b>
        <span className="mono">{saved.query}</span>
      </button>
      <button
        type="button"
        className="ghost"
        aria-label={words.rename(saved.name)}
        title={words.rename(saved.name)}
        onClick={() => setName(saved.name)}
      >
        <Icon name="pencil" />
      </button>
      <button
        type="button"
        className="ghost"
        aria-label={words.forget(saved.name)}
        title={words.forget(saved.name)}
        onClick={(event) => {
          stayIn(event.currentTarget);
          remember((all) => withoutSaved(all, saved.name));
        }}
      >
        <Icon name="close" />
      </button>
    </li>
  );
}

/** Keeps the focus in the box when a control that has it goes. */
const stayIn = (control: HTMLElement) => control.closest<HTMLElement>("[role=dialog]")?.focus();
