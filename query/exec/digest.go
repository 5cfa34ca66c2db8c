package exec

import (
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// digest is what the block knows of its spans in the fields that matter, if
// all of them started within the range of time. Where that is damaged there
// may be rows to read.
func (a *aggregator) digest(b scan.Block) *scan.Digest {
	from, to := b.Bounds()
	known, ok := b.(scan.Digester)
	if !ok || from < a.q.Start || to >= a.q.End && a.q.End != plan.All {
		return nil
	}
	d, err := known.Digest(scan.DigestQuery{Fields: a.fields, Durations: true})
	if err != nil {
		return nil
	}
	return d
}

// addDigest adds the cells of a block.
func (a *aggregator) addDigest(d *scan.Digest, sel *scan.Bitmap) error {
	n := d.Cells.Len()
	sel.Reset(n, true)
	if err := a.filter.narrow(a.q.Filter, d.Cells, sel); err != nil {
		return err
	}
	a.begin()
	if err := d.Cells.Rows(0, n, scan.ColStatus, &a.rows); err != nil {
		return err
	}
	if err := a.read(&columns{Block: d.Cells, filter: &a.filter}, 0, n); err != nil {
		return err
	}
	for i := sel.Next(0); i >= 0; i = sel.Next(i + 1) {
		at := a.slot(a.keys[i])
		if at == noGroup {
			continue
		}
		g := &a.groups[at-1]
		g.spans += uint64(d.Spans[i])
		if a.rows.Status[i] == telemetry.StatusError {
			g.errors += uint64(d.Spans[i])
		}
		g.min, g.max = min(g.min, d.Min[i]), max(g.max, d.Max[i])
		a.durations.addCounts(&g.histogram, d.Histograms[i])
	}
	return nil
}
