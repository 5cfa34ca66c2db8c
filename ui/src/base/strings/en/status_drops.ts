/** Reasons for drops: `what` heads a count, `do` is what to do about it. */
export const drops = {
  malformed: {
    what: "Requests refused: malformed",
    do: "A sender is broken, or sends something else to this port.",
  },
  unsupported: {
    what: "Requests refused: wrong path, method or content type",
    do: "Check the sender's endpoint and protocol against the addresses above.",
  },
  too_large: {
    what: "Requests refused: too large",
    do: "Let the sender batch fewer spans, or raise limits.request-bytes and limits.decompressed-bytes.",
  },
  overloaded: {
    what: "Requests told to come again: too many bytes in flight",
    do: "Senders try again by themselves; if it lasts, raise limits.memory or limits.in-flight-bytes.",
  },
  unavailable: {
    what: "Requests told to come again: the store took none",
    do: "Senders try again by themselves. The disk is nearly full, memory waits for a flush, or the server was stopping.",
  },
  failed: { what: "Requests failed, and are not stored", do: "See the server's log." },
  canceled: {
    what: "Requests broken off by their sender",
    do: "Its time-out may be too short, or the server too busy.",
  },
  invalid_span: {
    what: "Spans refused: invalid ids",
    do: "A sender makes trace or span ids of the wrong length, or of zeros.",
  },
  too_many_attributes: {
    what: "Attributes dropped: too many",
    do: "Send fewer with a span, or raise limits.attributes.",
  },
  attribute_key_too_long: {
    what: "Attributes dropped: key too long",
    do: "Keys have 1 KiB at most; values belong in values.",
  },
  too_many_events: { what: "Events dropped: too many of a span", do: "Send fewer, or raise limits.events." },
  too_many_links: { what: "Links dropped: too many of a span", do: "Send fewer, or raise limits.events." },
  invalid_link: { what: "Links dropped: invalid ids", do: "A sender makes links without valid ids." },
  value_too_long: { what: "Values cut: too long", do: "Send shorter ones, or raise limits.value-bytes." },
  name_too_long: { what: "Names or messages cut: too long", do: "They have 4 KiB at most." },
  invalid_utf8: { what: "Texts repaired: not UTF-8", do: "A sender puts bytes where text belongs." },
};
