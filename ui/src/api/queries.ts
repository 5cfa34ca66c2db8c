// The one cache of server data and the hooks that read it.

import { QueryClient, useMutation, useQuery } from "@tanstack/react-query";
import { type Answer, type Asked, analysis, type Question } from "./analysis";
import { ApiError, api, type SearchRequest } from "./client";
import { loadBelow, loadTrace, type Wanted } from "./trace";
import type { SearchResult } from "./types";

/** Traces with links to one that are listed. */
const MOST_LINKING = 20;

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      // A refused request stays refused; only a server that does not answer is asked again.
      retry: (count, error) => count < 2 && error instanceof ApiError && error.problem.status === 0,
      retryDelay: 500,
      refetchOnWindowFocus: false,
      staleTime: 30_000,
    },
  },
});

const traceQuery = (traceId: string) => ({
  queryKey: ["trace", traceId],
  queryFn: ({ signal }: { signal: AbortSignal }) => loadTrace(traceId, signal),
  // A trace may grow while it is looked at, but it must not move under the reader: reload asks again.
  staleTime: Number.POSITIVE_INFINITY,
  gcTime: 60_000,
  structuralSharing: false,
});

/** A trace as the page shows it. */
export const useTrace = (traceId: string) => useQuery(traceQuery(traceId));

/** Asks for more of what an outline left out; the trace as the page shows it then has it. */
export const useMore = (traceId: string) =>
  useMutation({
    mutationFn: (wanted: Wanted) => loadBelow(traceId, wanted),
    onSuccess: (loaded) => queryClient.setQueryData(["trace", traceId], loaded),
  });

/** Asks for a trace before the page that shows it is here. */
export const expectTrace = (traceId: string) => queryClient.prefetchQuery(traceQuery(traceId));

/** One span with all that it carries. */
export const useSpan = (traceId: string, spanId: string, enabled: boolean) =>
  useQuery({
    queryKey: ["span", traceId, spanId],
    queryFn: ({ signal }) => api.span(traceId, spanId, signal),
    staleTime: Number.POSITIVE_INFINITY,
    enabled,
    structuralSharing: false,
  });

/** The spans of a trace that contain a text, where the page does not have what they carry. */
export const useMatches = (traceId: string, text: string, enabled: boolean) =>
  useQuery({
    queryKey: ["matches", traceId, text],
    queryFn: ({ signal }) => api.matches(traceId, text, signal),
    staleTime: Number.POSITIVE_INFINITY,
    enabled: enabled && text !== "",
    placeholderData: (previous) => (text === "" ? undefined : previous),
    structuralSharing: false,
  });

/** What the duration of the trace consists of; it is asked once the trace itself is here. */
export const useCriticalPath = (traceId: string, enabled = true) =>
  useQuery({
    enabled,
    queryKey: ["critical path", traceId],
    queryFn: ({ signal }) => api.criticalPath(traceId, signal),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 60_000,
    structuralSharing: false,
  });

/** Traces, the latest first and not this one, with links to the trace or to one span of it. */
export const useLinkingTraces = (traceId: string, spanId = "", enabled = true) =>
  useQuery({
    queryKey: ["linking", traceId, spanId],
    queryFn: ({ signal }) => {
      const span = spanId ? ` && link:spanID = "${spanId}"` : "";
      return api.search({ q: `{ link:traceID = "${traceId}"${span} }`, limit: MOST_LINKING }, signal);
    },
    select: (found) => found.traces.filter((t) => t.traceId !== traceId),
    enabled,
  });

export const useServices = () =>
  useQuery({ queryKey: ["services"], queryFn: ({ signal }) => api.services(signal) });

export const useOperations = (service: string) =>
  useQuery({
    queryKey: ["operations", service],
    queryFn: ({ signal }) => api.operations(service || undefined, signal),
  });

export const useAttributeKeys = () =>
  useQuery({ queryKey: ["attributes"], queryFn: ({ signal }) => api.attributes(signal) });

/** The words of the query language; another server may have others, so a reload asks again. */
export const useWords = () =>
  useQuery({
    queryKey: ["words"],
    queryFn: ({ signal }) => api.words(signal),
    staleTime: Number.POSITIVE_INFINITY,
  });

export const useFieldValues = (field: string, prefix: string, enabled: boolean) =>
  useQuery({
    queryKey: ["values", field, prefix],
    queryFn: ({ signal }) => api.values(field, prefix, signal),
    enabled: enabled && field !== "",
    placeholderData: (previous) => previous,
  });

export const useStatus = (pollMs?: number, enabled = true) =>
  useQuery({
    enabled,
    queryKey: ["status"],
    queryFn: ({ signal }) => api.status(signal),
    refetchInterval: pollMs ?? false,
    staleTime: 1000,
  });

/** The newest traces with a result, and the spans that it is of. */
export const useFound = (request: SearchRequest, enabled = true) =>
  useQuery<SearchResult, ApiError>({
    queryKey: ["found", request],
    queryFn: ({ signal }) => api.search(request, signal),
    enabled,
    placeholderData: (previous) => previous,
  });

/**
 * Asks about many spans. What was known stays on the screen until the new answer is there, as long as the question is
 * of the same kind.
 */
export const useAnalysis = <K extends Question>(question: K, params: Asked<K>, enabled = true) =>
  useQuery<Answer<K>, ApiError>({
    queryKey: [question, params],
    queryFn: ({ signal }) =>
      (analysis[question] as (params: Asked<K>, signal: AbortSignal) => Promise<Answer<K>>)(params, signal),
    enabled,
    placeholderData: (previous) => previous,
  });
