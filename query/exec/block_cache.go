package exec

import (
	"github.com/kiseki-dev/kiseki/query/plan"
	"github.com/kiseki-dev/kiseki/storage/scan"
)

// blockCache holds what evaluating many traces of one block needs of all its
// rows: it is read, and each condition decided, once for the block and not once
// a trace. It belongs to one goroutine.
type blockCache struct {
	block scan.Block // nil: none
	rows  scan.Rows  // summaryColumns
	held  map[any]*scan.Bitmap
	spare []*scan.Bitmap
}

// cachedTraces is how many traces of a block must be evaluated for its cache
// to save more than it costs.
const cachedTraces = 16

// begin reads a block's rows.
func (c *blockCache) begin(b scan.Block) error {
	c.end()
	if err := b.Rows(0, b.Len(), summaryColumns, &c.rows); err != nil {
		return err
	}
	c.block = b
	return nil
}

func (c *blockCache) end() {
	c.block = nil
	for _, held := range c.held {
		c.spare = append(c.spare, held)
	}
	clear(c.held)
}

// holds is the rows of the block for which n holds, which asks nothing about
// the trace. It is not to be changed.
func (c *blockCache) holds(n plan.Node, f *filter) (*scan.Bitmap, error) {
	key := nodeKey(n)
	if held := c.held[key]; held != nil {
		return held, nil
	}
	held := &scan.Bitmap{}
	if n := len(c.spare); n > 0 {
		held, c.spare = c.spare[n-1], c.spare[:n-1]
	}
	held.Reset(c.block.Len(), true)
	if err := f.narrow(n, c.block, held); err != nil {
		return nil, err
	}
	if c.held == nil {
		c.held = map[any]*scan.Bitmap{}
	}
	c.held[key] = held
	return held, nil
}

// nodeKey tells nodes of a plan apart; two of equal meaning may have two.
func nodeKey(n plan.Node) any {
	switch n := n.(type) {
	case plan.And:
		return &n[0]
	case plan.Or:
		return &n[0]
	case plan.Not:
		return plan.Not{X: n.X}
	}
	return n
}
