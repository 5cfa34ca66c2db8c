package segment

import (
	"errors"
	"fmt"
	"slices"

	"github.com/kiseki-dev/kiseki/storage/vfs"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// Options shape a segment. The zero Options are what stores use; tests make
// small files of many blocks and pages.
type Options struct {
	BlockSpans int // zero is [BlockSpans]
	PageRows   int // a multiple of 64; zero is [PageRows]
}

// Info is what a writer tells of a finished segment.
type Info struct {
	Spans, Traces uint64
	Bytes         int64
	// MinStart and MaxStart are the earliest and the latest span start, MaxEnd
	// the latest span end, in Unix nanoseconds as received.
	MinStart, MaxStart, MaxEnd uint64
}

// Writer writes one segment file. It is used by one goroutine and holds one
// block in memory, some 30 MiB at most. After an error only Abort may follow.
type Writer struct {
	fs         vfs.FS
	path       string
	file       vfs.File
	off        int64 // of what is written next
	blockSpans int
	block      *blockBuilder
	order      orderer
	out        []byte // the encoded block
	footer     footer
	tables     tables
	index      []indexEntry
	lastStart  uint64
	lastID     telemetry.TraceID
	minStart   uint64
	maxStart   uint64
	traces     []trace // of the block
	pieces     []piece // of these traces
	rows       int     // of these traces
	aside      []byte  // of setAside
}

// ErrOrder is returned by AddTrace for a trace that does not belong after
// the one before.
var ErrOrder = errors.New("traces are out of order")

// Create begins a segment file, replacing any file at path.
func Create(fs vfs.FS, path string, o Options) (*Writer, error) {
	if o.BlockSpans == 0 {
		o.BlockSpans = BlockSpans
	}
	if o.PageRows == 0 {
		o.PageRows = PageRows
	}
	if o.PageRows%64 != 0 || o.PageRows < 0 || o.BlockSpans < 0 {
		return nil, fmt.Errorf("create segment %s: bad options", path)
	}
	f, err := fs.Create(path)
	if err != nil {
		return nil, fmt.Errorf("create segment: %w", err)
	}
	w := &Writer{
		fs: fs, path: path, file: f, blockSpans: o.BlockSpans, block: takeBuilder(),
		footer: footer{pageRows: o.PageRows}, tables: newTables(), minStart: ^uint64(0),
	}
	w.block.pageRows = o.PageRows
	if err := w.write(header()); err != nil {
		return nil, errors.Join(err, w.Abort())
	}
	return w, nil
}

// AddTrace adds a trace: rows are all its spans in b, in any order. Traces
// must come in ascending order of (earliest span start, trace ID), each once.
// What AddTrace keeps it copies.
func (w *Writer) AddTrace(b *telemetry.Batch, rows []uint32) error { return w.AddCoded(b, rows, nil) }

// AddCoded is AddTrace for a batch that may have codes; nil if it has none.
func (w *Writer) AddCoded(b *telemetry.Batch, rows []uint32, codes *Codes) error {
	if len(rows) == 0 {
		return nil
	}
	id, start := b.Spans[rows[0]].TraceID, b.Spans[rows[0]].Start
	for _, r := range rows[1:] {
		if b.Spans[r].TraceID != id {
			return fmt.Errorf("add trace %s: a span is of trace %s", id, b.Spans[r].TraceID)
		}
		start = min(start, b.Spans[r].Start)
	}
	if err := w.place(trace{id: id, start: start, rows: len(rows)}); err != nil {
		return err
	}
	w.addPiece(piece{lo: w.block.rows, rows: len(rows)})
	w.order.run(b, rows)
	w.block.use(codes)
	if err := w.block.addTrace(b, w.order.order, w.order.parents); err != nil {
		return fmt.Errorf("add trace %s: %w", id, err)
	}
	return nil
}

// place adds a trace to those of the block, after writing the block if it has
// no room. The trace's pieces are to be added then.
func (w *Writer) place(t trace) error {
	if t.start < w.lastStart || t.start == w.lastStart && w.footer.spans > 0 && slices.Compare(t.id[:], w.lastID[:]) <= 0 {
		return fmt.Errorf("add trace %s: %w", t.id, ErrOrder)
	}
	if t.rows > maxBlockRows {
		return fmt.Errorf("add trace %s: %d spans are more than a block holds", t.id, t.rows)
	}
	full := w.rows+t.rows > w.blockSpans || w.block.arena.bytes > blockBytes || len(w.block.attrs) > maxColumns
	if w.rows > 0 && full {
		if err := w.flush(); err != nil {
			return err
		}
	}
	t.first, t.end = len(w.pieces), len(w.pieces)
	w.traces = append(w.traces, t)
	w.rows += t.rows
	w.lastStart, w.lastID = t.start, t.id
	w.index = append(w.index, newIndexEntry(t.id, len(w.index)))
	w.footer.spans += uint64(t.rows)
	return nil
}

// addPiece adds a piece to the trace that was placed last.
func (w *Writer) addPiece(p piece) {
	w.pieces = append(w.pieces, p)
	w.traces[len(w.traces)-1].end++
}

// flush writes the traces that were placed.
func (w *Writer) flush() (err error) {
	if slices.ContainsFunc(w.pieces, func(p piece) bool { return p.from != nil }) {
		err = w.merge()
	} else {
		err = w.writeBlock(w.traces)
	}
	clear(w.pieces)
	w.traces, w.pieces, w.rows = w.traces[:0], w.pieces[:0], 0
	return err
}

// writeBlock writes the builder, which has the rows of these traces, and
// empties it.
func (w *Writer) writeBlock(traces []trace) error {
	b := w.block
	b.describe(traces)
	if err := w.tables.add(b); err != nil {
		return fmt.Errorf("sum up block: %w", err)
	}
	var dirSize int
	var err error
	if w.out, dirSize, err = b.encode(w.out[:0]); err != nil {
		return err
	}
	w.footer.blocks = append(w.footer.blocks, blockInfo{
		off:  w.off,
		dir:  chunkRef{off: w.off + int64(len(w.out)-dirSize), size: uint32(dirSize)},
		rows: b.rows, traces: len(b.traceIDs),
		minStart: b.minStart, maxStart: b.maxStart, newestTrace: traces[len(traces)-1].start,
	})
	w.minStart, w.maxStart = min(w.minStart, b.minStart), max(w.maxStart, b.maxStart)
	w.footer.maxEnd = max(w.footer.maxEnd, b.maxEnd)
	b.reset()
	return w.write(w.out)
}

// Finish writes what is left, syncs and closes the file. Making its name
// durable is the caller's part.
func (w *Writer) Finish() (Info, error) {
	if w.rows > 0 {
		if err := w.flush(); err != nil {
			return Info{}, err
		}
	}
	if err := w.finishIndex(); err != nil {
		return Info{}, err
	}
	for _, t := range []struct {
		body []byte
		ref  *chunkRef
	}{{w.tables.appendOperations(nil), &w.footer.operations}, {w.tables.appendKeys(nil), &w.footer.keys}} {
		if err := w.chunk(t.ref, t.body); err != nil {
			return Info{}, err
		}
	}
	var self chunkRef
	off := w.off
	if err := w.chunk(&self, w.footer.append(nil)); err != nil {
		return Info{}, err
	}
	if err := w.write(trailer(off, int(self.size))); err != nil {
		return Info{}, err
	}
	if err := w.file.Sync(); err != nil {
		return Info{}, fmt.Errorf("sync segment %s: %w", w.path, err)
	}
	if err := w.file.Close(); err != nil {
		return Info{}, fmt.Errorf("close segment %s: %w", w.path, err)
	}
	w.file = nil
	w.release()
	return Info{
		Spans: w.footer.spans, Traces: uint64(len(w.index)), Bytes: w.off,
		MinStart: w.minStart, MaxStart: w.maxStart, MaxEnd: w.footer.maxEnd,
	}, nil
}

func (w *Writer) finishIndex() error {
	settleIndex(w.index)
	for part := range slices.Chunk(w.index, indexEntries) {
		c := indexChunk{first: uint32(part[0] >> 32)}
		if err := w.chunk(&c.chunkRef, appendIndexChunk(nil, &w.block.enc, part)); err != nil {
			return err
		}
		w.footer.index = append(w.footer.index, c)
	}
	return nil
}

func (w *Writer) chunk(ref *chunkRef, body []byte) error {
	var err error
	if w.out, err = w.block.chunk(w.out[:0], ref, body, len(body)); err != nil {
		return err
	}
	return w.write(w.out)
}

func (w *Writer) write(p []byte) error {
	n, err := w.file.Write(p)
	w.off += int64(n)
	if err != nil {
		return fmt.Errorf("write segment %s: %w", w.path, err)
	}
	return nil
}

// release gives the builder back to the pool.
func (w *Writer) release() {
	if w.block != nil {
		w.block.reset()
		giveBuilder(w.block)
		w.block = nil
	}
}

// Abort closes and removes the unfinished file. After Finish it does nothing
// unless Finish failed.
func (w *Writer) Abort() error {
	if w.file == nil {
		return nil
	}
	w.release()
	f := w.file
	w.file = nil
	return errors.Join(f.Close(), w.fs.Remove(w.path))
}
