import { useMemo } from "react";
import { useAnalysis } from "../../api/queries";
import { type RedGroup, useRed } from "../../api/red";
import { millisToNanos } from "../../base/format";
import { text } from "../../base/strings";
import { Link } from "../../components/Header";
import { type RedRow, RedTable } from "../../components/RedTable";
import { countsOf, ENTRY, labelOf, ofService, spansWith } from "../../model/red";
import { deploymentsOf, INSTANCE_FIELDS, instanceField, type Mark } from "../../model/versions";
import type { CompareTime } from "../../state/against";
import { searchPath } from "../../state/router";
import { inTime } from "../../state/time";
import { Part } from "./Part";
import { entriesOf } from "./useService";

const VERSION = "resource.service.version";
/** How long before a range a version must have been seen to be no news in it. */
const EARLIER = 86_400_000;

/** The versions of a service in a time, and when new ones were first seen. */
export function useVersions(service: string, time: CompareTime) {
  const red = useRed(entriesOf(service), [VERSION], time, {});
  const { from } = time.windows;
  const earlier = useAnalysis(
    "instant",
    {
      q: countsOf(entriesOf(service), VERSION),
      start: millisToNanos(from - EARLIER),
      end: millisToNanos(from),
    },
    time.ready,
  );
  const marks = useMemo((): readonly Mark[] => {
    if (!earlier.data) return [];
    const known = new Set(
      earlier.data.series.filter((s) => (s.points[0] ?? 0) > 0).map((s) => labelOf(s, VERSION) ?? ""),
    );
    const versions = red.groups.map((group) => ({ version: group.key, counts: group.counts }));
    return deploymentsOf(versions, red.intervals, known);
  }, [red.groups, red.intervals, earlier.data]);
  return { ...red, marks };
}

export type Versions = ReturnType<typeof useVersions>;

/** The rows of groups by one field; each leads to its spans. */
function rowsOf(service: string, field: string, groups: readonly RedGroup[]): RedRow[] {
  return groups.map((group) => {
    const condition = group.key === "" ? `${field} = nil` : `${field} = ${JSON.stringify(group.key)}`;
    const name = group.key || text.service.unnamed;
    return {
      group,
      name,
      head: (
        <Link className="row-link" to={inTime(searchPath(spansWith(ofService(service), condition, ENTRY)))}>
          {name}
        </Link>
      ),
    };
  });
}

/** The versions of the service; nothing where its spans name none. */
export function VersionTable(props: { service: string; time: CompareTime; versions: Versions }) {
  const { service, time, versions } = props;
  const rows = useMemo(() => rowsOf(service, VERSION, versions.groups), [service, versions.groups]);
  if (!versions.error && rows.every((row) => row.group.key === "")) return null;
  return (
    <Part title={text.service.versions} {...versions}>
      <RedTable title={text.service.version} rows={rows} time={time} param="versions" />
    </Part>
  );
}

/** The instances of the service, by the first of the usual fields that its spans have; nothing where they have none. */
export function InstanceTable({ service, time }: { service: string; time: CompareTime }) {
  const query = `${entriesOf(service)} | count_over_time() by (${INSTANCE_FIELDS.join(", ")})`;
  const known = useAnalysis("instant", { q: query, ...time.now }, time.ready);
  const field = instanceField(
    (known.data?.series ?? []).map((s) => INSTANCE_FIELDS.map((name) => labelOf(s, name))),
  );
  return field && <InstancesBy field={field} service={service} time={time} />;
}

function InstancesBy({ field, service, time }: { field: string; service: string; time: CompareTime }) {
  const red = useRed(entriesOf(service), [field], time, {});
  const rows = useMemo(() => rowsOf(service, field, red.groups), [service, field, red.groups]);
  return (
    <Part title={text.service.instances} hint={field} {...red}>
      <RedTable title={text.service.instance} rows={rows} time={time} param="instances" />
    </Part>
  );
}
