// The query as one line: coloured, completed, and marked where the server could not read it.

import { type KeyboardEvent, useDeferredValue, useEffect, useId, useMemo, useRef, useState } from "react";
import type { ApiError } from "../../api/client";
import { useAttributeKeys, useFieldValues } from "../../api/queries";
import { text } from "../../base/strings";
import { counted, matching, type Option, OptionList } from "../../components/Suggest";
import { INTRINSICS, operatorsOf, type Place, placeAt } from "../../model/complete";
import { fieldName, indexOfByte, literalFrom, tokenize } from "../../model/query";
import { useShortcuts } from "../../state/shortcuts";

const STATUS_VALUES = ["error", "ok", "unset"];
const KIND_VALUES = ["server", "client", "producer", "consumer", "internal", "unspecified"];

function useOptions(place: Place, enabled: boolean): Option[] {
  const keys = useAttributeKeys();
  const field = place.kind === "value" ? place.field : "";
  const listed = field === "status" || field === "kind" || field === "duration";
  const prefix = useDeferredValue(place.prefix);
  const values = useFieldValues(field, prefix, enabled && field !== "" && !listed);
  return useMemo(() => {
    if (place.kind === "logic") return [{ value: "&&" }, { value: "||" }, { value: "}" }];
    if (place.kind === "operator") return operatorsOf(place.prefix).map((value) => ({ value }));
    if (place.kind === "field") {
      const attributes = (keys.data ?? [])
        .toSorted((a, b) => b.spanCount - a.spanCount)
        .map((k) => counted(fieldName(k.scope, k.key), k.spanCount));
      return [...INTRINSICS.map((value) => ({ value, note: "" })), ...attributes];
    }
    if (field === "status") return STATUS_VALUES.map((value) => ({ value }));
    if (field === "kind") return KIND_VALUES.map((value) => ({ value }));
    if (field === "duration") return ["10ms", "100ms", "500ms", "1s", "5s"].map((value) => ({ value }));
    return (values.data ?? []).map((v) => counted(v.value, v.spanCount));
  }, [place.kind, place.prefix, field, keys.data, values.data]);
}

/** What a chosen option writes. */
function written(place: Place, option: string): string {
  if (place.kind !== "value") return option;
  if (place.field === "status" || place.field === "kind" || place.field === "duration") return option;
  // Names are always strings; what an attribute's value is, its look tells.
  const isText =
    place.field === "name" || place.field === "statusMessage" || place.field.endsWith("service.name");
  return isText ? JSON.stringify(option) : literalFrom(option);
}

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
  const [open, setOpen] = useState(false);
  const [active, setActive] = useState(-1);
  const place = placeAt(value, cursor);
  const all = useOptions(place, open);
  // After a field or a value the list shows what may follow; while one is typed, what it may become.
  const options = open ? matching(all, place.kind === "operator" ? "" : place.prefix) : [];
  useShortcuts({ "/": () => input.current?.focus() });

  const choose = (option: Option) => {
    const isNext = place.kind === "operator" || place.kind === "logic";
    const from = isNext ? cursor : place.from;
    const spaced = isNext && from > 0 && !/\s/.test(value[from - 1]!) ? " " : "";
    const insert = `${spaced}${written(place, option.value)}${option.value === "}" ? "" : " "}`;
    const opened = value.trim() === "" ? "{ " : "";
    const rest = value.slice(isNext ? cursor : place.to).replace(/^\s+/, "");
    const next = opened + value.slice(0, from) + insert;
    onChange(next + rest);
    setActive(-1);
    setOpen(option.value !== "}");
    requestAnimationFrame(() => {
      input.current?.setSelectionRange(next.length, next.length);
      setCursor(next.length);
    });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if ((event.key === "ArrowDown" || event.key === "ArrowUp") && options.length > 0) {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      setActive((active + step + options.length + (active < 0 && step < 0 ? 1 : 0)) % options.length);
    } else if (event.key === "Tab" && open && active >= 0) {
      event.preventDefault();
      choose(options[active]!);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (open && active >= 0) return choose(options[active]!);
      setOpen(false);
      onRun(value);
    } else if (event.key === "Escape") {
      event.preventDefault();
      if (open) setOpen(false);
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
    if (errorAt !== undefined) setOpen(false);
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
            setOpen(true);
            setActive(-1);
            track();
          }}
          onSelect={track}
          onScroll={track}
          onClick={() => setOpen(true)}
          onBlur={() => setOpen(false)}
          onKeyDown={onKeyDown}
        />
        {options.length > 0 && (
          <OptionList
            id={id}
            label={text.search.completions}
            options={options}
            active={active}
            mono
            left={Math.max(0, Math.min(place.from * 7.8, (input.current?.clientWidth ?? 600) - 320))}
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
