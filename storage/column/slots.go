package column

import "strconv"

// The slots of a template: what stands in its text for a part that varies.
// All bytes below slotEnd are slots; a line that has such a byte of its own is
// no template. An argument, where there is one, is a byte behind the slot.
const (
	slotDecimal = iota + 1 // a number without leading zeros
	slotPadded             // a number with leading zeros; argument: digits
	slotUUID               // lower case; argument: the digit of the version
	slotHex                // lower case; argument: digits, at most maxHex
	slotUpper              // the same in upper case
	slotLiteral            // text; only in lists of lines, never within one
	slotEnd
)

const (
	maxDigits = 19 // of a decimal, so that it fits 64 bits
	minHex    = 8  // digits; fewer are more often part of a word
	maxHex    = 64
	uuidSize  = 36
)

// What a byte may be part of.
const (
	isDigit = 1 << iota
	isLower // a to f
	isUpper // A to F
	isOther // other letters and digits
	isSlot
	isLine
)

var byteClass = func() (c [256]byte) {
	for b := range c {
		switch {
		case b < slotEnd:
			c[b] = isSlot
		case b == '\n':
			c[b] = isLine
		case b >= '0' && b <= '9':
			c[b] = isDigit
		case b >= 'a' && b <= 'f':
			c[b] = isLower
		case b >= 'A' && b <= 'F':
			c[b] = isUpper
		case b >= 'g' && b <= 'z' || b >= 'G' && b <= 'Z':
			c[b] = isOther
		}
	}
	return c
}()

// cutLine cuts the first line of s, its end included, into a template, which
// it appends to text, and the fields of its slots. size is the length of the
// line; ok is false if it is no template.
func cutLine(s string, text []byte, fields []uint64) (size int, ok bool, _ []byte, _ []uint64) {
	ok = true
	done := 0 // up to where s is in text
	for i := 0; i < len(s); {
		class := byteClass[s[i]]
		switch class {
		case 0:
			i++
			continue
		case isSlot:
			ok = false
			i++
			continue
		case isLine:
			return i + 1, ok, append(text, s[done:i+1]...), fields
		}
		word, all := i, byte(0)
		for i < len(s) {
			if class = byteClass[s[i]]; class == 0 || class >= isSlot {
				break
			}
			all |= class
			i++
		}
		if all&isDigit == 0 && (i-word != 8 || all != isLower) {
			continue
		}
		if i-word == 8 && all <= isDigit|isLower && isUUID(s[word:]) {
			text = append(append(text, s[done:word]...), slotUUID, s[word+14])
			fields = appendUUID(fields, s[word:])
			i = word + uuidSize
			done = i
			continue
		}
		if all&isDigit == 0 {
			continue
		}
		text = append(text, s[done:word]...)
		text, fields = cutWord(s[word:i], all, text, fields)
		done = i
	}
	return len(s), ok, append(text, s[done:]...), fields
}

// cutWord cuts letters and digits, at least one of them a digit; all are the
// classes that occur.
func cutWord(s string, all byte, text []byte, fields []uint64) ([]byte, []uint64) {
	if len(s) >= minHex && len(s) <= maxHex && (all == isDigit|isLower || all == isDigit|isUpper || all == isDigit && len(s) > maxDigits) {
		slot := byte(slotHex)
		if all&isUpper != 0 {
			slot = slotUpper
		}
		text = append(text, slot, byte(len(s)))
		for ; len(s) > 16; s = s[16:] {
			fields = append(fields, hexField(s[:16]))
		}
		return text, append(fields, hexField(s))
	}
	for i := 0; i < len(s); {
		if byteClass[s[i]] != isDigit {
			text = append(text, s[i])
			i++
			continue
		}
		first, v := i, uint64(0)
		for i < len(s) && i-first < maxDigits && byteClass[s[i]] == isDigit {
			v = v*10 + uint64(s[i]-'0')
			i++
		}
		if s[first] == '0' && i-first > 1 {
			text = append(text, slotPadded, byte(i-first))
		} else {
			text = append(text, slotDecimal)
		}
		fields = append(fields, v)
	}
	return text, fields
}

