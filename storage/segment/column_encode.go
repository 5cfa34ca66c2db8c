package segment

import (
	"math"
	"slices"

	"github.com/kiseki-dev/kiseki/storage/column"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// When a column is worth a dictionary, which every reader of any row must
// unpack: it is small, or values repeat often enough to pay for it.
const (
	dictAlways  = 16
	dictRepeats = 3
	dictBytes   = 128 << 10
	dictNumbers = 4096
)

// inlineDict is up to which size a dictionary is part of the directory, which
// every reader needs anyhow.
const inlineDict = 1 << 10

// encodeColumn appends the chunks of a column to out and says in info where
// they are.
func (b *blockBuilder) encodeColumn(out []byte, c *columnBuilder, info *columnInfo) ([]byte, error) {
	if c.derived {
		return b.encodeDerived(out, c, info)
	}
	info.pages = make([]chunkRef, len(c.pageEnds))
	switch c.class {
	case classNone:
		info.pages = nil
		return out, nil
	case classFixed:
		w := width(c.kind)
		return b.pages(out, c, info, func(from, to int) ([]byte, int) {
			return append(b.body[:0], c.fixed[from*w:to*w]...), 0
		})
	case classCodes:
		return b.encodeCodes(out, c, info)
	case classInts:
		return b.encodeInts(out, c, info)
	}
	return b.encodeStrings(out, c, info)
}

// encodeDerived writes the dictionary, if the column has one.
func (b *blockBuilder) encodeDerived(out []byte, c *columnBuilder, info *columnInfo) ([]byte, error) {
	info.derived, info.byForm = true, c.byForm
	info.bounds(c)
	switch c.class {
	case classCodes:
		return out, nil
	case classInts:
		info.enc, info.entries = encDict, len(c.numbers)
		body, head := b.enc.Ints(b.body[:0], c.numbers)
		b.body = body
		return b.dictionary(out, info, body, head)
	}
	info.enc, info.entries = encDict, len(c.entries)
	body, head := b.distinct(b.body[:0], c.entries)
	b.body = body
	return b.dictionary(out, info, body, head)
}

// dictionary writes a dictionary: into the directory if it is small.
func (b *blockBuilder) dictionary(out []byte, info *columnInfo, body []byte, head int) ([]byte, error) {
	if len(body) <= inlineDict {
		info.inline = slices.Clone(body)
		return out, nil
	}
	return b.chunk(out, &info.dict, body, head)
}

// bounds notes the least and the greatest value of codes or numbers.
func (info *columnInfo) bounds(c *columnBuilder) {
	switch c.class {
	case classCodes:
		low, high := c.codes[0], c.codes[0]
		for _, v := range c.codes {
			low, high = min(low, v), max(high, v)
		}
		info.low, info.high = uint64(low), uint64(high)
	case classInts:
		low, high := int64(c.nums[0]), int64(c.nums[0])
		for _, v := range c.nums {
			low, high = min(low, int64(v)), max(high, int64(v))
		}
		info.low, info.high = uint64(low), uint64(high)
	}
}

// lengths notes the least and the greatest length of strings.
func (info *columnInfo) lengths(c *columnBuilder) {
	info.low = math.MaxUint64
	note := func(n int) { info.low, info.high = min(info.low, uint64(n)), max(info.high, uint64(n)) }
	for _, s := range c.entries {
		note(len(s))
	}
	if c.raw {
		for _, n := range c.codes {
			note(int(n))
		}
	}
}

// vain is after how many pages of a column in a row that do not compress only
// each vainTry-th is tried: what one page holds, the next one does too.
const (
	vain    = 3
	vainTry = 8
)

// pages writes one chunk for each page that has values. body returns a page,
// empty if there is nothing to store, and how much of it is worth compressing;
// it may use b.body.
func (b *blockBuilder) pages(out []byte, c *columnBuilder, info *columnInfo, body func(from, to int) ([]byte, int)) ([]byte, error) {
	failed := 0
	for p := range info.pages {
		from, to := c.page(p)
		if from == to {
			continue
		}
		var head int
		b.body, head = body(from, to)
		if len(b.body) == 0 {
			continue
		}
		if failed > vain && failed%vainTry != 0 {
			head = 0
		}
		var err error
		start := len(out)
		if out, err = b.chunk(out, &info.pages[p], b.body, head); err != nil {
			return nil, err
		}
		if failed++; out[start] != codecRaw {
			failed = 0
		}
	}
	return out, nil
}

func (b *blockBuilder) codePages(out []byte, c *columnBuilder, info *columnInfo) ([]byte, error) {
	if c.context.mode != inNoContext {
		return b.encodeContext(out, c, info)
	}
	out, err := b.dictBloom(out, c, info)
	if err != nil {
		return nil, err
	}
	return b.codeChunks(out, c, info, func(from, to int) []uint32 { return c.codes[from:to] })
}

// codeChunks writes one chunk for each page that has codes: compressed, or
// packed into bits where that is as small.
func (b *blockBuilder) codeChunks(out []byte, c *columnBuilder, info *columnInfo, codes func(from, to int) []uint32) ([]byte, error) {
	packed := 0 // pages in a row
	for p := range info.pages {
		list := codes(c.page(p))
		if len(list) == 0 {
			continue
		}
		high := slices.Max(list)
		same := slices.Min(list) == high
		start := len(out)
		if same || packed <= vain || packed%vainTry == 0 {
			b.body = column.AppendCodes(b.body[:0], list)
			var err error
			if out, err = b.chunk(out, &info.pages[p], b.body, len(b.body)); err != nil {
				return nil, err
			}
			if same || b.transient || len(out)-start <= column.PackedCodesSize(len(list), high)+rawFrame {
				packed = 0
				continue
			}
		}
		packed++
		b.body = column.AppendPackedCodes(b.body[:0], list, high)
		var err error
		if out, err = b.chunk(out[:start], &info.pages[p], b.body, 0); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (b *blockBuilder) encodeCodes(out []byte, c *columnBuilder, info *columnInfo) ([]byte, error) {
	info.bounds(c)
	if info.low == info.high {
		info.enc, info.pages = encConst, nil
		return out, nil
	}
	return b.codePages(out, c, info)
}

func (b *blockBuilder) encodeInts(out []byte, c *columnBuilder, info *columnInfo) ([]byte, error) {
	info.bounds(c)
	if info.low == info.high {
		info.enc, info.pages = encConst, nil
		return out, nil
	}
	if b.numberDict(c) {
		info.enc, info.entries = encDict, len(c.numbers)
		body, head := b.enc.Ints(nil, c.numbers)
		var err error
		if out, err = b.dictionary(out, info, body, head); err != nil {
			return nil, err
		}
		return b.codePages(out, c, info)
	}
	if c.context.mode != inNoContext {
		return b.encodeTimes(out, c, info)
	}
	nums := c.nums
	if c.typ == telemetry.ValueDouble {
		if b.entries, info.decimals = column.AppendDecimals(b.entries[:0], nums); info.decimals > 0 {
			nums = b.entries
		}
	}
	return b.pages(out, c, info, func(from, to int) ([]byte, int) {
		return b.enc.Ints(b.body[:0], nums[from:to])
	})
}

// numberDict makes the dictionary of a column of numbers and its codes, and
// reports whether it has one: it has none if there are too many distinct ones.
func (b *blockBuilder) numberDict(c *columnBuilder) bool {
	if c.counted {
		return len(c.numbers) > 0
	}
	c.counted = true
	c.numbers, c.codes = c.numbers[:0], c.codes[:0]
	if c.kind == kindStart || c.kind == kindDuration || c.kind == kindEventTime {
		return false
	}
	limit := min(max(c.count/dictRepeats/4, dictAlways), dictNumbers)
	b.table.reset()
	last, lastCode := ^c.nums[0], uint32(0)
	for _, v := range c.nums {
		if v != last {
			code, known := b.table.number(v)
			if !known {
				if len(c.numbers) == limit {
					c.numbers, c.codes = c.numbers[:0], c.codes[:0]
					return false
				}
				c.numbers = append(c.numbers, v)
			}
			last, lastCode = v, code
		}
		c.codes = append(c.codes, lastCode)
	}
	return true
}

// hasDictionary reports whether a column of strings has one.
func (c *columnBuilder) hasDictionary() bool {
	n := len(c.entries)
	return !c.raw && (n <= dictAlways || n*dictRepeats <= c.count) && c.bytes <= dictBytes
}

func (b *blockBuilder) encodeStrings(out []byte, c *columnBuilder, info *columnInfo) ([]byte, error) {
	b.findRepeats(c)
	n := len(c.entries)
	if c.hasDictionary() {
		info.enc, info.entries = encDict, n
		body, head := b.distinct(nil, c.entries)
		out, err := b.dictionary(out, info, body, head)
		if err != nil {
			return nil, err
		}
		if n == 1 {
			info.pages = nil
			return out, nil
		}
		return b.codePages(out, c, info)
	}
	info.lengths(c)
	var err error
	texts := !b.transient && b.findTexts(c)
	if body, head := b.packedDict(c, texts); body != nil {
		info.enc, info.entries, info.low, info.high = encDict, n, 0, 0
		if out, err = b.chunk(out, &info.dict, body, head); err != nil {
			return nil, err
		}
		return b.codePages(out, c, info)
	}
	if texts {
		if out, err = b.templates(out, info); err != nil {
			return nil, err
		}
	}
	if out, err = b.bloom(out, c, info); err != nil {
		return nil, err
	}
	if texts {
		return b.textPages(out, c, info)
	}
	if c.raw {
		return b.rawPages(out, c, info)
	}
	return b.pages(out, c, info, func(from, to int) ([]byte, int) {
		b.values = b.values[:0]
		for _, code := range c.codes[from:to] {
			b.values = append(b.values, c.entries[code])
		}
		body := b.enc.Strings(b.body[:0], b.values)
		return body, len(body)
	})
}

// rawPages writes the pages of a raw column, whose text is nearly as it will
// be written.
func (b *blockBuilder) rawPages(out []byte, c *columnBuilder, info *columnInfo) ([]byte, error) {
	page := 0
	return b.pages(out, c, info, func(from, to int) ([]byte, int) {
		for int(c.pageEnds[page]) != to {
			page++
		}
		at := uint32(0)
		if page > 0 {
			at = c.textEnds[page-1]
		}
		body := b.enc.Text(b.body[:0], c.text[at:c.textEnds[page]], c.codes[from:to])
		return body, len(body)
	})
}
