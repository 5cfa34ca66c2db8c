import { text } from "../base/strings";

/** The pages that the frame leads to; `timed` ones have a time range. */
export const PAGES = [
  { path: "/", name: text.nav.overview, timed: true },
  { path: "/search", name: text.nav.search, timed: true },
  { path: "/map", name: text.nav.map, timed: true },
  { path: "/status", name: text.nav.status, timed: false },
] as const;

/** The page that the frame shows as the present one; a service is seen from the overview. */
export const pageOf = (path: string) => (path.startsWith("/service/") ? "/" : path);
