package column

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// pack stores values as the writer of a segment does, in one page. ok is
// false if templates do not help.
func pack(values []string) (templates, page []byte, ok bool) {
	var e Encoder
	var t Texts
	t.Reset()
	numbers := make([]uint32, len(values))
	for i, s := range values {
		numbers[i] = uint32(i)
		if !t.Add(s) {
			return nil, nil, false
		}
	}
	if !t.Settle() {
		return nil, nil, false
	}
	page, _ = t.AppendPage(nil, &e, numbers)
	return t.AppendTemplates(nil, &e), page, true
}

func unpack(templates, page []byte, limit int) ([]string, error) {
	t, err := DecodeTemplates(templates, 1<<16)
	if err != nil {
		return nil, err
	}
	s, err := DecodeTexts(page, t, limit)
	if err != nil {
		return nil, err
	}
	p, err := DecodePacked(page, t, limit)
	if err != nil || p.Len() != s.Len() {
		return nil, fmt.Errorf("one by one: %d of %d values, %w", p.Len(), s.Len(), err)
	}
	values := make([]string, s.Len())
	for i := range values {
		if values[i] = s.At(i); p.At(i) != values[i] {
			return nil, fmt.Errorf("value %d is %q among all and %q by itself", i, values[i], p.At(i))
		}
	}
	return values, nil
}

// column makes values in the manner of a column of telemetry.
func textColumn(kind string, n int) (values []string) {
	r := rand.New(rand.NewPCG(7, 8))
	for i := range n {
		var s string
		switch kind {
		case "statement":
			s = fmt.Sprintf("SELECT a1 FROM t WHERE id = %d AND user = 'usr_%06d'", r.IntN(100_000), r.IntN(100_000))
		case "uuid":
			s = fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", r.Uint32(), r.IntN(1<<16), r.IntN(1<<12), 0x8000+r.IntN(0x4000), r.Uint64N(1<<48))
		case "trace id":
			s = fmt.Sprintf("%016x%016x", r.Uint64(), r.Uint64())
		case "upper":
			s = fmt.Sprintf("id %016X.", r.Uint64())
		case "url":
			s = fmt.Sprintf("https://host-%d.example:8443/v2/%d/%s", r.IntN(3), r.IntN(1<<40), strings.Repeat("x", r.IntN(2)))
		case "stack":
			s = fmt.Sprintf("Error: no item %d\n", r.IntN(1e6))
			for line := range 3 + i%5 {
				s += fmt.Sprintf("\tat shop.Store.get%d(Store.java:%d)\n", line, line*31+i%5)
			}
		case "stack with free text":
			s = fmt.Sprintf("Error: %x %s\n\tat main.go:%d\n", r.Uint64(), strings.Repeat("word ", i%7), r.IntN(50))
		case "odd":
			s = []string{"", "0", "00", "007", "\n", "\x01", "a\x00b 12", "18446744073709551616", "99999999999999999999999999",
				"deadbeef", "deadbeef1", "DEADBEEF12", "dEadbeef12", "0x1f", "é12é", "a\nb\n3\n",
				"01234567-89ab-4def-8123-456789abcdef0", "01234567-89ab-4def-c123-456789abcdef", "01234567-89AB-4def-8123-456789abcdef"}[i%19]
		}
		values = append(values, s)
	}
	return values
}

// TestTexts packs columns and says how many bytes a value may take before a
// general compressor sees it.
func TestTexts(t *testing.T) {
	for kind, most := range map[string]float64{
		"statement": 6, "uuid": 15.6, "trace id": 16.4, "upper": 8.5, "url": 6.5, "stack": 5.5, "stack with free text": 64, "odd": 64,
	} {
		values := textColumn(kind, 1000)
		templates, page, ok := pack(values)
		if !ok {
			t.Errorf("%s: templates were not taken", kind)
			continue
		}
		got, err := unpack(templates, page, len(values))
		if err != nil || len(got) != len(values) {
			t.Fatalf("%s: %d values, %v", kind, len(got), err)
		}
		for i := range values {
			if got[i] != values[i] {
				t.Fatalf("%s: value %d is %q, want %q", kind, i, got[i], values[i])
			}
		}
		if size := float64(len(templates)+len(page)) / float64(len(values)); size > most {
			t.Errorf("%s: %.1f bytes a value, want at most %.1f", kind, size, most)
		}
		if _, err := unpack(templates, page, len(values)-1); err == nil {
			t.Errorf("%s: more values than the limit were decoded", kind)
		}
	}
}

