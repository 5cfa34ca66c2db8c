// The query as one line: coloured, completed, and marked where the server could not read it.

import { type KeyboardEvent, useEffect, useId, useRef, useState } from "react";
import type { ApiError } from "../../api/client";
import { text } from "../../base/strings";
import { OptionList } from "../../components/Suggest";
import { placeAt } from "../../model/complete";
import { taken } from "../../model/offers";
import { indexOfByte, tokenize } from "../../model/query";
import { useShortcuts } from "../../state/shortcuts";
import { type Choice, useCompletions, useEarlier } from "./useOptions";

/** The width of a character of the line in pixels. */
const CHARACTER = 7.8;

/** The line. `onRun` is called with the query as it stands. */
export function QueryLine(props: {
  value: string;
  error: ApiError | undefined;
  onChange: (query: string) => void;
  onRun: (query: string) => void;
}) {
  const { value, onChange, onRun } = props;
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const paint = useRef<HTMLDivElement>(null);
  const [cursor, setCursor] = useState(0);
  const [open, setOpen] = useState<"completions" | "earlier">();
  const [active, setActive] = useState(-1);
  const place = placeAt(value, cursor);
  const completions = useCompletions(value, place, open === "completions");
  const earlier = useEarlier(value, open === "earlier");
  const options = open === "earlier" ? earlier : completions;
  useShortcuts({ "/": () => input.current?.focus() });

  const show = (list: typeof open, at = -1) => {
    setOpen(list);
    setActive(at);
  };
  const choose = (choice: Choice) => {
    const next = choice.offer
      ? taken(value, place, choice.offer)
      : { query: choice.query ?? "", cursor: choice.query?.length ?? 0 };
    onChange(next.query);
    show(choice.offer?.goesOn ? "completions" : undefined);
    requestAnimationFrame(() => {
      input.current?.setSelectionRange(next.cursor, next.cursor);
      setCursor(next.cursor);
    });
    if (choice.query !== undefined) onRun(choice.query);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // While an input method composes a text, its keys are not the line's.
    if (event.nativeEvent.isComposing) return;
    if (event.key === "ArrowUp" && active <= 0) {
      // Above what may follow is what was asked before.
      event.preventDefault();
      show(open === "earlier" ? undefined : "earlier", open === "earlier" ? -1 : 0);
    } else if (event.key === "ArrowDown" && open === undefined) {
      event.preventDefault();
      show("completions");
    } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && options.length > 0) {
      event.preventDefault();
      setActive((active + (event.key === "ArrowDown" ? 1 : -1)) % options.length);
    } else if (event.key === "Tab" && options[active]) {
      event.preventDefault();
      choose(options[active]);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (options[active]) return choose(options[active]);
      show(undefined);
      onRun(value);
    } else if (event.key === "Escape") {
      if (open) event.preventDefault();
      if (open) show(undefined);
      else input.current?.blur();
    }
  };
  const track = () => {
    setCursor(input.current?.selectionStart ?? 0);
    if (paint.current && input.current) paint.current.scrollLeft = input.current.scrollLeft;
  };
  const { position, expected } = props.error?.problem ?? {};
  const errorAt = position === undefined ? undefined : indexOfByte(value, position);
  useEffect(() => {
    if (errorAt !== undefined) setOpen(undefined);
  }, [errorAt]);
  return (
    <div className="query-line">
      <div className={props.error ? "query-box wrong" : "query-box"}>
        <div className="query-paint" ref={paint} aria-hidden="true">
          <Painted query={value} errorAt={errorAt} />
        </div>
        <input
          ref={input}
          type="text"
          role="combobox"
          aria-label={text.search.query}
          aria-expanded={options.length > 0}
          aria-controls={id}
          aria-autocomplete="list"
          aria-activedescendant={active >= 0 ? `${id}-${active}` : undefined}
          aria-invalid={props.error !== undefined}
          aria-describedby={props.error ? `${id}-error` : undefined}
          className="query-input mono"
          placeholder={text.search.placeholder}
          value={value}
          maxLength={16384}
          autoComplete="off"
          autoCapitalize="off"
          spellCheck={false}
          onChange={(event) => {
            onChange(event.target.value);
            show("completions");
            track();
          }}
          onSelect={track}
          onScroll={track}
          onClick={() => show("completions")}
          onBlur={() => show(undefined)}
          onKeyDown={onKeyDown}
        />
        {options.length > 0 && (
          <OptionList
            id={id}
            label={open === "earlier" ? text.query.remembered : text.search.completions}
            options={options}
            active={active}
            mono
            left={open === "earlier" ? 0 : leftOf(place.from, input.current)}
            onChoose={choose}
          />
        )}
      </div>
      {props.error && (
        <p className="query-error" id={`${id}-error`} role="alert">
          {props.error.message.replace(/[.\s]*$/, ".")}
          {expected && ` ${text.search.expected(expected)}.`}
        </p>
      )}
    </div>
  );
}

/** Where a list stands that begins at a character of the line. */
function leftOf(character: number, line: HTMLInputElement | null): number {
  const room = (line?.clientWidth ?? 600) - 380;
  return Math.max(0, Math.min(character * CHARACTER - (line?.scrollLeft ?? 0), room));
}

function Painted({ query, errorAt }: { query: string; errorAt: number | undefined }) {
  const tokens = tokenize(query);
  const atEnd = errorAt !== undefined && errorAt >= query.length;
  return (
    <>
      {tokens.map((token, i) => {
        const isValue =
          token.type === "word" && tokens.slice(0, i).findLast((t) => t.type !== "space")?.type === "compare";
        const wrong = errorAt !== undefined && errorAt >= token.at && errorAt < token.at + token.text.length;
        const kind = isValue ? "string" : token.type;
        return (
          <span key={token.at} className={wrong ? `t-${kind} t-wrong` : `t-${kind}`}>
            {token.text}
          </span>
        );
      })}
      {atEnd && <span className="t-wrong"> </span>}
    </>
  );
}
