// Requests to the native API. Every failure is an ApiError with a sentence a person can read.

import type {
  AttributeKey,
  Backup,
  Deletion,
  FieldValue,
  LoggedQuery,
  Matches,
  Operation,
  Problem,
  SearchResult,
  ServiceCount,
  Status,
  Stretch,
  TailResult,
  TraceColumns,
  Word,
} from "./types";

const BASE = "/api/kiseki/v1";

/** A request that failed: `problem` holds what the server said; status 0 means it did not answer. */
export class ApiError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail || problem.title);
    this.name = "ApiError";
  }
}

/** Whether an error is a request's that nobody answered. */
export const unanswered = (error: unknown): boolean =>
  error instanceof ApiError && error.problem.status === 0;

export type Params = Record<string, string | number | undefined>;

/** Asks the native API; parameters that are undefined are left out. */
export const get = async <T>(path: string, params: Params, signal?: AbortSignal): Promise<T> =>
  (await ask(path, params, signal)).json() as Promise<T>;

/** The same for an answer that somebody else reads. */
export const getBody = async (path: string, params: Params, signal?: AbortSignal): Promise<ArrayBuffer> =>
  (await ask(path, params, signal)).arrayBuffer();

async function ask(path: string, params: Params, signal?: AbortSignal): Promise<Response> {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(params)) if (value !== undefined) query.set(key, String(value));
  const search = query.toString();
  let response: Response;
  try {
    response = await fetch(`${BASE}${path}${search ? `?${search}` : ""}`, { signal: signal ?? null });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError({ title: "kiseki does not answer", status: 0 });
  }
  if (response.ok) return response;
  throw new ApiError(await readProblem(response));
}

async function readProblem(response: Response): Promise<Problem> {
  try {
    const body = (await response.json()) as Partial<Problem>;
    return { ...body, title: body.title ?? response.statusText, status: response.status };
  } catch {
    return { title: response.statusText || `HTTP ${response.status}`, status: response.status };
  }
}

export interface SearchRequest {
  q: string;
  start?: string | undefined;
  end?: string | undefined;
  limit: number;
  cursor?: string | undefined;
  /** The most spans to tell of each trace; without it none are. */
  spans?: number | undefined;
  /** "true": the answer tells what it took. */
  explain?: string | undefined;
}

/** What to follow: `q` and `spans` as of a search. */
export interface TailRequest {
  q: string;
  spans?: number | undefined;
  /** Where the answer before ended; without it the answer is where to begin. */
  cursor?: string | undefined;
}

export const api = {
  search: (request: SearchRequest, signal?: AbortSignal) =>
    get<SearchResult>("/traces", { ...request, q: request.q || undefined }, signal),
  tail: (request: TailRequest, signal?: AbortSignal) =>
    get<TailResult>("/tail", { ...request, q: request.q || undefined }, signal),
  span: (traceId: string, spanId: string, signal?: AbortSignal) =>
    get<TraceColumns>(`/traces/${traceId}/spans/${spanId}`, {}, signal),
  matches: (traceId: string, text: string, signal?: AbortSignal) =>
    get<Matches>(`/traces/${traceId}/matches`, { text }, signal),
  criticalPath: (traceId: string, signal?: AbortSignal) =>
    get<{ stretches: Stretch[] }>(`/traces/${traceId}/critical-path`, {}, signal).then((r) => r.stretches),
  services: (signal?: AbortSignal) =>
    get<{ services: ServiceCount[] }>("/services", {}, signal).then((r) => r.services),
  operations: (service: string | undefined, signal?: AbortSignal) =>
    get<{ operations: Operation[] }>("/operations", { service }, signal).then((r) => r.operations),
  attributes: (signal?: AbortSignal) =>
    get<{ attributes: AttributeKey[] }>("/attributes", {}, signal).then((r) => r.attributes),
  values: (field: string, prefix: string, signal?: AbortSignal) =>
    get<{ values: FieldValue[] }>(
      `/attributes/${encodeURIComponent(field)}/values`,
      { prefix: prefix || undefined, limit: 50 },
      signal,
    ).then((r) => r.values),
  words: (signal?: AbortSignal) => get<{ words: Word[] }>("/words", {}, signal).then((r) => r.words),
  queries: (signal?: AbortSignal) =>
    get<{ queries: LoggedQuery[] }>("/queries", {}, signal).then((r) => r.queries),
  deletions: (signal?: AbortSignal) =>
    get<{ deletions: Deletion[] }>("/deletions", {}, signal).then((r) => r.deletions),
  backups: (signal?: AbortSignal) =>
    get<{ backups: Backup[] }>("/backups", {}, signal).then((r) => r.backups),
  status: (signal?: AbortSignal) => get<Status>("/status", {}, signal),
};
