import { useDeferredValue, useEffect, useRef } from "react";
import { formatDateTime } from "../../base/format";
import { text } from "../../base/strings";
import { AgainstPicker } from "../../components/AgainstPicker";
import { Empty, Failure, Notice } from "../../components/Notice";
import { setParams, useLocation } from "../../state/router";
import { useShortcuts } from "../../state/shortcuts";
import { Changes } from "./Changes";
import { ServiceTable } from "./ServiceTable";
import { useOverview } from "./useOverview";

/** All services at a glance, and what is different from before. */
export default function OverviewPage() {
  const overview = useOverview();
  const { params } = useLocation();
  const filter = useDeferredValue((params.get("filter") ?? "").trim().toLowerCase());
  const field = useRef<HTMLInputElement>(null);
  useShortcuts({ "/": () => field.current?.focus() });
  useEffect(() => {
    document.title = `${text.nav.overview} · ${text.product}`;
  }, []);
  const { rows, against, windows } = overview;
  const shown = filter ? rows.filter((row) => row.service.toLowerCase().includes(filter)) : rows;
  if (overview.error && rows.length === 0)
    return (
      <main id="main" className="page">
        <Failure error={overview.error} onRetry={overview.retry} />
      </main>
    );
  const when = text.overview.times[against];
  return (
    <main id="main" className="page overview">
      {overview.partial && <Notice>{text.overview.partial(overview.partial)}</Notice>}
      <Changes
        changes={overview.changes}
        known={overview.compared}
        hasBase={overview.hasBase}
        when={when}
        windows={windows}
      >
        <AgainstPicker
          against={against}
          title={`${formatDateTime(windows.baseFrom)} – ${formatDateTime(windows.baseTo)}`}
        />
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
        <ServiceTable
          rows={shown}
          changes={overview.changes}
          nowSeconds={overview.nowSeconds}
          beforeSeconds={overview.beforeSeconds}
          when={when}
        />
      )}
    </main>
  );
}
