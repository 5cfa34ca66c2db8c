package delivery

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// Options say where spans go and what they may take. The zero value of a
// field means its default, where it has one.
type Options struct {
	// URL is where export requests are posted, with the path.
	URL string
	// Headers go with every request.
	Headers map[string]string
	// TLS is for https; nil means the system's certificates.
	TLS *tls.Config
	// Plain sends without gzip.
	Plain bool
	// Timeout bounds a request; 10 s.
	Timeout time.Duration

	// Interval is how long a span waits for others at most; 1 s.
	Interval time.Duration
	// MaxBatch is how many spans go into a request; 2048.
	MaxBatch int
	// MaxSpans is how many ended spans wait for the collector; 16384.
	MaxSpans int
	// MemoryLimit bounds the bytes of ended spans, estimated, and once more
	// of encoded batches, that wait in memory; 32 MiB.
	MemoryLimit int64

	// Dir is the queue directory; "" keeps the queue in memory.
	Dir string
	// Service names the folder in Dir: what it holds is sent by the next
	// process of the same service.
	Service string
	// DiskLimit bounds the bytes of the queue files of this process; 256 MiB.
	DiskLimit int64

	// Transform changes a span before it is encoded: nothing that it removes
	// gets to the network or the disk. It may be nil.
	Transform func(sdktrace.ReadOnlySpan) sdktrace.ReadOnlySpan
	// Logger is told when delivery stops working and when it works again;
	// nil means slog.Default().
	Logger *slog.Logger

	// write replaces writeSynced in tests.
	write func(path string, content []byte) error
}

const (
	// wakeAt is how many pending spans do not wait for the interval.
	wakeAt = 512
	// batchBytes is the estimated size at which a batch is cut. Receivers
	// commonly refuse requests of more than 4 MiB.
	batchBytes = 1 << 20
	// maxLine is how many batches wait for the sender in memory before the
	// next one goes to disk: a burst passes, a receiver that hangs does not
	// hold more than this from the disk.
	maxLine = 4
)

func (o *Options) setDefaults() error {
	u, err := url.Parse(o.URL)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return fmt.Errorf("endpoint %q is not a URL like http://localhost:4318", o.URL)
	}
	def := func(v *time.Duration, to time.Duration) {
		if *v <= 0 {
			*v = to
		}
	}
	def(&o.Timeout, 10*time.Second)
	def(&o.Interval, time.Second)
	if o.MaxBatch <= 0 {
		o.MaxBatch = 2048
	}
	if o.MaxSpans <= 0 {
		o.MaxSpans = 16384
	}
	if o.MemoryLimit <= 0 {
		o.MemoryLimit = 32 << 20
	}
	if o.DiskLimit <= 0 {
		o.DiskLimit = 256 << 20
	}
	if o.write == nil {
		o.write = writeSynced
	}
	return nil
}

// Delivery is a span processor of the SDK. Its methods may be called from
// any goroutine.
type Delivery struct {
	opts     Options
	client   *http.Client
	queue    *queue
	disk     atomic.Pointer[disk] // nil until opened; the collector opens it
	counters counters
	log      *reporter

	// down is set while the receiver does not take spans.
	down atomic.Bool
	// asked is when the request under way began, Unix time in nanoseconds;
	// 0 when there is none.
	asked atomic.Int64

	mu struct {
		sync.Mutex
		spans  []sdktrace.ReadOnlySpan
		bytes  int64
		closed bool
	}
	wake    chan struct{}      // a token: many spans are pending
	flushes chan chan struct{} // answered once all that was pending is in the queue
	kick    chan struct{}      // a token: do not wait before the next attempt

	closing             chan struct{} // closed by Shutdown
	collected, finished chan struct{} // closed when the goroutines have ended
	cancel              context.CancelFunc
	shutdown            sync.Once
	shutdownErr         error
}

var _ sdktrace.SpanProcessor = (*Delivery)(nil)

// New starts a delivery. It does no I/O itself; Shutdown ends it.
func New(o Options) (*Delivery, error) {
	if err := o.setDefaults(); err != nil {
		return nil, err
	}
	d := &Delivery{
		opts:    o,
		queue:   newQueue(o.MemoryLimit, o.DiskLimit),
		log:     &reporter{logger: o.Logger, url: withoutPassword(o.URL)},
		wake:    make(chan struct{}, 1),
		flushes: make(chan chan struct{}),
		kick:    make(chan struct{}, 1),
		closing: make(chan struct{}), collected: make(chan struct{}), finished: make(chan struct{}),
		client: newClient(o.TLS),
	}
	ctx, cancel := context.WithCancel(context.Background())
	d.cancel = cancel
	go d.collect()
	go d.send(ctx)
	return d, nil
}

// withoutPassword is a URL for logs; setDefaults has parsed it once.
func withoutPassword(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return ""
	}
	return u.Redacted()
}

// OnStart does nothing.
func (d *Delivery) OnStart(context.Context, sdktrace.ReadWriteSpan) {}

