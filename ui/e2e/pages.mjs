// Every page there is, for what must hold everywhere.

import { api, findTrace } from "./browser.mjs";

const query = (q, more = "") => `/search?range=1h&q=${encodeURIComponent(q)}${more}`;

/** The pages by name: where each is, and what is there once it is drawn. `lost` says that the API answers 404. */
export async function everyPage() {
  const { traceId } = await findTrace(
    "{ status = error }",
    (t) => t.spanCount >= 8 && t.services.length >= 3,
  );
  const trace = (view, ready) => ({ path: `/trace/${traceId}?view=${view}`, ready });
  const { services } = await api("/services");
  return {
    overview: { path: "/?range=1h", ready: "tbody tr" },
    service: {
      path: `/service/${encodeURIComponent(services[0].name)}?range=1h`,
      ready: ".chart canvas",
    },
    map: { path: "/map?range=1h", ready: ".map-canvas canvas, canvas" },
    mapTable: { path: "/map?range=1h&view=table", ready: "tbody tr" },
    search: { path: query("{ status = error }"), ready: ".result" },
    spans: { path: query("{ status = error }", "&view=spans"), ready: "[role=row], .result, tbody tr" },
    metrics: { path: query("{} | rate() by (resource.service.name)"), ready: ".chart canvas" },
    different: { path: query("{ status = error }", "&diff=query"), ready: ".result" },
    nothingFound: { path: query('{ name = "no such span" }'), ready: ".empty" },
    waterfall: trace("waterfall", ".row"),
    flame: trace("flame", "canvas"),
    table: trace("table", "[role=row], tbody tr"),
    graph: trace("graph", "canvas"),
    errors: trace("errors", "#main li, #main a"),
    events: trace("events", "#main table, #main [role=table], .empty, #main ol"),
    statistics: trace("statistics", "tbody tr"),
    compare: {
      path: `/trace/${traceId}?view=compare&with=typical`,
      ready: "#main table, #main [role=table], .empty",
    },
    status: { path: "/status", ready: "h1" },
    welcome: { path: "/welcome", ready: ".snippets" },
    noPage: { path: "/nowhere", ready: ".empty" },
    noTrace: { path: `/trace/${"1".repeat(32)}`, ready: ".empty .button", lost: true },
    noService: { path: "/service/nobody", ready: ".empty .button" },
  };
}
