import { expect, test } from "vitest";
import { columnsFromText } from "./testing";
import { buildTrace, nameOf } from "./trace";
import { eventName, eventsInTime, eventText } from "./traceEvents";

function traceWithEvents() {
  const columns = columnsFromText(`
    web order 0-100
      pay charge 10-60
      shop mail 20-30
  `);
  const { spans, events, strings } = columns;
  const add = (span: number, name: string, ms: number) => {
    events.name.push(strings.push(name) - 1);
    events.time.push(ms * 1e6);
    events.dropped.push(0);
    events.attrs.push(0);
    for (let i = span + 1; i < spans.events.length; i++) spans.events[i]!++;
  };
  add(0, "accepted", 1);
  add(0, "answered", 99);
  add(1, "retry", 40);
  add(2, "queued", 25);
  return buildTrace(columns);
}

test("events of all spans follow one another in time", () => {
  const trace = traceWithEvents();
  const said = (focus: number) => {
    const { row, event, time } = eventsInTime(trace, focus);
    return [...row].map((r, i) => `${time[i]! / 1e6} ${eventName(trace, event[i]!)} of ${nameOf(trace, r)}`);
  };
  expect(said(-1)).toEqual([
    "1 accepted of order",
    "25 queued of mail",
    "40 retry of charge",
    "99 answered of order",
  ]);
  expect(said(1)).toEqual(["40 retry of charge"]);
});

test("an event is told in one line", () => {
  const attribute = (key: string, stringValue: string) => ({ key, value: { stringValue } });
  expect(
    eventText([
      attribute("exception.type", "Declined"),
      attribute("exception.message", "no funds\nat bank"),
      attribute("exception.stacktrace", "at a\nat b"),
      attribute("retry.count", "2"),
    ]),
  ).toBe("Declined · no funds · retry.count: 2");
});
