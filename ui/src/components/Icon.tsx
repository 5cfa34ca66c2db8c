const PATHS = {
  search: "M7 12.5a5.5 5.5 0 1 1 0-11 5.5 5.5 0 0 1 0 11ZM11 11l3.5 3.5",
  close: "M3.5 3.5l9 9M12.5 3.5l-9 9",
  plus: "M8 3v10M3 8h10",
  minus: "M3 8h10",
  right: "M6 3.5 10.5 8 6 12.5",
  down: "M3.5 6 8 10.5 12.5 6",
  up: "M3.5 10 8 5.5 12.5 10",
  left: "M10 3.5 5.5 8l4.5 4.5",
  copy: "M5.5 5.5V3a1 1 0 0 1 1-1H13a1 1 0 0 1 1 1v6.500a1 1 0 0 1-1 1h-2.500M3 5.500h6.500a1 1 0 0 1 1 1V13a1 1 0 0 1-1 1H3a1 1 0 0 1-1-1V6.500a1 1 0 0 1 1-1Z",
  check: "M3 8.500 6.500 12 13 4.500",
  refresh: "M13.500 8A5.500 5.500 0 1 1 11.800 4M12 1.500V4.500H9",
  stop: "M4 4h8v8H4Z",
  clock: "M8 14.500a6.500 6.500 0 1 0 0-13 6.500 6.500 0 0 0 0 13ZM8 4.500V8l2.500 1.500",
  sun: "M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM8 1v1.500M8 13.500V15M1 8h1.500M13.500 8H15M3 3l1 1M12 12l1 1M3 13l1-1M12 4l1-1",
  moon: "M13.500 9.500A6 6 0 0 1 6.500 2.500a6 6 0 1 0 7 7Z",
  system: "M2 3h12v8H2ZM6 14h4M8 11v3",
  help: "M6 6a2 2 0 1 1 2.800 1.850c-.5.25-.8.6-.8 1.150v.4M8 11.800v.1M8 14.500a6.500 6.500 0 1 0 0-13 6.500 6.500 0 0 0 0 13Z",
  warning: "M8 2 15 14H1ZM8 6.500v3.500M8 12v.1",
  more: "M3.500 8h.1M8 8h.1M12.500 8h.1",
  link: "M6.500 9.500a3 3 0 0 0 4.200 0l2.400-2.400a3 3 0 0 0-4.200-4.200L7.800 4M9.500 6.500a3 3 0 0 0-4.200 0L2.900 8.900a3 3 0 0 0 4.200 4.200L8.200 12",
  expand: "M4 6l4-4 4 4M4 10l4 4 4-4",
  collapse: "M4 2l4 4 4-4M4 14l4-4 4 4",
  database:
    "M2.500 4c0-1.100 2.500-2 5.500-2s5.500.9 5.500 2-2.500 2-5.500 2-5.500-.9-5.500-2ZM2.500 4v8c0 1.100 2.500 2 5.500 2s5.500-.9 5.500-2V4M2.500 8c0 1.100 2.500 2 5.500 2s5.500-.9 5.500-2",
  queue: "M1.500 4.500h13v7h-13ZM5 4.500v7M8.500 4.500v7M12 4.500v7",
  globe:
    "M8 14.500a6.500 6.500 0 1 0 0-13 6.500 6.500 0 0 0 0 13ZM1.500 8h13M8 1.500c2 2 2.700 4 2.700 6.500S10 12.500 8 14.500C6 12.500 5.300 10.500 5.300 8S6 3.500 8 1.500Z",
  play: "M4.500 2.500v11l9-5.500Z",
  pause: "M5 3v10M11 3v10",
  history: "M2.500 8a5.500 5.500 0 1 0 1.700-4M2.500 1.500V4.500h3M8 5v3l2 1.500",
  pencil: "M3 13l.6-3L10.500 3l2.500 2.500L6 12.400Z",
  download: "M8 2v8M4.500 6.500 8 10l3.500-3.500M2.500 13.500h11",
  focus: "M2 5V2h3M11 2h3v3M14 11v3h-3M5 14H2v-3M6 8h4",
} as const;

export type IconName = keyof typeof PATHS;

/** A line icon in the colour of the text; it is decoration, its control carries the label. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}

/** The sign of a failure; `soft` for one that was passed on. */
export function ErrorMark({ label, soft = false }: { label: string; soft?: boolean }) {
  const told = label ? ({ role: "img", "aria-label": label } as const) : ({ "aria-hidden": true } as const);
  return (
    // biome-ignore lint/a11y/noSvgWithoutTitle: one without a label stands beside words that say it
    <svg className={soft ? "error-mark soft" : "error-mark"} viewBox="0 0 12 12" {...told}>
      {label && <title>{label}</title>}
      <circle cx="6" cy="6" r="5.25" />
      <path d="M4 4l4 4M8 4l-4 4" />
    </svg>
  );
}