// isUUID reports whether s begins with an UUID of the variant of RFC 9562 in
// lower case.
func isUUID(s string) bool {
	if len(s) < uuidSize || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' || s[19]&^3 != '8' && s[19] != 'a' && s[19] != 'b' {
		return false
	}
	if len(s) > uuidSize && byteClass[s[uuidSize]]&(isSlot-1) != 0 {
		return false
	}
	all := byte(0)
	for _, part := range [...]string{s[:8], s[9:13], s[14:18], s[19:23], s[24:36]} {
		for i := range len(part) {
			class := byteClass[part[i]]
			if class == 0 {
				return false
			}
			all |= class
		}
	}
	return all&^(isDigit|isLower) == 0
}

// appendUUID makes two fields of an UUID: the 15 digits before the variant
// but for the version, and the rest below the two bits of the variant.
func appendUUID(fields []uint64, s string) []uint64 {
	high := hexField(s[:8])<<28 | hexField(s[9:13])<<12 | hexField(s[15:18])
	low := hexField(s[19:23])<<48 | hexField(s[24:36])
	return append(fields, high, low&(1<<62-1))
}

// hexField is the number that up to 16 hexadecimal digits make.
func hexField(s string) (v uint64) {
	for i := range len(s) {
		c := s[i]
		if byteClass[c] == isDigit {
			v = v<<4 | uint64(c-'0')
		} else {
			v = v<<4 | uint64(c&^0x20-'A'+10)
		}
	}
	return v
}

// slotFields is how many fields a slot has.
func slotFields(slot, arg byte) int {
	switch slot {
	case slotUUID:
		return 2
	case slotHex, slotUpper:
		return (int(arg) + 15) / 16
	}
	return 1
}

// hasArg reports whether a slot has an argument.
func hasArg(slot byte) bool { return slot > slotDecimal && slot < slotLiteral }

// validSlot reports whether the argument is one that cutLine writes.
func validSlot(slot, arg byte) bool {
	switch slot {
	case slotPadded:
		return arg > 1 && arg <= maxDigits
	case slotUUID:
		return byteClass[arg]&(isDigit|isLower) != 0
	case slotHex, slotUpper:
		return arg >= minHex && arg <= maxHex
	}
	return true
}

const (
	lowerDigits = "0123456789abcdef"
	upperDigits = "0123456789ABCDEF"
)

// appendSlot writes what a slot stands for.
func appendSlot(dst []byte, slot, arg byte, fields []uint64) []byte {
	switch slot {
	case slotDecimal:
		return strconv.AppendUint(dst, fields[0], 10)
	case slotPadded:
		start := len(dst)
		for range arg {
			dst = append(dst, '0')
		}
		for i, v := len(dst)-1, fields[0]; i >= start && v > 0; i, v = i-1, v/10 {
			dst[i] = byte('0' + v%10)
		}
		return dst
	case slotUUID:
		high, low := fields[0], fields[1]&(1<<62-1)|1<<63
		dst = append(appendHex(dst, lowerDigits, high>>28, 8), '-')
		dst = append(appendHex(dst, lowerDigits, high>>12, 4), '-', arg)
		dst = append(appendHex(dst, lowerDigits, high, 3), '-')
		dst = append(appendHex(dst, lowerDigits, low>>48, 4), '-')
		return appendHex(dst, lowerDigits, low, 12)
	}
	digits := lowerDigits
	if slot == slotUpper {
		digits = upperDigits
	}
	for n := int(arg); n > 0; n -= 16 {
		dst = appendHex(dst, digits, fields[0], min(n, 16))
		fields = fields[1:]
	}
	return dst
}

// appendHex writes the low n digits of v.
func appendHex(dst []byte, digits string, v uint64, n int) []byte {
	var text [16]byte
	for i := n - 1; i >= 0; i-- {
		text[i] = digits[v&15]
		v >>= 4
	}
	return append(dst, text[:n]...)
}

// slotSize is the most bytes a slot's text takes whose first field is at most
// most.
func slotSize(slot, arg byte, most uint64) int {
	switch slot {
	case slotDecimal:
		digits := 1
		for ; most >= 10; most /= 10 {
			digits++
		}
		return digits
	case slotUUID:
		return uuidSize
	}
	return int(arg)
}
