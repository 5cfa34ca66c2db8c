import { Fragment, useEffect, useRef, useState } from "react";
import type { AnyValue, Scope } from "../../api/types";
import { text } from "../../base/strings";
import { copyText } from "../../components/CopyButton";
import { Link } from "../../components/Header";
import { type Attribute, literalOf, textOf } from "../../model/detail";
import { fieldName, printClauses } from "../../model/query";
import { searchPath } from "../../state/router";

/** Attributes as key and value; a value offers what can be done with it. */
export function AttributeList({ attributes, scope }: { attributes: readonly Attribute[]; scope: Scope }) {
  const [open, setOpen] = useState(-1);
  const list = useRef<HTMLDListElement>(null);
  useEffect(() => {
    if (open < 0) return;
    const onDown = (event: PointerEvent) => {
      if (!(event.target instanceof Element) || !event.target.closest(".value-menu, .attribute.open"))
        setOpen(-1);
    };
    window.addEventListener("pointerdown", onDown);
    return () => window.removeEventListener("pointerdown", onDown);
  }, [open]);
  return (
    <dl className="attributes" ref={list}>
      {attributes.map((attribute, i) => (
        <div key={`${attribute.key} ${i}`} className={open === i ? "attribute open" : "attribute"}>
          <dt>{breakable(attribute.key)}</dt>
          <dd>
            <button
              type="button"
              className={`value ${typeOf(attribute.value)}`}
              aria-haspopup="menu"
              aria-expanded={open === i}
              title={text.trace.panel.actions}
              onClick={() => setOpen(open === i ? -1 : i)}
              onKeyDown={(event) => {
                if (event.key !== "Escape" || open < 0) return;
                event.preventDefault();
                setOpen(-1);
              }}
            >
              {textOf(attribute.value) || "\u00a0"}
            </button>
            {open === i && <ValueMenu attribute={attribute} scope={scope} onDone={() => setOpen(-1)} />}
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** A key that breaks after its dots and underscores, where it must. */
const breakable = (key: string) =>
  key.split(/(?<=[._])/).map((part, i) => (
    <Fragment key={i}>
      {i > 0 && <wbr />}
      {part}
    </Fragment>
  ));

const typeOf = (value: AnyValue) =>
  value.stringValue !== undefined ? "string" : value.boolValue !== undefined ? "bool" : "number";

function ValueMenu({ attribute, scope, onDone }: { attribute: Attribute; scope: Scope; onDone: () => void }) {
  const literal = literalOf(attribute.value);
  const field = fieldName(scope, attribute.key);
  const search = (op: string) => searchPath(printClauses([{ field, op, literal: literal ?? "" }]));
  const copy = (value: string) => copyText(value).then(onDone);
  const menu = useRef<HTMLDivElement>(null);
  useEffect(() => {
    menu.current?.scrollIntoView({ block: "nearest" });
  }, []);
  return (
    <div ref={menu} className="value-menu" role="menu">
      {literal !== undefined && (
        <>
          <Link to={search("=")} role="menuitem">
            {text.trace.panel.filter}
          </Link>
          <Link to={search("!=")} role="menuitem">
            {text.trace.panel.exclude}
          </Link>
        </>
      )}
      <button type="button" className="ghost" role="menuitem" onClick={() => copy(textOf(attribute.value))}>
        {text.trace.panel.copyValue}
      </button>
      <button type="button" className="ghost" role="menuitem" onClick={() => copy(attribute.key)}>
        {text.trace.panel.copyKey}
      </button>
    </div>
  );
}
