import { text } from "../base/strings";

/** The pages that the frame leads to; `timed` ones have a time range. */
export const PAGES = [
  { path: "/search", name: text.nav.search, timed: true },
  { path: "/status", name: text.nav.status, timed: false },
] as const;
