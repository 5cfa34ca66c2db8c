import { useEffect, useState } from "react";
import { text } from "../../base/strings";
import { Icon } from "../../components/Icon";
import { setParams } from "../../state/router";

/** The query whose traces the map is of; without one it is of all. */
export function OnlyTraces({ query }: { query: string }) {
  const [typed, setTyped] = useState(query);
  useEffect(() => setTyped(query), [query]);
  return (
    <form
      className="map-only"
      onSubmit={(event) => {
        event.preventDefault();
        setParams({ q: typed.trim() });
      }}
    >
      <input
        className="mono"
        value={typed}
        placeholder={text.map.only}
        aria-label={text.map.only}
        title={text.map.onlyHint}
        spellCheck={false}
        onChange={(event) => setTyped(event.target.value)}
      />
      {query && (
        <button
          type="button"
          className="ghost"
          onClick={() => setParams({ q: "" })}
          aria-label={text.map.onlyClear}
          title={text.map.onlyClear}
        >
          <Icon name="close" />
        </button>
      )}
    </form>
  );
}
