package segment

import "github.com/kiseki-dev/kiseki/telemetry"

// Codes number what the spans of a batch repeat: their names and the keys of
// their attributes. Whoever has such numbers at hand, as a head does, spares
// the writer to look the same strings up again for each span: it does so once
// a block.
//
// A number means the same, and the batch's resources and scopes stay the same,
// for as long as the Codes are used with one writer; the spans of the batch
// and what else belongs to them may be others at each call.
type Codes struct {
	Names   []uint32 // by span of the batch: its name
	Columns []uint32 // by attribute of the batch: its key and type

	// What the writer made of a number in its present block, plus one.
	block     *blockBuilder
	number    uint64 // of that block
	names     []uint32
	resources []uint32
	scopes    []uint32
	columns   [spaces][]*columnBuilder
}

// use makes codes, which may be nil, those of the spans to come.
func (b *blockBuilder) use(codes *Codes) {
	b.coded = codes
	if codes == nil || codes.block == b && codes.number == b.number {
		return
	}
	codes.block, codes.number = b, b.number
	clear(codes.names)
	clear(codes.resources)
	clear(codes.scopes)
	for _, c := range codes.columns {
		clear(c)
	}
}

// memo is the place for what became of a number.
func memo[T any](list *[]T, number uint32) *T {
	for int(number) >= len(*list) {
		*list = append(*list, make([]T, len(*list)+64)...)
	}
	return &(*list)[number]
}

func (c *Codes) resource(b *blockBuilder, batch *telemetry.Batch, i uint32) uint32 {
	known := memo(&c.resources, i)
	if *known == 0 {
		*known = b.addResource(batch, i) + 1
	}
	return *known - 1
}

func (c *Codes) scope(b *blockBuilder, batch *telemetry.Batch, i uint32) uint32 {
	known := memo(&c.scopes, i)
	if *known == 0 {
		*known = b.addScope(batch, i) + 1
	}
	return *known - 1
}

// column is the column of an attribute with the given number.
func (c *Codes) column(b *blockBuilder, s space, number uint32, a *telemetry.Attr) *columnBuilder {
	known := memo(&c.columns[s], number)
	if *known == nil {
		*known = b.attr(s, a.Value.Type(), a.Key)
	}
	return *known
}
