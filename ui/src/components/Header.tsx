import { type ReactNode, useEffect, useState } from "react";
import { language, setLanguage } from "../base/locale";
import { text } from "../base/strings";
import { useLinkClick, useLocation } from "../state/router";
import { useShortcuts } from "../state/shortcuts";
import { nextTheme, useTheme } from "../state/theme";
import { inTime } from "../state/time";
import { HelpSheet } from "./HelpSheet";
import { Icon } from "./Icon";
import { Palette } from "./Palette";
import { PAGES, pageOf } from "./pages";
import { TimeControls } from "./TimeControls";

/** The trail: spans of one path, each beginning in the one before. */
export function Logo() {
  return (
    <svg className="logo" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d="M3 5.500h12" />
      <path className="logo-link" d="M9 5.500v3.500a3 3 0 0 0 3 3h0" />
      <path d="M12 12h9" />
      <path className="logo-link" d="M9 9v6.500a3 3 0 0 0 3 3h0" />
      <path d="M12 18.500h5" />
    </svg>
  );
}

/** A link within the site. */
export function Link(props: {
  to: string;
  className?: string;
  children: ReactNode;
  label?: string;
  current?: boolean;
  role?: "menuitem";
}) {
  const onClick = useLinkClick(props.to);
  return (
    <a
      href={props.to}
      onClick={onClick}
      className={props.className}
      role={props.role}
      aria-label={props.label}
      aria-current={props.current ? "page" : undefined}
    >
      {props.children}
    </a>
  );
}

/** The keys of the palette as this computer's keyboard has them. */
const PALETTE_KEYS = /Mac|iPhone|iPad/.test(navigator.platform) ? "⌘K" : "Ctrl K";

/** The frame's top: where one is, and what applies everywhere. */
export function Header() {
  const { path } = useLocation();
  const { choice } = useTheme();
  const [help, setHelp] = useState(false);
  const [palette, setPalette] = useState(false);
  const page = pageOf(path);
  useShortcuts({ "?": () => setHelp(true) });
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== "k" || !(event.metaKey || event.ctrlKey)) return;
      event.preventDefault();
      if (!document.querySelector("dialog[open]")) setPalette(true);
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);
  return (
    <header className="header">
      <a className="skip" href="#main">
        {text.nav.skip}
      </a>
      <Link to={inTime("/")} className="brand" label={text.nav.home}>
        <Logo />
        <span>{text.product}</span>
      </Link>
      <nav aria-label={text.nav.main}>
        {PAGES.map(({ path, name }) => (
          <Link key={path} to={inTime(path)} current={page === path}>
            {name}
          </Link>
        ))}
      </nav>
      <span className="spring" />
      <button
        type="button"
        className="go"
        onClick={() => setPalette(true)}
        aria-label={`${text.palette.title} ${PALETTE_KEYS}`}
        title={text.palette.hint}
      >
        <Icon name="search" />
        <kbd>{PALETTE_KEYS}</kbd>
      </button>
      {PAGES.some((p) => p.timed && p.path === page) && <TimeControls />}
      <button
        type="button"
        className="ghost"
        onClick={nextTheme}
        title={text.theme[choice]}
        aria-label={text.theme[choice]}
      >
        <Icon name={choice === "dark" ? "moon" : choice === "light" ? "sun" : "system"} />
      </button>
      <button
        type="button"
        className="ghost language"
        lang={language === "en" ? "ja" : "en"}
        onClick={() => setLanguage(language === "en" ? "ja" : "en")}
        title={text.nav.languageHint}
      >
        {text.nav.language}
      </button>
      <button
        type="button"
        className="ghost"
        onClick={() => setHelp(true)}
        title={text.help.open}
        aria-label={text.help.open}
      >
        <Icon name="help" />
      </button>
      {help && <HelpSheet onClose={() => setHelp(false)} />}
      {palette && <Palette onClose={() => setPalette(false)} />}
    </header>
  );
}
