import { useDeferredValue, useEffect, useMemo, useRef } from "react";
import { text } from "../../base/strings";
import { AgainstPicker } from "../../components/AgainstPicker";
import { Link } from "../../components/Header";
import { Empty, Failure, Notice } from "../../components/Notice";
import { type RedRow, RedTable } from "../../components/RedTable";
import { Swatch } from "../../components/Service";
import type { Change } from "../../model/changes";
import { againstPath, useCompareTime } from "../../state/against";
import { servicePath, setParams, useLocation } from "../../state/router";
import { useShortcuts } from "../../state/shortcuts";
import { inTime } from "../../state/time";
import { Changes } from "./Changes";
import { type ServiceGroup, useOverview } from "./useOverview";

const COLUMNS = 40;

/** All services at a glance, and what is different from before. */
export default function OverviewPage() {
  const time = useCompareTime(COLUMNS);
  const overview = useOverview(time);
  const { params } = useLocation();
  const filter = useDeferredValue((params.get("filter") ?? "").trim().toLowerCase());
  const field = useRef<HTMLInputElement>(null);
  useShortcuts({ "/": () => field.current?.focus() });
  useEffect(() => {
    document.title = `${text.nav.overview} · ${text.product}`;
  }, []);
  const { services, changes } = overview;
  const rows = useMemo(() => rowsOf(services, changes), [services, changes]);
  const shown = filter ? rows.filter((row) => row.name.toLowerCase().includes(filter)) : rows;
  if (overview.error && rows.length === 0)
    return (
      <main id="main" className="page">
        <Failure error={overview.error} onRetry={overview.retry} />
      </main>
    );
  return (
    <main id="main" className="page overview">
      {overview.partial && <Notice>{text.overview.partial(overview.partial)}</Notice>}
      {overview.error && <Notice>{overview.error.message}</Notice>}
      <Changes changes={changes} known={overview.compared} hasBase={overview.hasBase} time={time}>
        <AgainstPicker against={time.against} title={time.baseName} />
      </Changes>
      <div className="overview-head">
        <h1>{text.overview.title}</h1>
        <input
          ref={field}
          type="search"
          value={params.get("filter") ?? ""}
          placeholder={text.overview.filter}
          aria-label={text.overview.filter}
          onChange={(event) => setParams({ filter: event.target.value })}
          onKeyDown={(event) => event.key === "Escape" && setParams({ filter: "" })}
        />
        {rows.length > 0 && (
          <span className="muted num" role="status">
            {text.overview.count(shown.length, rows.length)}
          </span>
        )}
      </div>
      {overview.pending ? (
        <div className="overview-wait" role="status" aria-label={text.common.loading} />
      ) : rows.length === 0 ? (
        <Empty title={text.overview.empty} />
      ) : shown.length === 0 ? (
        <Empty title={text.overview.noneFits}>
          <button type="button" onClick={() => setParams({ filter: "" })}>
            {text.overview.clear}
          </button>
        </Empty>
      ) : (
        <RedTable title={text.overview.columns.service} rows={shown} time={time} param="sort" />
      )}
    </main>
  );
}

function rowsOf(services: readonly ServiceGroup[], changes: readonly Change[]): RedRow[] {
  const worse = new Map<string, Set<string>>();
  for (const change of changes) {
    if (!change.worse) continue;
    const whats = worse.get(change.service) ?? new Set();
    worse.set(change.service, whats.add(change.what));
  }
  return services.map((group) => {
    const name = group.service || text.common.noService;
    return {
      group,
      name,
      head: (
        <>
          <Swatch name={group.service} />
          <Link className="row-link" to={againstPath(inTime(servicePath(group.service)))}>
            {name}
          </Link>
        </>
      ),
      worse: worse.get(group.service) ?? NOT_WORSE,
      silent:
        group.spans > 0
          ? {
              words: `${text.overview.noEntry} · ${text.common.spans(group.spans)}`,
              hint: text.overview.noEntryHint,
            }
          : undefined,
    };
  });
}

const NOT_WORSE: ReadonlySet<string> = new Set();
