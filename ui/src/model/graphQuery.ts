// The searches that find the traces behind a place or an edge of the service graph. Which attributes name a
// database, a queue or an address is as the server decides it.

import type { Calls, Place } from "./graph";

type Named = Pick<Place, "kind" | "name">;

const NAMES: Record<string, readonly string[]> = {
  database: [
    "db.namespace",
    "db.name",
    "peer.service",
    "service.peer.name",
    "server.address",
    "net.peer.name",
    "db.system.name",
    "db.system",
  ],
  messaging: [
    "messaging.destination.name",
    "messaging.destination",
    "peer.service",
    "service.peer.name",
    "server.address",
    "messaging.system",
  ],
  external: [
    "peer.service",
    "service.peer.name",
    "server.address",
    "net.peer.name",
    "net.sock.peer.name",
    "http.host",
  ],
};

const service = (name: string) => `resource.service.name = ${JSON.stringify(name)}`;

/** What spans of calls to a place that is no service have. */
const named = (p: Named) =>
  `(kind = client || kind = producer) && (${NAMES[p.kind]!.map((key) => `span.${key} = ${JSON.stringify(p.name)}`).join(" || ")})`;

export const placeQuery = (p: Named): string =>
  p.kind === "service" ? `{ ${service(p.name)} }` : `{ ${named(p)} }`;

/**
 * Traces with calls from one place to another; `failed` ones only. A message may be consumed in the producer's trace or
 * in one that links to it: of the latter no query knows who produced it, so they are all that consumed linked messages.
 */
export function callsQuery(from: Named, to: Named, calls: Pick<Calls, "messaging">, failed = false): string {
  const error = failed ? " && status = error" : "";
  if (to.kind !== "service") return `{ ${service(from.name)} && ${named(to)}${error} }`;
  if (calls.messaging) {
    const consumed = `${service(to.name)} && kind = consumer${error}`;
    return `({ ${service(from.name)} && kind = producer } && { ${consumed} }) || { ${consumed} && link:traceID != nil }`;
  }
  return `{ ${service(from.name)}${error} } > { ${service(to.name)} }`;
}

/** A query for traces that another one finds too; what goes on with a pipeline cannot be joined and is left out. */
export function alsoMatching(query: string, only: string): string {
  if (only === "" || /[})]\s*\|(?!\|)/.test(only)) return query;
  return `(${query}) && (${only})`;
}
