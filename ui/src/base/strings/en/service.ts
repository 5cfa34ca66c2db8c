export const service = {
  search: "Its traces",
  charts: {
    label: "Rate, errors and latency",
    rate: "Rate",
    errors: "Error share",
    latency: "Latency",
    ok: "ok",
    failed: "failed",
  },
  none: "No entry span of this service in this time",
  noneHint: "It was asked for nothing, or is not known by this name.",
  overview: "All services",
};
