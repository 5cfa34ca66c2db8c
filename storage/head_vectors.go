package storage

import (
	"fmt"

	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// Codes implements [scan.Block]. A value that a code of the row decides is
// looked up once a code: dst.Table holds by that code what the answer is plus
// one, or 0 where it is not known yet.
func (b *headBlock) Codes(field scan.Field, lo, hi int, dst *scan.Codes) error {
	if lo < 0 || hi > b.n || lo > hi {
		return fmt.Errorf("read rows %d to %d of a block of %d", lo, hi, b.n)
	}
	dst.Resize(hi - lo)
	f := newFieldReader(b.v, field)
	if f.never {
		clear(dst.Rows)
		return nil
	}
	var code uint32
	take := func(v telemetry.Value) bool {
		code = dst.Code(v)
		return true
	}
	read := func(r *row) uint32 {
		code = 0
		f.any(r, take)
		return code
	}
	if f.code == nil {
		for i := range dst.Rows {
			dst.Rows[i] = read(b.row(lo + i))
		}
		return nil
	}
	if len(dst.Table) != f.codes {
		dst.Table = zeroed(dst.Table, f.codes)
	}
	for i := range dst.Rows {
		r := b.row(lo + i)
		known := &dst.Table[f.code(r)]
		if *known == 0 {
			*known = read(r) + 1
		}
		dst.Rows[i] = *known - 1
	}
	return nil
}
