package delivery

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// adoptEvery is how often the collector looks for queues that other
// processes left behind, and tries again to open a directory that failed.
const adoptEvery = 30 * time.Second

// maxKept is the largest buffer that is kept for the next batch: one span can
// be large.
const maxKept = 4 << 20

// collect is the collector goroutine.
func (d *Delivery) collect() {
	defer close(d.collected)
	c := &collector{Delivery: d}
	c.compressor, _ = gzip.NewWriterLevel(nil, gzip.BestSpeed) // the level is valid
	c.lookAtDisk()
	tick := time.NewTicker(d.opts.Interval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			c.takePending()
			if c.hangs() {
				c.persist()
			}
			c.lookAtDisk()
		case <-d.wake:
			c.takePending()
		case taken := <-d.flushes:
			c.takePending()
			close(taken)
		case <-d.closing:
			c.takePending()
			return
		}
	}
}

// collector is what only its goroutine uses.
type collector struct {
	*Delivery
	compressor *gzip.Writer
	encoded    []byte
	spare      []sdktrace.ReadOnlySpan // swapped with the pending ones
	looked     time.Time
}

// takePending makes batches of all pending spans and queues them.
func (c *collector) takePending() {
	c.mu.Lock()
	taken := c.mu.spans
	c.mu.spans, c.mu.bytes = c.spare, 0
	c.counters.underWay.Store(int64(len(taken)))
	c.mu.Unlock()
	for rest := taken; len(rest) > 0; {
		n := c.cut(rest)
		b, err := c.encodeBatch(rest[:n])
		if err != nil {
			c.counters.invalid.Add(uint64(n))
			c.log.dropped("spans could not be encoded", n, err)
		} else {
			c.put(b)
		}
		c.counters.underWay.Add(int64(-n))
		rest = rest[n:]
	}
	if cap(c.encoded) > maxKept {
		c.encoded = nil
	}
	clear(taken) // they hold what the application put into them
	c.spare = taken[:0]
}

// cut is how many of the spans go into the next batch, at least one.
func (c *collector) cut(spans []sdktrace.ReadOnlySpan) int {
	var size int64
	for i, s := range spans {
		size += sizeOf(s)
		if i >= c.opts.MaxBatch || (i > 0 && size > batchBytes) {
			return i
		}
	}
	return len(spans)
}

// encodeBatch turns a panic of Transform, or of a value's String method, into
// an error: the application must not die of it.
func (c *collector) encodeBatch(spans []sdktrace.ReadOnlySpan) (b batch, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("encode spans: panic: %v", r)
		}
	}()
	if c.opts.Transform != nil {
		for i, s := range spans {
			spans[i] = c.opts.Transform(s)
		}
	}
	c.encoded = encode(c.encoded[:0], spans)
	if c.opts.Plain {
		return batch{payload: bytes.Clone(c.encoded), spans: len(spans)}, nil
	}
	var out bytes.Buffer
	c.compressor.Reset(&out)
	c.compressor.Write(c.encoded) // a bytes.Buffer does not fail
	c.compressor.Close()
	return batch{payload: out.Bytes(), spans: len(spans), gzip: true}, nil
}

// put queues a batch: in memory while the receiver takes what comes, else on
// disk.
func (d *Delivery) put(b batch) {
	if d.down.Load() || d.hangs() || d.queue.waiting().memoryBatches >= maxLine {
		if path, size, ok := d.write(b); ok {
			d.dropped(d.queue.add(&entry{path: path, size: size, spans: b.spans}))
			return
		}
	}
	d.dropped(d.queue.add(&entry{batch: &b, size: int64(len(b.payload)), spans: b.spans}))
}

// write puts a batch into a file, if there is a disk and it works.
func (d *Delivery) write(b batch) (path string, size int64, ok bool) {
	disk := d.disk.Load()
	if disk == nil {
		return "", 0, false
	}
	path, size, err := disk.put(b)
	if err != nil {
		d.diskFailed(err)
		return "", 0, false
	}
	return path, size, true
}

// persist moves what waits in memory to disk.
func (d *Delivery) persist() {
	if d.disk.Load() == nil {
		return
	}
	for _, e := range d.queue.holdMemory() {
		if path, size, ok := d.write(*e.batch); ok {
			d.dropped(d.queue.moved(e, path, size))
		} else {
			d.queue.release(e, false)
		}
	}
}

// dropped counts what no longer fitted in, and removes its files.
func (d *Delivery) dropped(entries []*entry) {
	var memory, disk int
	for _, e := range entries {
		if e.path == "" {
			memory += e.spans
			continue
		}
		disk += e.spans
		if err := d.disk.Load().remove(e.path); err != nil {
			d.diskFailed(err)
		}
	}
	if memory > 0 {
		d.counters.memory.Add(uint64(memory))
		d.log.dropped("no room in memory", memory, d.counters.lastError())
	}
	if disk > 0 {
		d.counters.disk.Add(uint64(disk))
		d.log.dropped("the queue on disk is full, its oldest spans were dropped", disk, d.counters.lastError())
	}
}

func (d *Delivery) diskFailed(err error) {
	d.counters.diskErrors.Add(1)
	d.counters.fail(err)
	d.log.diskFailed(err)
}

// lookAtDisk opens the queue directory, and from then on adopts what
// processes that are gone have left.
func (c *collector) lookAtDisk() {
	if c.opts.Dir == "" || (!c.looked.IsZero() && time.Since(c.looked) < adoptEvery) {
		return
	}
	c.looked = time.Now()
	if c.disk.Load() == nil {
		opened, err := openDisk(c.opts.Dir, c.opts.Service, c.opts.write)
		if err != nil {
			c.diskFailed(err)
			return
		}
		c.disk.Store(opened)
	}
	found, err := c.disk.Load().adopt()
	if err != nil {
		c.diskFailed(err)
	}
	spans := 0
	for _, e := range found {
		spans += e.spans
	}
	c.counters.recovered.Add(uint64(spans))
	if len(found) > 0 {
		c.dropped(c.queue.add(found...))
		c.log.recovered(spans, len(found))
	}
}
