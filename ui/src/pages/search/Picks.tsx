// The two traces that are chosen to be compared.

import { useState } from "react";
import { text } from "../../base/strings";
import { Link } from "../../components/Header";
import { Icon } from "../../components/Icon";
import { tracePath } from "../../state/router";

export interface Picks {
  readonly picked: readonly string[];
  /** Chooses a trace, or does not any more; a third takes the first one's place. */
  readonly pick: (traceId: string) => void;
  readonly clear: () => void;
}

export function usePicks(): Picks {
  const [picked, setPicked] = useState<readonly string[]>([]);
  return {
    picked,
    pick: (id) =>
      setPicked((old) => (old.includes(id) ? old.filter((other) => other !== id) : [...old.slice(-1), id])),
    clear: () => setPicked([]),
  };
}

/** What is chosen, and the way to the comparison. */
export function PickBar({ picks }: { picks: Picks }) {
  const [a, b] = picks.picked;
  const words = text.search.picks;
  if (a === undefined) return null;
  return (
    <span className="picks">
      {b === undefined ? (
        <span className="muted">{words.one}</span>
      ) : (
        <Link className="button" to={`${tracePath(a)}?with=${b}`}>
          {words.compare}
        </Link>
      )}
      <button
        type="button"
        className="ghost"
        onClick={picks.clear}
        aria-label={words.clear}
        title={words.clear}
      >
        <Icon name="close" />
      </button>
    </span>
  );
}
