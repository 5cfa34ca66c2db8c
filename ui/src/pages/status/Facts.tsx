import type { ReactNode } from "react";

/** Figures with their names, side by side where there is room. */
export function Facts({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="status-facts">
      <h2>{title}</h2>
      <dl className="num">{children}</dl>
    </section>
  );
}

/** A figure, and what there is to know about it. */
export function Fact(props: { name: ReactNode; title?: string; note?: ReactNode; children: ReactNode }) {
  return (
    <div title={props.title}>
      <dt>{props.name}</dt>
      <dd>
        {props.children}
        {props.note && <small>{props.note}</small>}
      </dd>
    </div>
  );
}

/** How much of something is used; `marks` are shares at which something happens. */
export function Meter(props: { used: number; marks?: readonly number[]; full?: boolean; label: string }) {
  const share = Math.min(1, Math.max(0, props.used));
  return (
    <span className={props.full ? "meter full" : "meter"} role="img" aria-label={props.label}>
      <i style={{ width: `${(share * 100).toFixed(1)}%` }} />
      {props.marks?.map((at) => (
        <b key={at} style={{ left: `${(at * 100).toFixed(1)}%` }} />
      ))}
    </span>
  );
}
