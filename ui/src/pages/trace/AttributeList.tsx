import { Fragment, useEffect, useRef, useState } from "react";
import type { AnyValue, Scope } from "../../api/types";
import { text } from "../../base/strings";
import { CopyButton, copyText } from "../../components/CopyButton";
import { Link } from "../../components/Header";
import { Icon } from "../../components/Icon";
import { type Attribute, literalOf, textOf } from "../../model/detail";
import { prettyText } from "../../model/pretty";
import { fieldName, printClauses } from "../../model/query";
import { searchPath } from "../../state/router";
import { CodeBlock, Lines, StackTrace } from "./CodeBlock";

/** Attributes as key and value; a value offers what can be done with it. */
export function AttributeList({ attributes, scope }: { attributes: readonly Attribute[]; scope: Scope }) {
  const [open, setOpen] = useState(-1);
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
    <dl className="attributes">
      {attributes.map((attribute, i) => (
        <Row
          key={`${attribute.key} ${i}`}
          attribute={attribute}
          scope={scope}
          open={open === i}
          onOpen={(to) => setOpen(to ? i : -1)}
        />
      ))}
    </dl>
  );
}

function Row(props: { attribute: Attribute; scope: Scope; open: boolean; onOpen: (open: boolean) => void }) {
  const { attribute, open, onOpen } = props;
  const value = textOf(attribute.value);
  const stack = attribute.key === "exception.stacktrace";
  const pretty = stack ? undefined : prettyText(attribute.key, value);
  const block = stack || pretty !== undefined;
  const opener = {
    type: "button" as const,
    "aria-haspopup": "menu" as const,
    "aria-expanded": open,
    title: text.trace.panel.actions,
    onClick: () => onOpen(!open),
    onKeyDown: (event: React.KeyboardEvent) => {
      if (event.key !== "Escape" || !open) return;
      event.preventDefault();
      onOpen(false);
    },
  };
  const classes = ["attribute", open && "open", block && "block"].filter(Boolean).join(" ");
  return (
    <div className={classes}>
      <dt>{breakable(attribute.key)}</dt>
      <dd>
        {block ? (
          <CodeBlock
            raw={value}
            tools={
              <button {...opener} className="ghost" aria-label={text.trace.panel.actions}>
                <Icon name="more" />
              </button>
            }
          >
            {stack ? <StackTrace stack={value} /> : <Lines>{pretty}</Lines>}
          </CodeBlock>
        ) : (
          <>
            <button {...opener} className={`value ${typeOf(attribute.value)}`}>
              {value || "\u00a0"}
            </button>
            <CopyButton value={value} label={`${text.common.copy}: ${attribute.key}`} />
          </>
        )}
        {open && <ValueMenu attribute={attribute} scope={props.scope} onDone={() => onOpen(false)} />}
      </dd>
    </div>
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
  const groups = `${printClauses([{ field, op: "!=", literal: "nil" }])} | rate() by (${field})`;
  const copy = (value: string) => copyText(value).then(onDone);
  const menu = useRef<HTMLDivElement>(null);
  useEffect(() => {
    menu.current?.scrollIntoView({ block: "nearest" });
  }, []);
  const p = text.trace.panel;
  return (
    <div ref={menu} className="value-menu" role="menu">
      {literal !== undefined && (
        <>
          <Link to={search("=")} role="menuitem">
            {p.filter}
          </Link>
          <Link to={search("!=")} role="menuitem">
            {p.exclude}
          </Link>
          <Link to={searchPath(groups)} role="menuitem">
            {p.groupBy}
          </Link>
        </>
      )}
      <button type="button" className="ghost" role="menuitem" onClick={() => copy(textOf(attribute.value))}>
        {p.copyValue}
      </button>
      <button type="button" className="ghost" role="menuitem" onClick={() => copy(attribute.key)}>
        {p.copyKey}
      </button>
    </div>
  );
}
