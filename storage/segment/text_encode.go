package segment

import (
	"math"
	"slices"

	"github.com/kiseki-dev/kiseki/storage/column"
	"github.com/kiseki-dev/kiseki/telemetry"
)

const (
	// dictPacked is the most bytes of a packed dictionary.
	dictPacked = 64 << 10
	// literalShare is the share of its text, 1/literalShare, that may be in no
	// template: how small such text is in pages, compressed, nobody knows.
	literalShare = 8
)

// findTexts reports whether a column without a dictionary should be stored by
// the templates of its texts, which are in b.texts then. A column's values are
// numbered there as they are in entries, those of a raw column as they come.
func (b *blockBuilder) findTexts(c *columnBuilder) bool {
	if !b.textsFit(c) {
		return false
	}
	b.texts.Reset()
	for _, s := range c.entries {
		if !b.texts.Add(s) {
			return false
		}
	}
	if c.raw {
		at := 0
		for _, n := range c.codes {
			if !b.texts.Add(text(c.text[at : at+int(n)])) {
				return false
			}
			at += int(n) + 1
		}
	}
	return b.texts.Settle()
}

// distinct encodes the strings of a dictionary at the end of dst.
func (b *blockBuilder) distinct(dst []byte, entries []string) (body []byte, head int) {
	if b.transient {
		body = b.enc.Strings(dst, entries)
		return body, len(body)
	}
	return b.enc.Packed(dst, entries)
}

// findRepeats gives a raw column its entries back if, in the whole block, they
// repeat: it gave up after the first of them.
func (b *blockBuilder) findRepeats(c *columnBuilder) {
	if !c.raw || b.transient {
		return
	}
	limit := c.count / 3 * 2
	c.known.reset()
	b.codes = b.codes[:0]
	at, bytes := 0, 0
	for _, n := range c.codes {
		s := text(c.text[at : at+int(n)])
		at += int(n) + 1
		code, known := c.known.find(s, c.entries)
		if !known {
			c.entries = append(c.entries, s)
			if bytes += len(s); len(c.entries) > limit {
				clear(c.entries)
				c.entries = c.entries[:0]
				return
			}
		}
		b.codes = append(b.codes, code)
	}
	c.raw, c.bytes = false, bytes
	c.codes = append(c.codes[:0], b.codes...)
}

// packedDict is the dictionary of a column of short strings that repeat, but
// not so often that it has one anyhow, if that is smaller than texts; nil if it
// is not, or if a reader of one row had to unpack too much.
func (b *blockBuilder) packedDict(c *columnBuilder, texts bool) (body []byte, head int) {
	if !texts || c.raw || c.kind < kindAttr || c.typ != telemetry.ValueString || c.bytes > dictBytes || b.texts.Literal() > c.bytes/literalShare ||
		slices.ContainsFunc(c.entries, func(s string) bool { return len(s) > bloomString }) {
		return nil, 0
	}
	body, head = b.enc.AppendPacked(nil, &b.texts)
	n, codes := float64(len(c.entries)), float64(c.count)*math.Log2(float64(len(c.entries)))/8
	if size := float64(len(body)); len(body) > dictPacked || size+codes > 0.85*size/n*float64(c.count) {
		return nil, 0
	}
	return body, head
}

// textsFit reports whether no page has more text than templates may stand for.
func (b *blockBuilder) textsFit(c *columnBuilder) bool {
	for p := range c.pageEnds {
		from, to := c.page(p)
		size := 0
		for _, code := range c.codes[from:to] {
			if c.raw {
				size += int(code)
			} else {
				size += len(c.entries[code])
			}
		}
		if size > column.MaxTexts {
			return false
		}
	}
	return true
}

// templates writes the templates in b.texts.
func (b *blockBuilder) templates(out []byte, info *columnInfo) ([]byte, error) {
	info.enc, info.entries = encText, b.texts.Templates()
	body := b.texts.AppendTemplates(nil, &b.enc)
	return b.dictionary(out, info, body, len(body))
}

// textPages writes the pages of a column whose templates are in b.texts.
func (b *blockBuilder) textPages(out []byte, c *columnBuilder, info *columnInfo) ([]byte, error) {
	return b.pages(out, c, info, func(from, to int) ([]byte, int) {
		numbers := c.codes[from:to]
		if c.raw {
			b.codes = b.codes[:0]
			for i := from; i < to; i++ {
				b.codes = append(b.codes, uint32(i))
			}
			numbers = b.codes
		}
		return b.texts.AppendPage(b.body[:0], &b.enc, numbers)
	})
}
