// Package forward sends what is stored on to other systems.
//
// Goals:
//   - What is acknowledged is forwarded: spans are in a destination's queue, on
//     stable storage, before their sender is answered, so that kill -9 and power
//     cuts lose none. They are sent at least once; a crash sends some again.
//   - No destination slows another one, nor those who send: each has a queue
//     and a goroutine of its own, and what they wait for is the disk alone. One
//     that is down for long fills its queue, of which the oldest spans are then
//     dropped, and counted.
//   - It survives mistakes of its settings: a destination that refuses the
//     credentials or is not there is tried again, what is queued waits. Only
//     what a destination calls malformed is dropped, and counted.
//
// A span goes through these files:
//
//	forward.go   is it for this destination?
//	queue.go     it waits on disk
//	send.go      batches, attempts, what becomes of refusals
//	target.go    what a destination's address means
//	…            one file for each protocol
package forward

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kiseki-dev/kiseki/internal/seldom"
	"github.com/kiseki-dev/kiseki/query/match"
	"github.com/kiseki-dev/kiseki/storage/vfs"
	"github.com/kiseki-dev/kiseki/storage/wal"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// Destination is where spans are sent.
type Destination struct {
	Name    string // of its folder, too: letters, digits, - and _
	To      string // its address, see docs/forwarding.md
	Match   string // TraceQL span filter; "": every span
	Headers map[string]string
	// CA, Cert and Key are PEM files: whom to trust instead of the system's
	// authorities, and what to show a server that asks for a certificate.
	CA, Cert, Key string
	QueueBytes    int64 // on disk at most
	FileBytes     int64 // of a file that spans are written to, before the next is begun
	Files         int   // that are kept of those
}

// Options are those of a [Forwarder].
type Options struct {
	Dir          string // the queues are folders of it
	Destinations []Destination
	Tenant       string // told to destinations in X-Scope-OrgID; "": not told
	Logger       *slog.Logger

	FS vfs.FS // nil: the operating system's
	// LeastRetry is the wait after the first failure; 0: a second. It doubles
	// with each further one, up to 30 times as much.
	LeastRetry time.Duration
}

// Forwarder forwards the spans of one store. Its methods may be called from
// any goroutine.
type Forwarder struct {
	destinations []*destination
	stop         context.CancelFunc
	running      sync.WaitGroup
}

// destination is one with its queue.
type destination struct {
	Destination
	filter *match.Filter // nil: every span
	queue  *queue
	sender sender
	log    *slog.Logger
	least  time.Duration
	counts counts
	said   seldom.Filter // of what is logged of dropped spans
	mu     struct {
		sync.Mutex
		failure string    // of the last attempt; "": it succeeded
		since   time.Time // when attempts began to fail
	}
}

type counts struct {
	sent, requests, failed atomic.Uint64
	dropped                [len(Reasons)]atomic.Uint64
}

// Reasons are those for which spans are dropped.
var Reasons = [...]string{"queue_full", "queue_failed", "refused", "too_large", "damaged"}

// The indexes of [Reasons].
const (
	dropFull     = iota // the queue was full, these were the oldest
	dropQueue           // they could not be written to the queue
	dropRefused         // the destination said that they are malformed
	dropTooLarge        // a span is more than the destination takes
	dropDamaged         // the queue on disk did not say any more what was written
)

// Stats is what became of the spans for a destination.
type Stats struct {
	Name, To     string
	SentSpans    uint64
	Requests     uint64 // attempts to send
	Failed       uint64 // of those
	Dropped      [len(Reasons)]uint64
	QueuedBytes  int64
	QueueLimit   int64
	Failure      string // of the last attempt; "": it succeeded, or there was none
	FailingSince time.Time
}

// Open opens the queues and begins to send what is in them.
func Open(o Options) (*Forwarder, error) {
	o.LeastRetry = cmp.Or(o.LeastRetry, time.Second)
	if o.FS == nil {
		o.FS = vfs.OS{}
	}
	ctx, stop := context.WithCancel(context.Background())
	f := &Forwarder{stop: stop}
	for i := range o.Destinations {
		d, err := open(&o, o.Destinations[i])
		if err != nil {
			return nil, errors.Join(fmt.Errorf("forward to %s: %w", o.Destinations[i].Name, err), f.Close())
		}
		f.destinations = append(f.destinations, d)
	}
	f.warnForgotten(&o)
	for _, d := range f.destinations {
		f.running.Go(func() { d.run(ctx) })
	}
	return f, nil
}

