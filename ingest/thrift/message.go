package thrift

import "errors"

// The kinds of message that ask for something.
const (
	call   = 1
	oneway = 4
)

var errNoCall = errors.New("the message is no call")

// Call reads the head of a message that calls a method, whose arguments follow
// as a struct.
func (r *Reader) Call() (method string) {
	var kind byte
	switch {
	case r.compact:
		if r.byte() != 0x82 {
			r.Fail(errors.New("this is not Thrift's compact protocol"))
		}
		head := r.byte()
		if head&0x1f != 1 {
			r.Fail(errors.New("unknown version of the compact protocol"))
		}
		kind = head >> 5
		r.uvarint() // its number
		method = r.Text()
	case r.Rest() > 0 && r.in[r.pos] == 0x80: // version 1
		head := uint32(r.i32())
		if head>>16 != 0x8001 {
			r.Fail(errors.New("unknown version of the binary protocol"))
		}
		kind = byte(head)
		method = r.Text()
		r.i32()
	default: // of before there were versions
		method = r.Text()
		kind = r.byte()
		r.i32()
	}
	if r.err == nil && kind != call && kind != oneway {
		r.Fail(errNoCall)
	}
	if r.err != nil {
		return ""
	}
	return method
}
