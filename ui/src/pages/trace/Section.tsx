import type { ReactNode } from "react";
import { Icon } from "../../components/Icon";

/** A part of the span panel that can be folded. */
export function Section(props: { title: string; count?: number; folded?: boolean; children: ReactNode }) {
  return (
    <details className="section" open={!props.folded}>
      <summary>
        <Icon name="right" />
        {props.title}
        {props.count !== undefined && <small className="num">{props.count}</small>}
      </summary>
      {props.children}
    </details>
  );
}
