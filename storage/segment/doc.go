// Package segment is the immutable columnar file that spans rest in:
// [Create] writes one, [Open] reads one as a [scan.Source].
//
// # Goals
//
//   - A span of ordinary telemetry takes at most 60 bytes (450 to 480 as
//     OTLP), 8 of them the span ID, which is random.
//   - Writing costs at most 3 µs of processor time a span; reading a trace by
//     its ID at most 1 ms from the operating system's page cache; a predicate
//     on a column with a dictionary passes 100 million rows a second and core.
//   - All that a span says comes back exactly: odd times, repeated keys, the
//     order of attributes.
//   - Whatever the bytes, a reader answers with spans or with a
//     [*CorruptError], and never panics.
//   - An open file costs its footer in memory, about 150 bytes a block and 24
//     for each 1024 traces.
//
// # Layout
//
//	+-----------------------------------+ 0
//	| "kisekisg"                 8      |
//	| version u32 = 3            4      | header, 16 bytes
//	| CRC-32C of the above       4      |
//	+-----------------------------------+ 16
//	| block 0: for each column its      |
//	|   dictionary, bloom filter, pages |
//	|   resources, scopes, shapes       |
//	|   trace table                     |
//	|   directory                       |
//	| block 1 …                         |
//	+-----------------------------------+
//	| trace index, 1024 traces a chunk  |
//	| operations                        |
//	| keys                              |
//	| footer                            |
//	+-----------------------------------+ size - 24
//	| offset of the footer u64   8      |
//	| size of the footer u32     4      | trailer, 24 bytes
//	| CRC-32C of the above       4      |
//	| "kisekisg"                 8      |
//	+-----------------------------------+ size
//
// Fixed-width numbers are little-endian, others uvarints. Everything between
// header and trailer is chunks without gaps, in the order in which footer and
// directories list their sizes, so no offset is stored. A chunk is
//
//	codec u8; codec 0: the bytes;
//	codec 2: unpacked size of the head, size of the tail, the head as the
//	blocks of a zstd frame (RFC 8878), the tail as it is;
//	codec 1, of version 1: unpacked and packed size of the head, the frame,
//	the tail;
//	CRC-32C u32 of all the above
//
// where the encoder says which tail is as good as random: low bits of times,
// ids. What a chunk holds is told by package column and by the comments at
// directory, footer, tables and index.
//
// # Blocks and pages
//
// A block has up to [BlockSpans] spans and never splits a trace: a larger
// trace has a block of its own. Spans are sorted by trace, traces by (earliest
// start, id), a trace's spans parent first, siblings by start, which makes
// parents short distances and times small differences.
//
// Each column is cut into pages of [PageRows] spans, so that a trace is read
// by unpacking its pages alone. Events, links and their attributes are cut at
// the same spans. Measured on the corpus of a web shop, bytes a span: pages of
// 1024 rows 31.1, 2048 rows 28.7, 4096 rows 27.1; a trace by ID takes longer
// the larger the page.
//
// A column holds values for the elements that have one and nothing for the
// others. Which have one is told by an element's shape, the code of its
// ordered list of attribute columns; shapes are few. So presence, order and
// repeated keys cost one code, and a value's place in its page is the number
// of values that the shapes before it take.
//
// Much of a span follows from its name, kind, status, scope, flags, shape and
// number of events: a form numbers the combinations that occur, and a column
// whose value is the same for all spans of each form is derived. It has no
// pages, the directory lists its codes by form. In the corpus about thirty
// columns are, and a trace is read from half as many pages as without.
//
// A column that follows from the form in part is stored in its context: as
// places in the list of the codes of each form, or not at all where the code is
// the parent's, or the trace's, or follows from another column too. Starts and durations are
// split into their lengths in bits, which are ranked, and the bits.
//
// A column whose values are all the same has no pages. Floats that are decimal
// fractions of few digits are stored as whole numbers. A string column with
// few values has a dictionary for the block, which is part of the directory
// while it is small; one with many has none, but a bloom filter unless its
// values are texts longer than 128 bytes. Where its values are alike but for
// numbers and ids in them, as statements, URLs, UUIDs and stack traces are, its
// dictionary holds templates and its pages the rest, see [column.Texts].
//
// Rejected: one dictionary a segment (a small read would pay for all of it),
// presence bitmaps (one more page a column), and blocks of one trace-ID range
// (traces that are close in time are asked for together, and resemble each
// other).
package segment
