package thrift

import (
	"strings"
	"testing"
)

// person is {1: name, 2: age i32, 3: tall bool, 9: list<i64>, 20: double}.
type person struct {
	name    string
	age     int32
	tall    bool
	numbers []int64
	weight  float64
}

func read(r *Reader) (p person) {
	for f := r.Struct(); r.Next(&f); {
		switch {
		case f.Is(1, String):
			p.name = r.Text()
		case f.Is(2, I32):
			p.age = r.I32()
		case f.Is(3, Bool):
			p.tall = r.Bool()
		case f.Is(9, List):
			for n := r.List(I64); n > 0; n-- {
				p.numbers = append(p.numbers, r.I64())
			}
		case f.Is(20, Double):
			p.weight = r.Double()
		default:
			r.Skip(f)
		}
	}
	return p
}

// The same struct as Apache's library writes it in both protocols.
const (
	inBinary = "\x0b\x00\x01\x00\x00\x00\x03Ada" + "\x08\x00\x02\x00\x00\x00\x24" + "\x02\x00\x03\x01" +
		"\x0d\x00\x05\x0b\x08\x00\x00\x00\x01\x00\x00\x00\x01k\x00\x00\x00\x01" + // a map that nobody knows
		"\x0f\x00\x09\x0a\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x01\xff\xff\xff\xff\xff\xff\xff\xff" +
		"\x04\x00\x14\x3f\xf8\x00\x00\x00\x00\x00\x00" + "\x00"
	inCompact = "\x18\x03Ada" + "\x15\x48" + "\x11" + "\x2b\x01\x85\x01k\x02" + "\x49\x26\x02\x01" + "\xb7\x00\x00\x00\x00\x00\x00\xf8\x3f" + "\x00"
)

func TestStruct(t *testing.T) {
	for name, r := range map[string]*Reader{"binary": NewBinary([]byte(inBinary)), "compact": NewCompact([]byte(inCompact))} {
		p := read(r)
		if r.Err() != nil || r.Rest() != 0 || p.name != "Ada" || p.age != 36 || !p.tall || p.weight != 1.5 || len(p.numbers) != 2 || p.numbers[0] != 1 || p.numbers[1] != -1 {
			t.Errorf("%s: %+v, %v, %d bytes are left", name, p, r.Err(), r.Rest())
		}
	}
}

// Whatever a body says of itself, no more is made of it than it has bytes.
func TestHostile(t *testing.T) {
	for name, body := range map[string]string{
		"a string of 2 GB":     "\x0b\x00\x01\x7f\xff\xff\xff",
		"a string of -1 bytes": "\x0b\x00\x01\xff\xff\xff\xff",
		"a list of 4 G":        "\x0f\x00\x09\x0a\xff\xff\xff\xff",
		"a list of lists":      "\x0f\x00\x08" + strings.Repeat("\x0f\x00\x00\x00\x01", 100),
		"structs in structs":   strings.Repeat("\x0c\x00\x07", 100),
		"an unknown type":      "\x63\x00\x01",
		"nothing":              "",
	} {
		r := NewBinary([]byte(body))
		if p := read(r); r.Err() == nil || len(p.numbers) > 0 {
			t.Errorf("%s: %+v", name, p)
		}
	}
	for name, body := range map[string]string{
		"a string of 2^63 bytes": "\x18\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
		"an endless number":      "\x15" + strings.Repeat("\xff", 20),
		"a list of 2^40":         "\x99\xf6\x80\x80\x80\x80\x80\x20",
		"structs in structs":     strings.Repeat("\x7c", 100),
		"a map of 2^40":          "\x5b\x80\x80\x80\x80\x80\x20",
	} {
		r := NewCompact([]byte(body))
		if p := read(r); r.Err() == nil || len(p.numbers) > 0 {
			t.Errorf("compact, %s: %+v", name, p)
		}
	}
}

func TestCall(t *testing.T) {
	for body, want := range map[string]string{
		"\x80\x01\x00\x04\x00\x00\x00\x09emitBatch\x00\x00\x00\x01": "emitBatch",
		"\x00\x00\x00\x09emitBatch\x04\x00\x00\x00\x01":             "emitBatch",
		"\x80\x01\x00\x02\x00\x00\x00\x09emitBatch\x00\x00\x00\x01": "", // an answer
		"\x80\x02\x00\x01\x00\x00\x00\x09emitBatch\x00\x00\x00\x01": "",
	} {
		r := NewBinary([]byte(body))
		if got := r.Call(); got != want || (r.Err() == nil) != (want != "") {
			t.Errorf("%q: %q, %v", body, got, r.Err())
		}
	}
	for body, want := range map[string]string{"\x82\x81\x01\x09emitBatch": "emitBatch", "\x82\x22\x01\x00": "", "\x81": ""} {
		r := NewCompact([]byte(body))
		if got := r.Call(); got != want || (r.Err() == nil) != (want != "") {
			t.Errorf("%q: %q, %v", body, got, r.Err())
		}
	}
}

// FuzzReader reads anything without a panic, and to the end.
func FuzzReader(f *testing.F) {
	f.Add([]byte(inBinary), false)
	f.Add([]byte(inCompact), true)
	f.Fuzz(func(t *testing.T, body []byte, compact bool) {
		r := NewBinary(body)
		if compact {
			r = NewCompact(body)
		}
		if p := read(r); len(p.numbers) > len(body) || r.Rest() < 0 {
			t.Errorf("%d numbers of %d bytes", len(p.numbers), len(body))
		}
	})
}
