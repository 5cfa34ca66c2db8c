package datadog

import (
	"encoding/binary"
	"fmt"
	"math"
	"unsafe"

	"github.com/kiseki-dev/kiseki/ingest"
)

// reader walks MessagePack, https://github.com/msgpack/msgpack/blob/master/spec.md.
// Its first error stays and makes every later read return nothing; strings
// alias the body. A walker of our own, for the libraries build what is not
// needed here: a value of each thing they meet, and no bounds.
type reader struct {
	body  []byte
	at    int
	depth int // of values that are skipped, at most
	left  int // elements of arrays and maps that there may still be
	err   error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("at byte %d: "+format, append([]any{r.at}, args...)...)
	}
}

// take is the next n bytes; nil when they are not there.
func (r *reader) take(n uint64) []byte {
	if r.err != nil {
		return nil
	}
	if n > uint64(len(r.body)-r.at) {
		r.fail("the body ends early")
		return nil
	}
	b := r.body[r.at : r.at+int(n)]
	r.at += int(n)
	return b
}

// big is the next n bytes as a big-endian number.
func (r *reader) big(n uint64) uint64 {
	var full [8]byte
	copy(full[8-n:], r.take(n))
	return binary.BigEndian.Uint64(full[:])
}

// head is the byte that a value begins with.
func (r *reader) head() byte {
	b := r.take(1)
	if b == nil {
		return 0xc1 // which is no value
	}
	return b[0]
}

// isNil takes a nil, and reports whether there was one: fields that a tracer
// has nothing for may be nil.
func (r *reader) isNil() bool {
	if r.err == nil && r.at < len(r.body) && r.body[r.at] == 0xc0 {
		r.at++
		return true
	}
	return false
}

// array is the length of the array whose elements come next, each of which is a
// byte at least.
func (r *reader) array() int {
	if r.isNil() {
		return 0
	}
	switch h := r.head(); {
	case h&0xf0 == 0x90:
		return r.count(uint64(h&0x0f), 1)
	case h == 0xdc:
		return r.count(r.big(2), 1)
	case h == 0xdd:
		return r.count(r.big(4), 1)
	default:
		r.fail("an array begins with 0x%02x", h)
	}
	return 0
}

// dict is the number of entries of the map that come next.
func (r *reader) dict() int {
	if r.isNil() {
		return 0
	}
	switch h := r.head(); {
	case h&0xf0 == 0x80:
		return r.count(uint64(h&0x0f), 2)
	case h == 0xde:
		return r.count(r.big(2), 2)
	case h == 0xdf:
		return r.count(r.big(4), 2)
	default:
		r.fail("a map begins with 0x%02x", h)
	}
	return 0
}

func (r *reader) count(n, bytes uint64) int {
	if r.err == nil && n*bytes > uint64(len(r.body)-r.at) {
		r.fail("%d elements in %d bytes", n, len(r.body)-r.at)
	}
	if r.err == nil && n > uint64(r.left) {
		r.err = fmt.Errorf("%w: elements of arrays and maps", ingest.ErrTooMany)
	}
	if r.err != nil {
		return 0
	}
	r.left -= int(n)
	return int(n)
}

// text is the string, or the bytes, that come next; "" for nil.
func (r *reader) text() string {
	if r.isNil() {
		return ""
	}
	var n uint64
	switch h := r.head(); {
	case h&0xe0 == 0xa0:
		n = uint64(h & 0x1f)
	case h == 0xd9 || h == 0xc4:
		n = r.big(1)
	case h == 0xda || h == 0xc5:
		n = r.big(2)
	case h == 0xdb || h == 0xc6:
		n = r.big(4)
	default:
		r.fail("a string begins with 0x%02x", h)
	}
	b := r.take(n)
	return unsafe.String(unsafe.SliceData(b), len(b))
}

// number is a number of any type. Whole ones are in i, whose bits are those of
// the unsigned ones; others only in f.
func (r *reader) number() (i int64, f float64, whole bool) {
	if r.isNil() {
		return 0, 0, true
	}
	at := r.at
	h := r.head()
	switch {
	case h <= 0x7f:
		i = int64(h)
	case h >= 0xe0:
		i = int64(int8(h))
	case h == 0xc2 || h == 0xc3: // bool
		i = int64(h & 1)
	case h == 0xca:
		return r.floating(float64(math.Float32frombits(uint32(r.big(4)))))
	case h == 0xcb:
		return r.floating(math.Float64frombits(r.big(8)))
	case h >= 0xcc && h <= 0xcf:
		i = int64(r.big(1 << (h - 0xcc)))
	case h == 0xd0:
		i = int64(int8(r.big(1)))
	case h == 0xd1:
		i = int64(int16(r.big(2)))
	case h == 0xd2:
		i = int64(int32(r.big(4)))
	case h == 0xd3:
		i = int64(r.big(8))
	default:
		r.at = at
		r.fail("a number begins with 0x%02x", h)
	}
	return i, float64(i), true
}

// floating tells whole numbers, which some tracers send as these, from others.
func (r *reader) floating(f float64) (int64, float64, bool) {
	const exact = 1 << 53
	if f == math.Trunc(f) && math.Abs(f) <= exact {
		return int64(f), f, true
	}
	return 0, f, false
}

// integer is a whole number, or 0.
func (r *reader) integer() int64 {
	i, _, _ := r.number()
	return i
}

// skip passes over any value.
func (r *reader) skip() { r.skipBelow(0) }

func (r *reader) skipBelow(depth int) {
	if r.err != nil || r.at >= len(r.body) {
		r.take(1)
		return
	}
	if depth > r.depth {
		r.err = fmt.Errorf("%w: values nested deeper than %d", ingest.ErrTooMany, r.depth)
		return
	}
	switch h := r.body[r.at]; {
	case h == 0xc0:
		r.at++
	case h <= 0x7f || h >= 0xe0 || h == 0xc2 || h == 0xc3 || h >= 0xca && h <= 0xd3:
		r.number()
	case h&0xe0 == 0xa0 || h >= 0xd9 && h <= 0xdb || h >= 0xc4 && h <= 0xc6:
		r.text()
	case h&0xf0 == 0x90 || h == 0xdc || h == 0xdd:
		for range r.array() {
			r.skipBelow(depth + 1)
		}
	case h&0xf0 == 0x80 || h == 0xde || h == 0xdf:
		for range r.dict() {
			r.skipBelow(depth + 1)
			r.skipBelow(depth + 1)
		}
	case h >= 0xc7 && h <= 0xc9: // an extension: length, type, data
		r.at++
		r.take(r.big(1<<(h-0xc7)) + 1)
	case h >= 0xd4 && h <= 0xd8: // one of a fixed length
		r.at++
		r.take(1<<(h-0xd4) + 1)
	default:
		r.fail("a value begins with 0x%02x", h)
	}
}
