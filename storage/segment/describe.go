package segment

// Verify reads every chunk of the file and checks its checksum and that it
// unpacks. each, if not nil, is called with the name and size of each
// before it is read. The first damage ends it as a [*CorruptError].
func (r *Reader) Verify(each func(section string, bytes int64)) error {
	check := func(s section, ref chunkRef) error {
		if each != nil {
			each(s.name(), int64(ref.size))
		}
		_, err := r.read(ref, s)
		return err
	}
	for i := range r.blocks {
		b := r.blocks[i].(*block)
		if err := check(named("directory"), b.info.dir); err != nil {
			return err
		}
		d, err := b.dir()
		if err != nil {
			return err
		}
		if err := d.each(check); err != nil {
			return err
		}
	}
	for _, c := range r.footer.index {
		if err := check(named("trace index"), c.chunkRef); err != nil {
			return err
		}
	}
	if err := check(named("operations"), r.footer.operations); err != nil {
		return err
	}
	if err := check(named("keys"), r.footer.keys); err != nil {
		return err
	}
	return check(named("footer"), r.last)
}

// Description is what a segment is made of.
type Description struct {
	Path          string
	Version       int
	Bytes         int64
	Spans         uint64
	Traces        int
	Blocks        int
	PageRows      int
	MinStart      uint64 // Unix nanoseconds
	MaxStart      uint64
	MaxEnd        uint64
	Columns       []ColumnDescription // in order of first appearance
	Resources     int64               // bytes of the dictionaries of resources
	Scopes        int64
	Shapes        int64
	TraceTables   int64
	Directories   int64
	TraceIndex    int64
	Operations    int64
	Keys          int64
	FooterAndEnds int64
}

// ColumnDescription sums up one column over all blocks.
type ColumnDescription struct {
	Name       string
	Bytes      int64 // pages, dictionaries and bloom filters as stored
	DictBytes  int64 // of these, dictionaries
	BloomBytes int64
	// What the column's context takes, see contextMode.
	ContextBytes int64
	Values       uint64
	// How many blocks hold the column in each encoding.
	Plain, Dictionary, Constant, Derived, Templates int
	Contexts                                        int // of these, in a context
}

// Describe sums up the file from its directories.
func (r *Reader) Describe() (Description, error) {
	f := r.footer
	out := Description{
		Path: r.path, Version: r.format, Bytes: r.size, Spans: f.spans, Traces: f.traces, Blocks: len(f.blocks),
		PageRows: f.pageRows, MaxEnd: f.maxEnd, Operations: int64(f.operations.size), Keys: int64(f.keys.size),
		FooterAndEnds: int64(r.last.size) + headerSize + trailerSize,
	}
	out.MinStart, out.MaxStart = f.bounds()
	for _, c := range f.index {
		out.TraceIndex += int64(c.size)
	}
	at := make(map[string]int)
	for i := range r.blocks {
		d, err := r.blocks[i].(*block).dir()
		if err != nil {
			return Description{}, err
		}
		out.Directories += int64(f.blocks[i].dir.size)
		out.Resources += int64(d.resources.chunk.size)
		out.Scopes += int64(d.scopes.chunk.size)
		out.Shapes += int64(d.shapes.size)
		out.TraceTables += int64(d.traceTable.size)
		for j := range d.columns {
			c := &d.columns[j]
			k, ok := at[c.name()]
			if !ok {
				k = len(out.Columns)
				at[c.name()] = k
				out.Columns = append(out.Columns, ColumnDescription{Name: c.name()})
			}
			out.Columns[k].add(c)
		}
	}
	return out, nil
}

func (d *ColumnDescription) add(c *columnInfo) {
	d.Values += uint64(c.values)
	d.DictBytes += int64(c.dict.size)
	d.BloomBytes += int64(c.bloom.size)
	d.ContextBytes += int64(c.contexts.size)
	d.Bytes += int64(c.dict.size) + int64(c.contexts.size) + int64(c.bloom.size)
	for _, p := range c.pages {
		d.Bytes += int64(p.size)
	}
	if c.context != inNoContext {
		d.Contexts++
	}
	switch {
	case c.derived:
		d.Derived++
	case c.enc == encPlain:
		d.Plain++
	case c.enc == encDict:
		d.Dictionary++
	case c.enc == encConst:
		d.Constant++
	case c.enc == encText:
		d.Templates++
	}
}
