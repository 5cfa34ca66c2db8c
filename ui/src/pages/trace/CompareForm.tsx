import { useState } from "react";
import { text } from "../../base/strings";
import { Icon } from "../../components/Icon";
import { traceIdIn } from "../../model/traceId";
import { navigate } from "../../state/router";
import { type TraceView, TYPICAL } from "./useTraceView";

/** With what the trace is compared. */
export function CompareForm({ state }: { state: TraceView }) {
  const { other, trace } = state;
  const [typed, setTyped] = useState(other === TYPICAL ? "" : other);
  const [wrong, setWrong] = useState(false);
  const c = text.trace.compare;
  return (
    <form
      className="compare-form"
      onSubmit={(event) => {
        event.preventDefault();
        const id = traceIdIn(typed);
        setWrong(id === "");
        if (id) state.compareWith(id);
      }}
    >
      <button
        type="button"
        className="ghost"
        aria-pressed={other === TYPICAL}
        onClick={() => state.compareWith(TYPICAL)}
      >
        {c.typical}
      </button>
      <input
        className="mono"
        aria-label={c.other}
        placeholder={c.other}
        value={typed}
        spellCheck={false}
        autoComplete="off"
        aria-invalid={wrong}
        onChange={(event) => setTyped(event.target.value)}
        onPaste={(event) => {
          const id = traceIdIn(event.clipboardData.getData("text"));
          if (!id) return;
          event.preventDefault();
          state.compareWith(id);
        }}
      />
      <button type="submit">{c.go}</button>
      {wrong && (
        <span className="failed" role="alert">
          {c.noId}
        </span>
      )}
      <span className="spring" />
      {other !== TYPICAL && (
        <button
          type="button"
          className="ghost"
          onClick={() => navigate(`/trace/${other}?with=${trace.traceId}`)}
        >
          {c.swap}
        </button>
      )}
      <button
        type="button"
        className="ghost"
        aria-label={c.end}
        title={c.end}
        onClick={() => state.compareWith("")}
      >
        <Icon name="close" />
      </button>
    </form>
  );
}