func TestTextsWithoutPattern(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var words, lines []string
	for range 2000 {
		word := make([]byte, 20)
		for i := range word {
			word[i] = byte('g' + r.IntN(20))
		}
		words = append(words, string(word))
		lines = append(lines, string(word)+"\n"+string(word[:5])+"\n")
	}
	for _, values := range [][]string{words, lines, words[:100]} {
		if _, _, ok := pack(values); ok {
			t.Errorf("templates were found in %q and the like", values[0])
		}
	}
}

// FuzzTexts packs any text that is cut into values.
func FuzzTexts(f *testing.F) {
	for _, kind := range []string{"statement", "uuid", "url", "stack", "odd"} {
		f.Add(strings.Join(textColumn(kind, 40), "|"))
	}
	f.Fuzz(func(t *testing.T, all string) {
		values := strings.Split(all, "|")
		values = append(append(append(values, values...), values...), values...) // so that templates repeat
		templates, page, ok := pack(values)
		if !ok {
			return
		}
		got, err := unpack(templates, page, len(values))
		if err != nil || len(got) != len(values) {
			t.Fatalf("%d of %d values, %v", len(got), len(values), err)
		}
		for i := range values {
			if got[i] != values[i] {
				t.Fatalf("value %d is %q, want %q", i, got[i], values[i])
			}
		}
	})
}

// FuzzTemplates feeds the decoders any bytes.
func FuzzTemplates(f *testing.F) {
	for _, kind := range []string{"statement", "uuid", "stack with free text", "odd"} {
		templates, page, _ := pack(textColumn(kind, 60))
		f.Add(templates, page)
	}
	f.Fuzz(func(t *testing.T, templates, page []byte) {
		values, err := unpack(templates, page, 1<<12)
		if err == nil && len(values) > 1<<12 {
			t.Errorf("%d values", len(values))
		}
	})
}

func TestPacked(t *testing.T) {
	for kind, most := range map[string]float64{"statement": 6, "uuid": 15.6, "odd": 64} {
		values := textColumn(kind, 1000)
		var e Encoder
		enc, head := e.Packed([]byte("before"), values)
		s, err := DecodeStrings(enc[len("before"):], len(values))
		if err != nil || s.Len() != len(values) || head > len(enc) {
			t.Fatalf("%s: %v, head %d of %d", kind, err, head, len(enc))
		}
		for i := range values {
			if s.At(i) != values[i] {
				t.Fatalf("%s: value %d is %q, want %q", kind, i, s.At(i), values[i])
			}
		}
		if size := float64(len(enc)) / float64(len(values)); size > most {
			t.Errorf("%s: %.1f bytes a value, want at most %.1f", kind, size, most)
		}
		if _, err := DecodeStrings(enc[len("before"):], len(values)-1); err == nil {
			t.Errorf("%s: more values than the limit were decoded", kind)
		}
	}
}

// An empty line would let a small file ask for much time.
func TestTemplatesOfEmptyLines(t *testing.T) {
	for line, want := range map[string]error{"a\n": nil, "": ErrCorrupt} {
		lines := new(Encoder).Strings(nil, []string{line, "b\n"})
		src := append(binary.AppendUvarint(nil, uint64(len(lines))), lines...)
		src = append(src, 1, 2, 1, 2) // one template of two elements, which are the lines
		if _, err := DecodeTemplates(src, 1); !errors.Is(err, want) {
			t.Errorf("a line %q: %v, want %v", line, err, want)
		}
	}
}
