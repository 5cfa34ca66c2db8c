package ingest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/kiseki-dev/kiseki/telemetry"
)

const (
	// maxPacket is the largest datagram that UDP can carry.
	maxPacket = 64 << 10
	// packetQueue is how many bytes of datagrams wait to be stored before
	// further ones are dropped.
	packetQueue = 8 * mib
	// packetQueueLen is how many datagrams wait at most.
	packetQueueLen = 8192
	// gatherSpans is how many spans are stored at a time, for each time waits
	// for the disk.
	gatherSpans = 4096
	gatherAttrs = 256 << 10
	// socketBuffer is what the kernel is asked to hold while kiseki is busy.
	socketBuffer = 4 * mib
	// patience is how long datagrams are kept while the store can not take
	// them; their senders know nothing of it and send no second time.
	patience = 30 * time.Second
)

// PacketDecoder appends the spans of one datagram to b. The batch may alias
// the datagram and nothing else. What an error leaves in b is cut off again.
type PacketDecoder func(packet []byte, b *telemetry.Batch) (Report, error)

// PacketServer takes datagrams, which get no answer: each is decoded, counted
// and stored together with those that wait. One that comes while as much waits
// as may is dropped and counted as overloaded.
type PacketServer struct {
	receiver *Receiver
	name     string
	encoding string
	decode   PacketDecoder
	queue    chan *packet
	waiting  Budget
	done     chan struct{} // closed by Shutdown
	stored   chan struct{} // closed once all that was queued is stored
	serving  sync.WaitGroup
	mu       struct {
		sync.Mutex
		conns  []net.PacketConn
		closed bool
	}
}

// packet is a datagram and when it came.
type packet struct {
	bytes []byte
	x     Exchange
}

// PacketServer makes a server of datagrams in an encoding of the protocol; its
// name ("Jaeger compact/UDP") is for errors.
func (r *Receiver) PacketServer(name, encoding string, decode PacketDecoder) *PacketServer {
	s := &PacketServer{
		receiver: r, name: name, encoding: encoding, decode: decode,
		queue: make(chan *packet, packetQueueLen), done: make(chan struct{}), stored: make(chan struct{}),
	}
	s.waiting.limit = packetQueue
	go s.store()
	return s
}

// Serve takes datagrams from c until [PacketServer.Shutdown], and returns nil
// then.
func (s *PacketServer) Serve(c net.PacketConn) error {
	if !s.open(c) {
		return c.Close()
	}
	defer s.serving.Done()
	if u, ok := c.(*net.UDPConn); ok {
		_ = u.SetReadBuffer(socketBuffer) // as much as the kernel allows
	}
	buffer := make([]byte, maxPacket)
	for {
		n, _, err := c.ReadFrom(buffer)
		switch {
		case err == nil:
			s.enqueue(buffer[:n])
		case errors.Is(err, net.ErrClosed):
			return nil
		default:
			return fmt.Errorf("serve %s: %w", s.name, err)
		}
	}
}

// open reports whether c is to be served.
func (s *PacketServer) open(c net.PacketConn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.closed {
		return false
	}
	s.mu.conns = append(s.mu.conns, c)
	s.serving.Add(1)
	return true
}

func (s *PacketServer) enqueue(b []byte) {
	p := &packet{x: s.receiver.Begin("udp", s.encoding)}
	p.x.Seen.Bytes, p.x.Seen.DecodedBytes = len(b), len(b)
	size := int64(len(b))
	if s.waiting.reserve(size) {
		if s.receiver.budget.reserve(size) {
			p.bytes = append([]byte(nil), b...)
			select {
			case s.queue <- p:
				return
			default:
			}
			s.receiver.budget.release(size)
		}
		s.waiting.release(size)
	}
	s.receiver.End(&p.x, &Failure{Outcome: OutcomeOverloaded, Message: errOverloaded.Error()})
}

// store has what is queued stored until Shutdown, and then what is left.
func (s *PacketServer) store() {
	defer close(s.stored)
	var b telemetry.Batch
	for {
		select {
		case p := <-s.queue:
			s.gather(p, &b)
		case <-s.done:
			s.serving.Wait()
			for p := s.next(); p != nil; p = s.next() {
				s.gather(p, &b)
			}
			return
		}
	}
}

// gather decodes p and others that wait, and has them stored.
func (s *PacketServer) gather(p *packet, b *telemetry.Batch) {
	b.Reset()
	var taken []*packet
	size := int64(0)
	for ; p != nil; p = s.next() {
		size += int64(len(p.bytes))
		if s.add(p, b) {
			taken = append(taken, p)
		}
		if len(b.Spans) >= gatherSpans || len(b.Attrs) >= gatherAttrs {
			break
		}
	}
	s.keep(b, taken)
	s.waiting.release(size)
	s.receiver.budget.release(size)
}

// next is a datagram that waits, or nil.
func (s *PacketServer) next() *packet {
	select {
	case p := <-s.queue:
		return p
	default:
		return nil
	}
}

// add decodes a datagram into b; one that is malformed is dropped.
func (s *PacketServer) add(p *packet, b *telemetry.Batch) bool {
	before := *b
	report, panicked, fail := s.receiver.Guard(s.encoding, func() (Report, error) { return s.decode(p.bytes, b) })
	if panicked || fail != nil {
		*b = before
		s.receiver.log.Debug("datagram dropped", "receiver", s.name, "reason", fail.Message)
		s.receiver.End(&p.x, fail)
		return false
	}
	p.x.Seen.Spans = len(b.Spans) - len(before.Spans) + report.RejectedSpans
	p.x.Seen.Rejected, p.x.Seen.DroppedLinks, p.x.Seen.InvalidUTF8 = report.RejectedSpans, report.DroppedLinks, report.InvalidUTF8
	return true
}

// keep has a batch stored, again and again for a while if the store is busy.
func (s *PacketServer) keep(b *telemetry.Batch, taken []*packet) {
	var x Exchange
	fail := s.receiver.Store(context.Background(), nil, b, Report{}, &x)
	for until := time.Now().Add(patience); fail != nil && fail.RetryAfter > 0 && time.Now().Before(until); {
		select {
		case <-time.After(min(fail.RetryAfter, time.Second)):
		case <-s.done: // now or not at all
			until = time.Now()
		}
		fail = s.receiver.Store(context.Background(), nil, b, Report{}, &x)
	}
	for _, p := range taken {
		if fail == nil {
			// The store says how many spans of the batch it refused, not of which
			// datagram: the first ones bear them.
			refused := min(x.Seen.Rejected, p.x.Seen.Spans-p.x.Seen.Rejected)
			x.Seen.Rejected -= refused
			p.x.Seen.Rejected += refused
			p.x.Seen.Outcome = OutcomeOK
			if p.x.Seen.Rejected > 0 {
				p.x.Seen.Outcome = OutcomePartial
			}
		} else {
			p.x.Seen.Spans, p.x.Seen.Rejected = 0, 0
		}
		s.receiver.End(&p.x, fail)
	}
}

// Shutdown stops taking datagrams and returns when those that wait are stored,
// or when ctx ends.
func (s *PacketServer) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	if !s.mu.closed {
		s.mu.closed = true
		close(s.done)
		for _, c := range s.mu.conns {
			_ = c.Close() // Serve ends by it
		}
	}
	s.mu.Unlock()
	select {
	case <-s.stored:
		return nil
	case <-ctx.Done():
		return errors.Join(fmt.Errorf("store what waits of %s", s.name), ctx.Err())
	}
}
