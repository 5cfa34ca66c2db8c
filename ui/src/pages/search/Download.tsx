// The results as a file: all pages of them, up to a bound that the file tells.

import { useEffect, useRef, useState } from "react";
import { ApiError, api, type SearchRequest } from "../../api/client";
import { formatExact } from "../../base/format";
import { text } from "../../base/strings";
import { Icon } from "../../components/Icon";
import { Popover } from "../../components/Popover";
import { csv, spansTable, tracesTable } from "../../model/csv";
import { type Collected, collect, fileName, MOST_ROWS, saveFile } from "../../state/download";

type Format = "csv" | "json";

export function Download(props: { request: SearchRequest; asSpans: boolean; columns: readonly string[] }) {
  const { request, asSpans, columns } = props;
  const words = text.search.download;
  const flight = useRef<AbortController>(undefined);
  const [rows, setRows] = useState<number>();
  const [said, setSaid] = useState("");
  useEffect(() => () => flight.current?.abort(), []);
  const start = async (format: Format) => {
    const controller = new AbortController();
    flight.current = controller;
    setRows(0);
    setSaid("");
    try {
      const found = await collect(api.search, request, asSpans, controller.signal, setRows);
      const content = format === "csv" ? csvOf(found, asSpans, columns) : jsonOf(found, request);
      saveFile(fileName(asSpans ? "spans" : "traces", format), TYPES[format], content);
      setSaid([words.done(formatExact(found.rows)), ...notesOf(found)].join(" "));
    } catch (error) {
      setSaid(controller.signal.aborted ? text.search.cancelled : messageOf(error));
    }
    setRows(undefined);
  };
  return (
    <Popover
      className="download"
      label={words.title}
      face={
        <>
          <Icon name="download" />
          {words.open}
        </>
      }
    >
      {() => (
        <>
          <p>{asSpans ? words.spans(formatExact(MOST_ROWS)) : words.traces(formatExact(MOST_ROWS))}</p>
          {rows === undefined ? (
            <div className="actions">
              <button type="button" onClick={() => void start("csv")}>
                CSV
              </button>
              <button type="button" onClick={() => void start("json")}>
                JSON
              </button>
            </div>
          ) : (
            <div className="actions">
              <span className="num">{words.rows(formatExact(rows))}</span>
              <button type="button" onClick={() => flight.current?.abort()}>
                {text.common.cancel}
              </button>
            </div>
          )}
          <p role="status">{said}</p>
        </>
      )}
    </Popover>
  );
}

const TYPES = { csv: "text/csv;charset=utf-8", json: "application/json" };

const messageOf = (error: unknown) => (error instanceof ApiError ? error.message : String(error));

/** What the file lacks, in words. */
function notesOf({ cut, partial }: Collected): string[] {
  const { cut: cutWords } = text.search.download;
  return [
    ...(cut ? [cutWords(formatExact(MOST_ROWS))] : []),
    ...(partial ? [text.search.partial(partial)] : []),
  ];
}

function csvOf(found: Collected, asSpans: boolean, columns: readonly string[]): string {
  const table = asSpans ? spansTable(found.traces, columns) : tracesTable(found.traces, columns);
  return csv([...table, ...notesOf(found).map((note) => [`# ${note}`])]);
}

function jsonOf(found: Collected, { q, start, end }: SearchRequest): string {
  const notes = notesOf(found);
  const about = { query: q || "{}", start, end, complete: notes.length === 0, notes };
  return `${JSON.stringify({ ...about, traces: found.traces }, undefined, 1)}\n`;
}
