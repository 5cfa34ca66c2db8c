package telemetry

import (
	"encoding/hex"
	"errors"
)

// TraceID identifies a trace: 16 bytes, big-endian as W3C Trace Context
// writes it. The zero TraceID is invalid.
type TraceID [16]byte

// SpanID identifies a span within its trace: 8 bytes. The zero SpanID is
// invalid as an id and means "none" as a parent.
type SpanID [8]byte

// ErrID is returned for text that is not the hexadecimal form of an id.
var ErrID = errors.New("not a hexadecimal id")

// IsZero reports whether id is all zero.
func (id TraceID) IsZero() bool { return id == TraceID{} }

// String is the 32-digit lower-case hexadecimal form.
func (id TraceID) String() string { return hex.EncodeToString(id[:]) }

// IsZero reports whether id is all zero.
func (id SpanID) IsZero() bool { return id == SpanID{} }

// String is the 16-digit lower-case hexadecimal form.
func (id SpanID) String() string { return hex.EncodeToString(id[:]) }

// ParseTraceID reads 32 hexadecimal digits of either case; 16 digits, the
// 64-bit ids of older systems, are padded with zeros on the left. It reads the
// form that AWS X-Ray writes ids in too: 1-4efaaf4d-1e8720b39541901950019ee5.
func ParseTraceID(s string) (id TraceID, err error) {
	if len(s) == len("1-xxxxxxxx-")+24 && s[:2] == "1-" && s[10] == '-' {
		s = s[2:10] + s[11:]
	}
	switch len(s) {
	case 32:
		_, err = hex.Decode(id[:], []byte(s))
	case 16:
		_, err = hex.Decode(id[8:], []byte(s))
	default:
		err = ErrID
	}
	if err != nil {
		return TraceID{}, ErrID
	}
	return id, nil
}

// ParseSpanID reads 16 hexadecimal digits of either case.
func ParseSpanID(s string) (id SpanID, err error) {
	if len(s) != 16 {
		return SpanID{}, ErrID
	}
	if _, err = hex.Decode(id[:], []byte(s)); err != nil {
		return SpanID{}, ErrID
	}
	return id, nil
}