// OnEnd takes a sampled span. It never waits for anything but a lock that is
// held for an append.
func (d *Delivery) OnEnd(s sdktrace.ReadOnlySpan) {
	if !s.SpanContext().IsSampled() {
		return
	}
	d.counters.ended.Add(1)
	size := sizeOf(s)
	d.mu.Lock()
	if d.mu.closed {
		d.mu.Unlock()
		d.counters.shutdown.Add(1)
		return
	}
	n := len(d.mu.spans)
	if n >= d.opts.MaxSpans || d.mu.bytes+size > d.opts.MemoryLimit {
		d.mu.Unlock()
		d.counters.memory.Add(1)
		d.wakeUp()
		return
	}
	d.mu.spans = append(d.mu.spans, s)
	d.mu.bytes += size
	d.mu.Unlock()
	if n+1 == wakeAt {
		d.wakeUp()
	}
}

func (d *Delivery) wakeUp() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// spanOverhead is about what a span takes beside its attributes and events.
const spanOverhead = 1024

// sizeOf estimates the memory of a span, which matters when attributes are
// large: enough to bound the sum, and cheap, as it is on the way of OnEnd.
func sizeOf(s sdktrace.ReadOnlySpan) int64 {
	n := spanOverhead + sizeOfAttributes(s.Attributes())
	for _, e := range s.Events() {
		n += 64 + sizeOfAttributes(e.Attributes)
	}
	return int64(n)
}

func sizeOfAttributes(kvs []attribute.KeyValue) int {
	n := 64 * len(kvs) // keys are constants of the program
	for i := range kvs {
		switch v := &kvs[i].Value; v.Type() {
		case attribute.BOOL, attribute.INT64, attribute.FLOAT64:
		case attribute.STRING:
			n += len(v.AsString())
		default:
			n += len(v.String())
		}
	}
	return n
}

// flushLimit bounds a flush or a shutdown whose context has no deadline.
const flushLimit = 10 * time.Second

// stopAttempts is how many failures a stop takes to believe that a receiver
// is down that was not before.
const stopAttempts = 3

// ForceFlush sends what is pending and waiting. It returns nil once all of
// it was acknowledged, and an error at the first request that fails.
func (d *Delivery) ForceFlush(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, flushLimit)
	defer cancel()
	failed := d.counters.failedRequests.Load()
	taken := make(chan struct{})
	select {
	case d.flushes <- taken:
	case <-d.closing:
		return errors.New("flush traces: already stopped")
	case <-ctx.Done():
		return fmt.Errorf("flush traces: %w", ctx.Err())
	}
	select {
	case <-taken:
	case <-ctx.Done():
		return fmt.Errorf("flush traces: %w", ctx.Err())
	}
	return d.drain(ctx, func() bool { return d.counters.failedRequests.Load() > failed })
}

// drain waits until the queue is empty, giveUp says so or the context ends.
func (d *Delivery) drain(ctx context.Context, giveUp func() bool) error {
	select {
	case d.kick <- struct{}{}:
	default:
	}
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for d.queue.waiting().totalEntries > 0 {
		if giveUp() {
			return fmt.Errorf("flush traces: %w", d.counters.lastError())
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("flush traces: %w", ctx.Err())
		}
	}
	return nil
}

// Shutdown sends what is left, or writes it to disk, and ends both
// goroutines. It returns an error when something was not sent, which says
// how many spans are on disk and how many are lost. It ends with the context,
// or after ten seconds, or when requests fail: the first with a queue directory
// or when they failed before, else the third.
func (d *Delivery) Shutdown(ctx context.Context) error {
	d.shutdown.Do(func() { d.shutdownErr = d.stop(ctx) })
	return d.shutdownErr
}

func (d *Delivery) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, flushLimit)
	defer cancel()
	d.mu.Lock()
	d.mu.closed = true
	d.mu.Unlock()
	failed, wasDown := d.counters.failedRequests.Load(), d.down.Load()
	close(d.closing)
	select {
	case <-d.collected:
	case <-ctx.Done():
		d.cancel()
		return fmt.Errorf("stop tracing: the last spans are still being encoded: %w", ctx.Err())
	}
	// What is safe on disk, or has been refused for long, is not worth
	// waiting for.
	attempts := uint64(stopAttempts)
	if wasDown || d.disk.Load() != nil {
		attempts = 1
	}
	undelivered := d.drain(ctx, func() bool { return d.counters.failedRequests.Load() >= failed+attempts })
	d.cancel()
	<-d.finished
	d.persist()
	lost := 0
	for _, e := range d.queue.holdMemory() {
		lost += e.spans
		d.queue.done(e)
	}
	d.counters.shutdown.Add(uint64(lost))
	kept := d.queue.waiting().diskSpans
	if disk := d.disk.Load(); disk != nil {
		disk.close()
	}
	d.client.CloseIdleConnections()
	if undelivered == nil || (kept == 0 && lost == 0) {
		return nil
	}
	return fmt.Errorf("stop tracing: %d spans wait on disk for the next start, %d are lost: %w", kept, lost, undelivered)
}
