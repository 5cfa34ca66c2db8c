package segment

import (
	"github.com/kiseki-dev/kiseki/storage/column"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// Strings longer than bloomString are texts that nobody looks up by their
// exact value; columns that have one get no bloom filter.
const bloomString = 128

// bloom writes the column's bloom filter, if it gets one.
func (b *blockBuilder) bloom(out []byte, c *columnBuilder, info *columnInfo) ([]byte, error) {
	filter := b.stringBloom(c)
	if filter == nil {
		return out, nil
	}
	return b.chunk(out, &info.bloom, filter, 0)
}

// dictBloom is bloom for a column with a dictionary: one of strings that is a
// chunk of its own, which a search for a value is spared by the filter.
func (b *blockBuilder) dictBloom(out []byte, c *columnBuilder, info *columnInfo) ([]byte, error) {
	if c.class != classStrings || info.dict.size == 0 {
		return out, nil
	}
	return b.bloom(out, c, info)
}

// stringBloom is the filter over a column's values; nil for one that holds
// texts or what is no string.
func (b *blockBuilder) stringBloom(c *columnBuilder) column.Bloom {
	if c.typ != telemetry.ValueString && c.kind >= kindAttr {
		return nil
	}
	b.table.reset()
	b.hashes = b.hashes[:0]
	add := func(s string) bool {
		if len(s) > bloomString {
			return false
		}
		h := column.HashString(s)
		if _, known := b.table.number(h); !known {
			b.hashes = append(b.hashes, h)
		}
		return true
	}
	at := 0
	for _, n := range c.codes {
		if !c.raw {
			break
		}
		if !add(text(c.text[at : at+int(n)])) {
			return nil
		}
		at += int(n) + 1
	}
	for _, s := range c.entries {
		if !add(s) {
			return nil
		}
	}
	return column.NewBloom(b.hashes)
}

// bloom is a cached bloom filter.
type bloom struct{ column.Bloom }

func (b bloom) size() int { return len(b.Bloom) }

// askBloom sets never where the column's bloom filter, if it has one, knows
// that s is none of its values.
func (j *judge) askBloom(s string) error {
	if j.info.bloom.size == 0 {
		return nil
	}
	f, err := load(j.b.r, j.info.bloom, bloomOf{j.info}, func(src []byte) (bloom, error) { return bloom{src}, nil })
	if j.never = err == nil && !f.May(column.HashString(s)); j.never {
		j.by = scan.ByBloom
	}
	return err
}
