package segment

import (
	"math/bits"

	"github.com/kiseki-dev/kiseki/storage/scan"
)

// decideTraced is decide for a predicate with a trail: what it reads is counted
// there, by a view of the file of its own.
func (b *block) decideTraced(d *directory, p *scan.Predicate) (decision, error) {
	seen := *b
	seen.r = b.r.view(b.r.reads, &p.Trail.Reads)
	x, err := seen.decide(d, p)
	p.Trail.Blocks.Add(1)
	if err == nil && (x.never || x.every) {
		p.Trail.Settled[x.by].Add(1)
	}
	x.trail = p.Trail
	return x, err
}

// trace has the decisions count pages and rows. All but those that are read are
// skipped.
func (b *block) trace(open []decision) {
	pages := (b.info.rows + b.r.footer.pageRows - 1) / b.r.footer.pageRows
	for i := range open {
		t, page := open[i].trail, open[i].page
		t.Skipped.Add(uint64(pages))
		open[i].page = func(p int, words []uint64) error {
			t.Skipped.Add(^uint64(0))
			t.Pages.Add(1)
			t.Rows.Add(ones(words))
			err := page(p, words)
			t.Kept.Add(ones(words))
			return err
		}
	}
}

func ones(words []uint64) (n uint64) {
	for _, w := range words {
		n += uint64(bits.OnesCount64(w))
	}
	return n
}
