// Package ingest is what the receivers of all protocols have in common: how a
// body is read within limits, how it is decoded and stored, what became of it,
// and how each of these is said over HTTP, gRPC and UDP. A protocol's own
// package, in a folder below, has its decoder and its words.
//
// Goals:
//   - What a client sends is bounded in every direction: bytes on the wire,
//     bytes after decompression, bytes in flight over all receivers together,
//     elements, nesting, and the time it may take.
//   - A bug in a decoder costs the request that found it, not the process.
//   - Every request and every datagram is observed once, with what became of
//     it; nothing is dropped without being counted.
//   - A request costs what its decoder costs: memory is pooled, and reading,
//     decoding and storing a warm one allocates nothing here.
//
// The path of a request: http.go or grpc.go takes it, body.go reads and
// decompresses it, the protocol's [Decoder] fills a batch, exchange.go stores
// it, the protocol answers. Datagrams have no answer: packets.go gathers them.
package ingest

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/kiseki-dev/kiseki/telemetry"
)

// Options are what a [Receiver] needs.
type Options struct {
	// Protocol is the receiver's name in observations, such as "otlp".
	Protocol string
	// Title is the receiver's name in messages, such as "OTLP".
	Title string
	// NewDecoder makes a decoder for one request at a time. Receivers of
	// datagrams only need none.
	NewDecoder func(Limits) Decoder
	// Append stores a batch. It must be safe for concurrent use.
	Append telemetry.AppendFunc
	// Context, if not nil, gives the context that Append gets for a request with
	// these headers; a call's metadata is its headers, and a datagram has none.
	// It is called just before Append. A [telemetry.RetryError] has the client
	// come again; any other error says what is wrong with the headers.
	Context func(context.Context, http.Header) (context.Context, error)
	Limits  Limits
	// Budget bounds the bytes in flight. Receivers share it; nil is one of its
	// own, of 256 MiB.
	Budget *Budget
	// Observe is told of every request once it is answered; nil for nobody.
	// It must be quick and safe for concurrent use.
	Observe func(Observation)
	// TLS, if not nil, makes the receiver's servers speak TLS only.
	TLS    *tls.Config
	Logger *slog.Logger // slog.Default() if nil
}

// Limits bound what clients may ask for. Zero means the default.
type Limits struct {
	// RequestBytes is the size of a request as sent, by default 20 MiB.
	RequestBytes int64
	// DecodedBytes is the size of a request after decompression, by default
	// 64 MiB and at most 1 GiB.
	DecodedBytes int64
	// Depth is how deep arrays and maps may nest in an attribute's value, by
	// default 32.
	Depth int
	// Elements is the number of spans, events, links and attributes in one
	// request together, by default 2 Mi. An element can be as small as 2 bytes
	// on the wire but takes up to 200 bytes of a batch, so that a limit of bytes
	// alone bounds little.
	Elements int
	// ReadTime is how long a client may take to send an HTTP request, by
	// default 30 s.
	ReadTime time.Duration
}

const mib = 1 << 20

// WithDefaults is l with the default where it is zero.
func (l Limits) WithDefaults() Limits {
	l.RequestBytes = cmp.Or(l.RequestBytes, 20*mib)
	// Ranges in a batch are 32 bits wide and an attribute takes 2 bytes at
	// least, so that 1 GiB cannot overflow them.
	l.DecodedBytes = min(cmp.Or(l.DecodedBytes, 64*mib), 1024*mib)
	l.Depth = cmp.Or(l.Depth, 32)
	l.Elements = cmp.Or(l.Elements, 2*mib)
	l.ReadTime = cmp.Or(l.ReadTime, 30*time.Second)
	return l
}

// Decoder makes batches of the requests of a protocol. It may keep memory
// between requests, and is used by one goroutine at a time.
type Decoder interface {
	// Decode fills b, which is empty, from a body in one of the protocol's
	// encodings. The batch may alias the body and the decoder until the next
	// use of either. An error says what is malformed and where; one that wraps
	// [ErrTooMany], that a well-formed body has too much. The batch is then of
	// no use.
	Decode(encoding string, body []byte, b *telemetry.Batch) (Report, error)
}

// Report says what a decoder left out or repaired in a request it accepted.
type Report struct {
	RejectedSpans int    // spans that have no usable identity
	Reason        string // why they were rejected, "" if none were
	DroppedLinks  int    // links without a valid target; also in Span.DroppedLinks
	InvalidUTF8   int    // strings in which U+FFFD replaces invalid bytes
	// Detail is what the protocol's answer says of parts, for [Exchange.Detail].
	Detail any
}

// ErrTooMany is wrapped by what a decoder returns for a well-formed body with
// more elements, or deeper ones, than its limits allow.
var ErrTooMany = errors.New("more than the limits allow")

// Receiver takes what clients of a protocol send. Its methods may be called
// from any goroutine.
type Receiver struct {
	options Options
	limits  Limits
	budget  *Budget
	log     *slog.Logger
	pool    sync.Pool // of *request
}

// New makes a receiver that serves nothing yet.
func New(o Options) *Receiver {
	r := &Receiver{options: o, limits: o.Limits.WithDefaults(), budget: o.Budget, log: cmp.Or(o.Logger, slog.Default())}
	if r.budget == nil {
		r.budget = NewBudget(max(256*mib, r.limits.DecodedBytes))
	}
	r.pool.New = func() any { return newRequest(r) }
	return r
}

// Limits are those in force.
func (r *Receiver) Limits() Limits { return r.limits }

// Log is where the receiver's troubles go.
func (r *Receiver) Log() *slog.Logger { return r.log }
