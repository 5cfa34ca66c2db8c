// A text field with a list of what it may hold. Any text is allowed; the list only helps.

import { type KeyboardEvent, useEffect, useId, useRef, useState } from "react";
import { formatCount } from "../base/format";

export interface Option {
  readonly value: string;
  /** Shown small at the end of the line, such as a count. */
  readonly note?: string | undefined;
}

/** An option with a span count. */
export const counted = (value: string, count?: number): Option => ({
  value,
  note: count === undefined ? undefined : formatCount(count),
});

const MOST = 200;

/** The list under a field; choosing must not take the focus from it. */
export function OptionList<O extends Option>(props: {
  id: string;
  label: string;
  options: readonly O[];
  active: number;
  mono?: boolean;
  left?: number;
  onChoose: (option: O) => void;
}) {
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    list.current?.children[props.active]?.scrollIntoView({ block: "nearest" });
  }, [props.active]);
  return (
    <div
      ref={list}
      id={props.id}
      className={props.mono ? "options mono" : "options"}
      style={props.left === undefined ? undefined : { left: props.left }}
      role="listbox"
      aria-label={props.label}
    >
      {props.options.map((option, i) => (
        // biome-ignore lint/a11y/useKeyWithClickEvents: the field handles the keys of its list
        <div
          key={`${option.value} ${option.note ?? ""}`}
          id={`${props.id}-${i}`}
          role="option"
          tabIndex={-1}
          aria-selected={i === props.active}
          className="option"
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => props.onChoose(option)}
        >
          <span>{option.value}</span>
          {option.note && <small>{option.note}</small>}
        </div>
      ))}
    </div>
  );
}

/** Options that contain the typed text, those that begin with it first. */
export function matching<O extends Option>(options: readonly O[], typed: string): O[] {
  const needle = typed.trim().toLowerCase();
  if (!needle) return options.slice(0, MOST);
  const starts: O[] = [];
  const contains: O[] = [];
  for (const option of options) {
    const at = option.value.toLowerCase().indexOf(needle);
    if (at === 0) starts.push(option);
    else if (at > 0) contains.push(option);
  }
  return [...starts, ...contains].slice(0, MOST);
}

/** The field. `onCommit` is called when a text is meant: by Enter, by choosing, by leaving it changed. */
export function Suggest(props: {
  label: string;
  value: string;
  options: readonly Option[];
  placeholder?: string;
  mono?: boolean;
  disabled?: boolean;
  /** Whether it takes the focus when it appears. */
  focused?: boolean;
  className?: string;
  onCommit: (value: string) => void;
  onType?: (value: string) => void;
  onFocus?: () => void;
  onLeave?: () => void;
}) {
  const id = useId();
  const [typed, setTyped] = useState<string>();
  const [open, setOpen] = useState(false);
  const [active, setActive] = useState(-1);
  const shown = open ? matching(props.options, typed ?? "") : [];
  const commit = (value: string) => {
    setOpen(false);
    setActive(-1);
    setTyped(undefined);
    if (value !== props.value) props.onCommit(value);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!open) return setOpen(true);
      const step = event.key === "ArrowDown" ? 1 : -1;
      if (shown.length > 0) setActive((active + step + shown.length) % shown.length);
    } else if (event.key === "Enter") {
      event.preventDefault();
      commit(shown[active]?.value ?? typed ?? props.value);
    } else if (event.key === "Escape" && open) {
      event.stopPropagation();
      setOpen(false);
      setTyped(undefined);
    }
  };
  return (
    <span className={`suggest ${props.className ?? ""}`}>
      <input
        type="text"
        role="combobox"
        aria-label={props.label}
        aria-expanded={shown.length > 0}
        aria-controls={id}
        aria-autocomplete="list"
        aria-activedescendant={active >= 0 ? `${id}-${active}` : undefined}
        className={props.mono ? "mono" : undefined}
        placeholder={props.placeholder}
        disabled={props.disabled}
        // biome-ignore lint/a11y/noAutofocus: it appears because it was asked for
        autoFocus={props.focused ?? false}
        value={typed ?? props.value}
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => {
          setTyped(event.target.value);
          setOpen(true);
          setActive(-1);
          props.onType?.(event.target.value);
        }}
        onFocus={() => {
          props.onFocus?.();
          setOpen(true);
        }}
        onBlur={() => {
          commit(typed ?? props.value);
          props.onLeave?.();
        }}
        onKeyDown={onKeyDown}
      />
      {shown.length > 0 && (
        <OptionList
          id={id}
          label={props.label}
          options={shown}
          active={active}
          mono={props.mono ?? false}
          onChoose={(option) => commit(option.value)}
        />
      )}
    </span>
  );
}
