import type { ReactNode } from "react";
import type { ApiError } from "../../api/client";
import { text } from "../../base/strings";
import { Icon } from "../../components/Icon";
import { Notice } from "../../components/Notice";

/** A part of the page with its heading, which says itself what went wrong with it. */
export function Part(props: {
  title: string;
  hint?: string;
  error: ApiError | undefined;
  partial: string | undefined;
  retry: () => void;
  children: ReactNode;
}) {
  return (
    <section className="part" aria-label={props.title}>
      <div className="part-head">
        <h2>{props.title}</h2>
        {props.hint && <small className="muted">{props.hint}</small>}
      </div>
      {props.partial && <Notice>{text.overview.partial(props.partial)}</Notice>}
      {props.error ? (
        <p className="part-failed" role="alert">
          {props.error.message}{" "}
          <button type="button" onClick={props.retry}>
            <Icon name="refresh" />
            {text.common.retry}
          </button>
        </p>
      ) : (
        props.children
      )}
    </section>
  );
}
