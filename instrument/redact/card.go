package redact

import "strings"

// shortestCard and longestCard are the digits of a card number.
const shortestCard, longestCard = 13, 19

// removeCards replaces card numbers, also those in groups of digits with one
// space or dash between them. A longer run of digits is none: IDs and
// timestamps are.
func removeCards(s string) string {
	var out strings.Builder
	kept := 0 // what of s is in out
	for i := 0; i < len(s); {
		if s[i] < '0' || s[i] > '9' {
			i++
			continue
		}
		digits, end := digitsAt(s, i)
		if !partOfWord(s, i, end) && isCard(digits) {
			out.WriteString(s[kept:i])
			out.WriteString(Removed)
			kept = end
		}
		i = end
	}
	if kept == 0 {
		return s
	}
	out.WriteString(s[kept:])
	return out.String()
}

// digitsAt returns the digits from i on, without what parts them, and where
// they end. Of a run that is too long only the end matters.
func digitsAt(s string, i int) (digits string, end int) {
	var d [longestCard + 1]byte
	n := 0
	for end = i; i < len(s); i++ {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			if n < len(d) {
				d[n] = c
				n++
			}
			end = i + 1
		case (c == ' ' || c == '-') && i+1 < len(s) && s[i+1] >= '0' && s[i+1] <= '9':
		default:
			return string(d[:n]), end
		}
	}
	return string(d[:n]), end
}

// partOfWord reports whether the digits are a piece of an identifier, a
// hexadecimal number or a decimal fraction.
func partOfWord(s string, start, end int) bool {
	return start > 0 && (wordByte(s[start-1]) || s[start-1] == '.') || end < len(s) && wordByte(s[end])
}

func wordByte(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// isCard reports whether digits have the length and the beginning of an
// issuer of cards, and the check digit of ISO/IEC 7812. One number in ten has
// that digit by chance, one in forty the beginning and length as well: an
// order number of 16 digits can be lost to this.
func isCard(digits string) bool {
	n := len(digits)
	if n < shortestCard || n > longestCard || !issued(digits) {
		return false
	}
	sum := 0
	for i := range n {
		d := int(digits[n-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

// issued looks at the first digits, https://en.wikipedia.org/wiki/Payment_card_number.
func issued(d string) bool {
	two, four := d[:2], d[:4]
	switch n := len(d); {
	case d[0] == '4': // Visa
		return n == 13 || n == 16 || n == 19
	case two >= "51" && two <= "55", four >= "2221" && four <= "2720": // Mastercard
		return n == 16
	case two == "34" || two == "37": // American Express
		return n == 15
	case two == "36" || two == "38" || d[:3] >= "300" && d[:3] <= "305": // Diners Club
		return n == 14
	case four >= "3528" && four <= "3589": // JCB
		return n >= 16
	case four == "6011" || two == "62" || two == "65" || d[:3] >= "644" && d[:3] <= "649": // Discover, UnionPay
		return n >= 16
	}
	return false
}
