// How wide the names and the panel are: as the reader left them, on this machine.

import { useState } from "react";

const NAME_KEY = "kiseki.nameShare";
const PANEL_KEY = "kiseki.panelWidth";
export const LEAST_NAME = 150;
const MOST_SHARE = 0.7;
/** Until the reader chooses, names get this much in pixels where there is room, and else this share. */
const READABLE = 300;
const READABLE_SHARE = 0.42;
const PHONE = 760;

/** The width of the name column in a view of a width. */
export function useNameWidth(width: number) {
  const [share, setShare] = useState(() => Number(localStorage.getItem(NAME_KEY)) || undefined);
  const first = window.innerWidth < PHONE ? 0.46 : Math.max(0.36, Math.min(READABLE_SHARE, READABLE / width));
  const most = Math.max(LEAST_NAME, Math.round(width * MOST_SHARE));
  const nameWidth = Math.round(Math.min(most, Math.max(LEAST_NAME, width * (share ?? first))));
  const setNameWidth = (next: number) => {
    const kept = next / Math.max(1, width);
    setShare(kept);
    localStorage.setItem(NAME_KEY, String(kept));
  };
  return { nameWidth, most, setNameWidth };
}

const LEAST_PANEL = 260;

/** The width of the panel beside a view. */
export function usePanelWidth() {
  const [chosen, setChosen] = useState(() => Number(localStorage.getItem(PANEL_KEY)) || undefined);
  const most = Math.max(LEAST_PANEL, Math.round(window.innerWidth * 0.6));
  const first = Math.min(440, window.innerWidth * 0.28);
  const panelWidth = Math.round(Math.min(most, Math.max(LEAST_PANEL, chosen ?? first)));
  const setPanelWidth = (next: number) => {
    setChosen(next);
    localStorage.setItem(PANEL_KEY, String(next));
  };
  return { panelWidth, least: LEAST_PANEL, most, setPanelWidth };
}
