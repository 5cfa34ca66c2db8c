// What the list under the query line offers.

import { useDeferredValue, useMemo } from "react";
import { useAttributeKeys, useFieldValues, useWords } from "../../api/queries";
import { formatCount } from "../../base/format";
import { text } from "../../base/strings";
import { matching, type Option } from "../../components/Suggest";
import type { Place } from "../../model/complete";
import { listedField, type Offer, offersAt } from "../../model/offers";
import { useRemembered } from "../../state/remembered";

/** An option and what it writes at the cursor, or the whole query that it stands for. */
export type Choice = Option & { readonly offer?: Offer; readonly query?: string };

/** What may be written at a place of the query. */
export function useCompletions(query: string, place: Place, open: boolean): readonly Choice[] {
  const keys = useAttributeKeys().data;
  const words = useWords().data;
  const field = place.kind === "value" ? listedField(place.field, words ?? []) : "";
  const prefix = useDeferredValue(place.prefix);
  const values = useFieldValues(field, prefix, open && field !== "").data;
  const { kind, from, to } = place;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a place is what the query and these say
  const all = useMemo(() => {
    const lexicon = {
      words: words ?? [],
      keys: keys ?? [],
      values: (field !== "" && values) || [],
      means: (word: string) => text.query.means[word],
    };
    return offersAt(place, lexicon, query.slice(to)).map((offer) => ({
      value: offer.value,
      note: offer.count === undefined ? offer.means : formatCount(offer.count),
      offer,
    }));
  }, [query, kind, from, to, field, keys, words, values]);
  return open ? matching(all, place.prefix) : [];
}

/** Saved and recent queries that contain what is typed. */
export function useEarlier(typed: string, open: boolean): readonly Choice[] {
  const { saved, recent } = useRemembered();
  if (!open) return [];
  const names = new Map(saved.map((s) => [s.query, s.name]));
  const all = [
    ...saved.map(({ name, query }) => ({ value: query, note: text.query.savedAs(name), query })),
    ...recent.filter((q) => !names.has(q)).map((query) => ({ value: query, query })),
  ];
  const needle = typed.trim().toLowerCase();
  const fits = all.filter((o) => o.query !== typed && o.value.toLowerCase().includes(needle));
  return fits.length > 0 ? fits : all;
}
