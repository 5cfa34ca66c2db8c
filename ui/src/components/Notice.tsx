import type { ReactNode } from "react";
import type { ApiError } from "../api/client";
import { text } from "../base/strings";
import { Icon } from "./Icon";

/** A whole area that has nothing to show: what is so, why, and what to do. */
export function Empty({ title, children, tone }: { title: string; children?: ReactNode; tone?: "error" }) {
  return (
    <div className={tone ? `empty ${tone}` : "empty"} role={tone ? "alert" : undefined}>
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** A page that is not here yet. */
export function Loading() {
  return (
    <main id="main" className="page">
      <Waiting title={text.common.loading} />
    </main>
  );
}

/** What is being read. It says so only after a moment, for most is here before. */
export function Waiting({ title }: { title: string }) {
  return (
    <div className="empty late" role="status">
      <h2>{title}</h2>
    </div>
  );
}

/** A failed request in words, with a way on. */
export function Failure({ error, onRetry, title }: { error: ApiError; onRetry: () => void; title?: string }) {
  const unreachable = error.problem.status === 0;
  return (
    <Empty
      tone="error"
      title={unreachable ? text.common.unreachable : (title ?? error.problem.title ?? text.common.failed)}
    >
      <p>{unreachable ? text.common.unreachableHint : error.message}</p>
      <button type="button" onClick={onRetry}>
        <Icon name="refresh" />
        {text.common.retry}
      </button>
    </Empty>
  );
}

/** One line that says what is unusual about what is shown. */
export function Notice({ children }: { children: ReactNode }) {
  return (
    <p className="notice">
      <Icon name="warning" />
      <span>{children}</span>
    </p>
  );
}
