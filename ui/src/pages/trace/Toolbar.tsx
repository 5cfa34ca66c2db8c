import { text } from "../../base/strings";
import { Icon } from "../../components/Icon";
import { nextRow } from "../../model/find";
import { allCollapsed, collapsedTo } from "../../model/rows";
import { type TraceView, VIEWS } from "./useTraceView";

/** The views, what is expanded, and find in trace. */
export function Toolbar({ state }: { state: TraceView }) {
  const { trace, errors, matches, cursor } = state;
  const at = matches.indexOf(cursor) + 1;
  const failed = errors.failed.length > 0;
  return (
    <div className="toolbar">
      <div className="tabs" role="tablist">
        {VIEWS.filter((view) => view !== "compare" || state.other).map((view) => (
          <button
            type="button"
            role="tab"
            key={view}
            aria-selected={state.name === view}
            onClick={() => state.setName(view)}
          >
            {text.trace.views[view]}
          </button>
        ))}
      </div>
      {(state.name === "waterfall" || state.name === "table") && (
        <div className="tools">
          <Tool icon="expand" label={text.trace.expandAll} onClick={() => state.setCollapsed(new Set())} />
          <Tool
            icon="collapse"
            label={text.trace.collapseAll}
            onClick={() => state.setCollapsed(allCollapsed(trace))}
          />
          {failed && (
            <button
              type="button"
              className="ghost"
              onClick={() => state.setCollapsed(collapsedTo(trace, errors.below))}
            >
              {text.trace.errorsOnly}
            </button>
          )}
        </div>
      )}
      {state.zoomed && (state.name === "waterfall" || state.name === "flame") && (
        <button type="button" className="ghost" onClick={() => state.zoom(undefined)}>
          {text.trace.resetZoom}
        </button>
      )}
      <span className="spring" />
      {failed && (
        <button
          type="button"
          className="ghost failed"
          onClick={() => state.goTo(nextRow(errors.failed, cursor, true))}
        >
          {text.trace.nextError}
          <kbd>e</kbd>
        </button>
      )}
      <search className="find">
        <Icon name="search" />
        <input
          id="find-in-trace"
          type="search"
          aria-label={text.trace.find}
          placeholder={text.trace.find}
          value={state.find}
          spellCheck={false}
          autoComplete="off"
          onChange={(event) => state.setFind(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter") state.goTo(nextRow(matches, cursor, !event.shiftKey));
            if (event.key === "Escape") {
              if (state.find) state.setFind("");
              event.currentTarget.blur();
            }
          }}
        />
        {state.find && (
          <span className="find-count num" role="status">
            {state.finding ? text.trace.finding : text.trace.matches(at, matches.length)}
            {!state.finding &&
              state.matchesElsewhere > 0 &&
              ` ${text.trace.matchesElsewhere(state.matchesElsewhere)}`}
          </span>
        )}
        <Tool
          icon="up"
          label={text.trace.previousMatch}
          onClick={() => state.goTo(nextRow(matches, cursor, false))}
        />
        <Tool
          icon="down"
          label={text.trace.nextMatch}
          onClick={() => state.goTo(nextRow(matches, cursor, true))}
        />
      </search>
    </div>
  );
}

function Tool(props: { icon: "expand" | "collapse" | "up" | "down"; label: string; onClick: () => void }) {
  return (
    <button
      type="button"
      className="ghost"
      title={props.label}
      aria-label={props.label}
      onClick={props.onClick}
    >
      <Icon name={props.icon} />
    </button>
  );
}
