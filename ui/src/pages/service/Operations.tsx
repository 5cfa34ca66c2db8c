import { useMemo } from "react";
import { useAnalysis } from "../../api/queries";
import { useRed } from "../../api/red";
import { text } from "../../base/strings";
import { Link } from "../../components/Header";
import { type RedRow, RedTable } from "../../components/RedTable";
import { keyOf, ofService, spansWith } from "../../model/red";
import { useCompareTime } from "../../state/against";
import { searchPath } from "../../state/router";
import { inTime } from "../../state/time";
import { Part } from "./Part";
import { entriesOf } from "./useService";

const COLUMNS = 40;
const BY = ["name", "kind"] as const;

/** What the service does when it is called, and where its time goes. */
export function Operations({ service }: { service: string }) {
  const time = useCompareTime(COLUMNS);
  const red = useRed(entriesOf(service), BY, time, { before: true, p95s: true });
  const spent = useAnalysis(
    "instant",
    { q: `${entriesOf(service)} | sum_over_time(duration) by (${BY.join(", ")})`, ...time.now },
    time.ready,
  );
  const rows = useMemo(() => {
    const times = new Map(spent.data?.series.map((s) => [keyOf(s, BY), s.points[0] ?? 0]));
    const all = [...times.values()].reduce((a, b) => a + b, 0);
    return red.groups.map((group): RedRow => {
      const [name, kind] = group.fields;
      const spans = spansWith(ofService(service), `name = ${JSON.stringify(name)}`, `kind = ${kind}`);
      return {
        group,
        name: name || text.common.noName,
        time: all > 0 ? (times.get(group.key) ?? 0) / all : undefined,
        head: (
          <>
            <Link className="row-link" to={inTime(searchPath(spans))}>
              {name || text.common.noName}
            </Link>
            {kind !== "server" && <small className="muted">{kind}</small>}
          </>
        ),
      };
    });
  }, [red.groups, spent.data, service]);
  return (
    <Part title={text.service.operations.title} hint={text.service.operations.hint} {...red}>
      {red.pending ? (
        <div className="part-wait" role="status" aria-label={text.common.loading} />
      ) : (
        <RedTable title={text.service.operations.name} rows={rows} time={time} param="ops" timed />
      )}
    </Part>
  );
}
