package segment

import (
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/kiseki-dev/kiseki/telemetry"
)

// Version is the format this package writes. It reads all from minVersion on.
//
//	1  the first
//	2  texts as templates, see encText; contexts, see contextMode; packed
//	   dictionaries; codecShort
//	3  the trace index by groups, see indexGroup; traced columns, see
//	   contextMode; codes packed into bits. What else is added to 2 belongs to
//	   it too, if it does not have to be there
const (
	Version    = 3
	minVersion = 1
)

// Sizes of the frame of a file, in bytes.
const (
	headerSize  = 16
	trailerSize = 24
)

// magic begins and ends every segment file.
const magic = "kisekisg"

// Bounds of what a file may claim, far above what the writer makes of sane
// input: they keep a hostile file from asking for endless memory.
const (
	maxChunk     = 1 << 30 // bytes of one chunk, unpacked
	maxBlockRows = 1 << 24 // spans of one block
	maxDictCodes = 1 << 26
)

// What the writer chooses; a reader takes the numbers from the file.
const (
	// BlockSpans is how many spans a block takes before it is closed.
	BlockSpans = 1 << 16
	// PageRows is how many spans share one page of a column. Smaller makes a
	// trace by ID cheaper to read, larger compresses better: see the package
	// documentation for what was measured.
	PageRows = 2048
	// blockBytes closes a block early where its strings are long, so that a
	// writer's memory is bounded.
	blockBytes = 32 << 20
	// indexEntries is how many traces share one chunk of the trace index.
	indexEntries = 1024
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// space is what a column has values for.
type space uint8

const (
	spaceSpan space = iota
	spaceEvent
	spaceLink
	spaces
)

// kind is what a column means. The numbers are part of the format.
type kind uint8

const (
	kindSpanID        kind = iota + 1 // fixed, 8 bytes
	kindParent                        // codes: 0 none, 1 in kindParentRaw, else rows back + 1
	kindParentRaw                     // fixed, 8 bytes: ids of parents that are not in the trace
	kindStart                         // ints: Unix nanoseconds
	kindDuration                      // ints: nanoseconds, see kindEnd
	kindEnd                           // codes: how the end follows from start and duration
	kindKind                          // codes
	kindStatus                        // codes
	kindName                          // strings
	kindTraceState                    // strings
	kindMessage                       // strings: the status message
	kindFlags                         // ints
	kindDroppedAttrs                  // ints
	kindDroppedEvents                 // ints
	kindDroppedLinks                  // ints
	kindResource                      // codes into the block's resources
	kindScope                         // codes into the block's scopes
	kindShape                         // codes into the block's shapes
	kindEvents                        // codes: how many events the span has
	kindLinks                         // codes: how many links
	kindForm                          // codes: what derived columns follow from, see former
	kindEventTime                     // ints: zigzag nanoseconds after the span's start
	kindEventName                     // strings
	kindEventDropped                  // ints
	kindEventShape                    // codes
	kindLinkTraceID                   // fixed, 16 bytes
	kindLinkSpanID                    // fixed, 8 bytes
	kindLinkState                     // strings
	kindLinkFlags                     // ints
	kindLinkDropped                   // ints
	kindLinkShape                     // codes
	kindCount
)

// kindAttr + space is an attribute of spans, events or links; such a column
// has a key and a type too.
const kindAttr kind = 64

// The values of kindEnd's codes.
const (
	endAfter  = iota // end = start + duration
	endZero          // end is 0, the span has none
	endBefore        // end = start - duration: the clock went back
)

var kindNames = [kindCount]string{
	kindSpanID: "span id", kindParent: "parent", kindParentRaw: "parent id", kindStart: "start",
	kindDuration: "duration", kindEnd: "end", kindKind: "kind", kindStatus: "status", kindName: "name",
	kindTraceState: "trace state", kindMessage: "status message", kindFlags: "flags",
	kindDroppedAttrs: "dropped attributes", kindDroppedEvents: "dropped events", kindDroppedLinks: "dropped links",
	kindResource: "resource", kindScope: "scope", kindShape: "shape", kindEvents: "events", kindLinks: "links", kindForm: "form",
	kindEventTime: "event time", kindEventName: "event name", kindEventDropped: "event dropped",
	kindEventShape: "event shape", kindLinkTraceID: "link trace id", kindLinkSpanID: "link span id",
	kindLinkState: "link trace state", kindLinkFlags: "link flags", kindLinkDropped: "link dropped",
	kindLinkShape: "link shape",
}

var spaceNames = [spaces]string{"span", "event", "link"}

// class is how a column's values are held.
type class uint8

const (
	classFixed class = iota + 1
	classCodes
	classInts
	classStrings
	classNone // nothing but presence: attributes of type empty
)

func classOf(k kind, t telemetry.ValueType) class {
	switch k {
	case kindSpanID, kindParentRaw, kindLinkTraceID, kindLinkSpanID:
		return classFixed
	case kindParent, kindEnd, kindKind, kindStatus, kindResource, kindScope, kindShape, kindEvents, kindLinks, kindForm,
		kindEventShape, kindLinkShape:
		return classCodes
	case kindName, kindTraceState, kindMessage, kindEventName, kindLinkState:
		return classStrings
	}
	if k < kindAttr {
		return classInts
	}
	switch t {
	case telemetry.ValueEmpty:
		return classNone
	case telemetry.ValueBool, telemetry.ValueInt, telemetry.ValueDouble:
		return classInts
	}
	return classStrings
}

// spaceOf is the space of k's values.
func spaceOf(k kind) space {
	switch {
	case k >= kindAttr:
		return space(k - kindAttr)
	case k >= kindLinkTraceID:
		return spaceLink
	case k >= kindEventTime:
		return spaceEvent
	}
	return spaceSpan
}

func width(k kind) int {
	if k == kindLinkTraceID {
		return 16
	}
	return 8
}

// encoding is how a column is laid out in a block.
type encoding uint8

const (
	encPlain encoding = iota // pages hold the values in the class's own form
	encDict                  // pages hold codes into the block's dictionary
	encConst                 // no pages: all values are the least one, see columnInfo.min
	encText                  // strings: the dictionary holds templates, see column.Texts
	encodings
)

// CorruptError says that a segment file is damaged, and where.
type CorruptError struct {
	Path    string
	Offset  int64  // of the damaged chunk
	Section string // what was read
	Err     error
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("segment %s is damaged at byte %d (%s): %v", e.Path, e.Offset, e.Section, e.Err)
}

// Unwrap is the cause.
func (e *CorruptError) Unwrap() error { return e.Err }

// Causes of a [CorruptError] beside column.ErrCorrupt.
var (
	errMagic    = errors.New("not a segment file")
	errVersion  = errors.New("unknown format version")
	errChecksum = errors.New("checksum does not match")
	errSize     = errors.New("impossible size")
)