func open(o *Options, to Destination) (*destination, error) {
	to.QueueBytes = cmp.Or(to.QueueBytes, 1<<30)
	d := &destination{Destination: to, least: o.LeastRetry, log: o.Logger.With("forward", to.Name), said: seldom.Filter{Every: time.Minute}}
	var err error
	if to.Match != "" {
		if d.filter, err = match.Parse(to.Match); err != nil {
			return nil, fmt.Errorf("match: %w", err)
		}
	}
	if d.sender, err = newSender(o, &d.Destination); err != nil {
		return nil, err
	}
	if d.queue, err = openQueue(o.FS, filepath.Join(o.Dir, to.Name), to.QueueBytes); err != nil {
		return nil, errors.Join(err, d.sender.close())
	}
	d.queue.dropped = func(spans int) {
		d.drop(dropFull, spans, errors.New("the queue is full: its oldest spans are dropped"))
	}
	return d, nil
}

// warnForgotten tells of queues that have no destination any more.
func (f *Forwarder) warnForgotten(o *Options) {
	names, err := o.FS.List(o.Dir)
	if err != nil {
		return // there is none
	}
	for _, name := range names {
		if !slices.ContainsFunc(f.destinations, func(d *destination) bool { return d.Name == name }) {
			o.Logger.Warn("spans wait for a destination that is not set any more: set it again, or remove the folder", "folder", filepath.Join(o.Dir, name))
		}
	}
}

// Watch is next with what it stored put into the queues before it returns.
func (f *Forwarder) Watch(next telemetry.AppendFunc) telemetry.AppendFunc {
	if len(f.destinations) == 0 {
		return next
	}
	return func(ctx context.Context, b *telemetry.Batch) (telemetry.Outcome, error) {
		out, err := next(ctx, b)
		if err == nil {
			f.put(b)
		}
		return out, err
	}
}

// put puts a batch into all queues at once: each waits for its own fsync.
func (f *Forwarder) put(b *telemetry.Batch) {
	var others sync.WaitGroup
	for _, d := range f.destinations[1:] {
		others.Go(func() { d.put(b) })
	}
	f.destinations[0].put(b)
	others.Wait()
}

var encoders = sync.Pool{New: func() any { return new(wal.Encoder) }}

// keepEncoder bounds the memory an idle encoder holds on to.
const keepEncoder = 8 << 20

// put puts what is for d of a batch into its queue. That it cannot is no
// reason to refuse what is stored already: it is counted.
func (d *destination) put(b *telemetry.Batch) {
	wanted := *b
	if d.filter != nil {
		wanted.Spans = nil
		for i := range b.Spans {
			if d.filter.Holds(b, &b.Spans[i]) {
				wanted.Spans = append(wanted.Spans, b.Spans[i])
			}
		}
	}
	if len(wanted.Spans) == 0 {
		return
	}
	enc := encoders.Get().(*wal.Encoder)
	defer func() {
		if enc.Size() <= keepEncoder {
			encoders.Put(enc)
		}
	}()
	rec, err := enc.Encode(&wanted)
	if err == nil {
		err = d.queue.put(rec, len(wanted.Spans))
	}
	if err != nil {
		d.drop(dropQueue, len(wanted.Spans), err)
	}
}

// drop counts spans that will not be sent and says why.
func (d *destination) drop(reason, spans int, err error) {
	d.counts.dropped[reason].Add(uint64(spans))
	if say, held := d.said.Pass(Reasons[reason], time.Now()); say {
		d.log.Error("spans are not forwarded", "spans", spans, "reason", Reasons[reason], "error", err, "repeated", held)
	}
}

// Add adds another forwarder's numbers of the same destination to s.
func (s *Stats) Add(o *Stats) {
	s.SentSpans += o.SentSpans
	s.Requests += o.Requests
	s.Failed += o.Failed
	s.QueuedBytes += o.QueuedBytes
	s.QueueLimit += o.QueueLimit
	for r := range s.Dropped {
		s.Dropped[r] += o.Dropped[r]
	}
	if o.Failure != "" && (s.Failure == "" || o.FailingSince.Before(s.FailingSince)) {
		s.Failure, s.FailingSince = o.Failure, o.FailingSince
	}
}

// Stats is one for each destination, in their order.
func (f *Forwarder) Stats() []Stats {
	out := make([]Stats, len(f.destinations))
	for i, d := range f.destinations {
		s := &out[i]
		s.Name, s.To, s.QueueLimit = d.Name, shown(d.To), d.QueueBytes
		s.SentSpans, s.Requests, s.Failed = d.counts.sent.Load(), d.counts.requests.Load(), d.counts.failed.Load()
		for r := range s.Dropped {
			s.Dropped[r] = d.counts.dropped[r].Load()
		}
		s.QueuedBytes = d.queue.size()
		d.mu.Lock()
		s.Failure, s.FailingSince = d.mu.failure, d.mu.since
		d.mu.Unlock()
	}
	return out
}

// Close stops sending. What is queued is sent after the next Open. Nothing may
// be put any more.
func (f *Forwarder) Close() (err error) {
	f.stop()
	f.running.Wait()
	for _, d := range f.destinations {
		err = errors.Join(err, d.queue.close(), d.sender.close())
	}
	return err
}
