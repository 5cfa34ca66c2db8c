import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { api } from "../../api/client";
import type { Backup, Deletion } from "../../api/types";
import { formatBytes, formatCount, formatDateTime, nanosToMillis } from "../../base/format";
import { text } from "../../base/strings";

const EVERY = 10_000;
const time = (nanos: string) => formatDateTime(nanosToMillis(nanos));

/** Deletions and backups, as far as any were asked for. */
export function Work() {
  const deletions = useQuery({
    queryKey: ["deletions"],
    queryFn: ({ signal }) => api.deletions(signal),
    refetchInterval: EVERY,
  });
  const backups = useQuery({
    queryKey: ["backups"],
    queryFn: ({ signal }) => api.backups(signal),
    refetchInterval: EVERY,
  });
  const t = text.status;
  return (
    <>
      <WorkTable
        title={t.deletions.title}
        none={t.deletions.none}
        heads={[t.work.state, t.work.asked, t.deletions.what, t.deletions.traces, t.deletions.due]}
        rows={deletions.data?.map((d) => ({ key: d.id, cells: deletionCells(d) }))}
      />
      <WorkTable
        title={t.backups.title}
        none={t.backups.none}
        heads={[t.work.state, t.work.asked, t.backups.directory, t.backups.size, t.backups.ended]}
        rows={backups.data?.map((b) => ({ key: b.id, cells: backupCells(b) }))}
      />
    </>
  );
}

const deletionCells = (d: Deletion): ReactNode[] => [
  <State key="state" name={text.status.deletions.states[d.state]} bad={d.state === "lost"} />,
  time(d.requestedTimeUnixNano),
  <code key="what">{d.what}</code>,
  formatCount(d.traceCount),
  d.erasedTimeUnixNano
    ? time(d.erasedTimeUnixNano)
    : d.dueTimeUnixNano && text.status.deletions.until(time(d.dueTimeUnixNano)),
];

const backupCells = (b: Backup): ReactNode[] => [
  <State
    key="state"
    name={text.status.backups.states[b.state]}
    bad={b.state === "failed" || b.incompleteReason !== undefined}
    why={b.error ?? b.incompleteReason}
  />,
  time(b.startedTimeUnixNano),
  <code key="directory">{b.directory}</code>,
  b.state === "running" && b.totalBytes > 0
    ? `${formatBytes(b.bytes)} / ${formatBytes(b.totalBytes)}`
    : formatBytes(b.bytes),
  b.endedTimeUnixNano ? time(b.endedTimeUnixNano) : "–",
];

function State({ name, bad, why }: { name: string; bad: boolean; why?: string | undefined }) {
  return (
    <span className={bad ? "failed" : undefined}>
      {name}
      {why && <small className="muted"> {why}</small>}
    </span>
  );
}

function WorkTable(props: {
  title: string;
  none: string;
  heads: readonly string[];
  rows: readonly { readonly key: number; readonly cells: readonly ReactNode[] }[] | undefined;
}) {
  const { title, none, heads, rows } = props;
  return (
    <section>
      <div className="status-head">
        <h2>{title}</h2>
        {rows?.length === 0 && <span className="muted">{none}</span>}
      </div>
      {rows !== undefined && rows.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys
        <section className="status-scroll" aria-label={title} tabIndex={0}>
          <table>
            <thead>
              <tr>
                {heads.map((head) => (
                  <th key={head} scope="col">
                    {head}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map(({ key, cells }) => (
                <tr key={key}>
                  {cells.map((cell, i) => (
                    <td key={i} className="num">
                      {cell}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </section>
  );
}
