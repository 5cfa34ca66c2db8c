// The live tail: traces as they arrive. It holds still under the pointer and by Space.

import { useRef, useState } from "react";
import { formatExact, formatRate } from "../../base/format";
import { text } from "../../base/strings";
import { Icon } from "../../components/Icon";
import { Empty, Failure } from "../../components/Notice";
import { MOST_TAILED, rateOf } from "../../model/tail";
import { NO_RESULTS } from "../../state/results";
import { useShortcuts } from "../../state/shortcuts";
import type { useTail } from "../../state/tail";
import { useNow } from "../../state/window";
import type { Picks } from "./Picks";
import { ResultList } from "./ResultList";

export function TailPane(props: {
  query: string;
  following: ReturnType<typeof useTail>;
  columns: readonly string[];
  onRemove: (column: string) => void;
  picks: Picks;
  /** What stands beside the state: what is common to all kinds of results. */
  children: React.ReactNode;
}) {
  const { following } = props;
  const { tail, hold } = following;
  const now = useNow(1000);
  const [paused, setPaused] = useState(false);
  const over = useRef(false);
  const pause = (yes: boolean) => {
    setPaused(yes);
    hold(yes || over.current);
  };
  useShortcuts({ " ": () => pause(!paused) });
  const point = (inside: boolean) => {
    over.current = inside;
    hold(paused || inside);
  };
  const words = text.search.tail;
  return (
    <>
      <div className="state-row">
        <State following={following} now={now} />
        <span className="spring" />
        <button type="button" aria-pressed={paused} onClick={() => pause(!paused)} title={words.pauseHint}>
          <Icon name={paused ? "play" : "pause"} />
          {paused ? words.resume : words.pause}
        </button>
        {props.children}
      </div>
      <div className="search-body">
        <div className="search-found" onPointerEnter={() => point(true)} onPointerLeave={() => point(false)}>
          {following.error?.problem.status === 400 ? (
            <Empty title={text.search.badQuery}>
              <p>{text.search.badQueryHint}</p>
            </Empty>
          ) : following.error ? (
            <Failure error={following.error} onRetry={following.run} />
          ) : tail.traces.length === 0 ? (
            <Empty title={words.waiting}>
              <p>{props.query ? words.waitingFor : words.waitingAny}</p>
            </Empty>
          ) : (
            <ResultList
              key={props.query}
              results={{ ...NO_RESULTS, traces: tail.traces, fresh: tail.fresh }}
              query={props.query}
              columns={props.columns}
              onRemove={props.onRemove}
              picked={props.picks.picked}
              onPick={props.picks.pick}
              now={now}
              loadingMore={false}
              onMore={() => undefined}
              onMark={() => undefined}
              tailed
            />
          )}
        </div>
      </div>
    </>
  );
}

/** How fast traces arrive, how many wait, and what is not shown. */
function State({ following, now }: { following: ReturnType<typeof useTail>; now: number }) {
  const { tail, since, connected, missed, error } = following;
  const words = text.search.tail;
  const parts: string[] = [];
  if (error) parts.push(text.search.notRun);
  else if (!connected)
    parts.push(tail.seen > 0 || now - since > 3000 ? words.reconnecting : words.connecting);
  else parts.push(words.rate(formatRate(rateOf(tail, since, now))), words.seen(formatExact(tail.seen)));
  if (tail.held) parts.push(words.held(formatExact(tail.waiting.length)));
  if (tail.seen > MOST_TAILED) parts.push(words.bound(formatExact(MOST_TAILED)));
  if (missed) parts.push(words.missed);
  const tone = !connected || missed ? "state-line partial" : "state-line";
  return (
    <p className={tail.held || !connected ? tone : `${tone} running`} role="status" aria-live="off">
      {parts.join(" · ")}
    </p>
  );
}
