package segment

import (
	"github.com/kiseki-dev/kiseki/storage/column"
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
