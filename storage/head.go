package storage

import (
	"hash/maphash"
	"sync"

	"github.com/kiseki-dev/kiseki/telemetry"
)

// head is one generation of spans in memory: those that were appended since
// the generation before it was frozen.
//
// Goals: a span costs about what its OTLP form does and nothing to the garbage
// collector (rows are fixed structs without pointers, the rest of a span is
// bytes in an arena); appending costs under a microsecond a span; readers take
// no lock and never see half a span.
//
// Spans are spread over shards by trace ID, so that a trace lives in one
// shard and appends run in parallel. See [shard] for who may touch what.
type head struct {
	shards []*shard
	seed   maphash.Seed
}

func newHead(shards int) *head {
	h := &head{shards: make([]*shard, shards), seed: maphash.MakeSeed()}
	for i := range h.shards {
		h.shards[i] = newShard(h.hash)
	}
	return h
}

func (h *head) hash(id *telemetry.TraceID) uint64 { return maphash.Bytes(h.seed, id[:]) }

// shardOf uses the upper half of the hash; a shard's trace index the lower.
func (h *head) shardOf(hash uint64) int { return int((hash >> 32) * uint64(len(h.shards)) >> 32) }

// headScratch is the working memory of one append.
type headScratch struct {
	hashes []uint64
	rows   [][]uint32 // by shard: indexes into the batch's spans
	// resources and scopes of the batch as content (see appendContent), built
	// once a batch, and their codes in the shard at hand, plus one; 0: not yet.
	content       []byte
	resources     []contentRange
	scopes        []contentRange
	resourceCodes []uint32
	scopeCodes    []uint32
}

type contentRange struct{ start, end uint32 }

var headScratches = sync.Pool{New: func() any { return new(headScratch) }}

// append adds the spans of b, which it copies. Spans become visible shard by
// shard.
func (h *head) append(b *telemetry.Batch) {
	s := headScratches.Get().(*headScratch)
	defer headScratches.Put(s)
	s.prepare(h, b)
	for i, rows := range s.rows {
		if len(rows) > 0 {
			h.shards[i].append(b, rows, s)
		}
	}
}

func (s *headScratch) prepare(h *head, b *telemetry.Batch) {
	s.hashes = s.hashes[:0]
	for len(s.rows) < len(h.shards) {
		s.rows = append(s.rows, nil)
	}
	s.rows = s.rows[:len(h.shards)]
	for i := range s.rows {
		s.rows[i] = s.rows[i][:0]
	}
	for i := range b.Spans {
		hash := uint64(0)
		if i > 0 && b.Spans[i].TraceID == b.Spans[i-1].TraceID {
			hash = s.hashes[i-1]
		} else {
			hash = h.hash(&b.Spans[i].TraceID)
		}
		s.hashes = append(s.hashes, hash)
		n := h.shardOf(hash)
		s.rows[n] = append(s.rows[n], uint32(i))
	}
	s.content = s.content[:0]
	s.resources, s.scopes = s.resources[:0], s.scopes[:0]
	for i := range b.Resources {
		r, start := &b.Resources[i], len(s.content)
		s.content = appendContent(s.content, b.AttrsOf(r.Attrs), r.DroppedAttrs, r.SchemaURL)
		s.resources = append(s.resources, contentRange{uint32(start), uint32(len(s.content))})
	}
	for i := range b.Scopes {
		c, start := &b.Scopes[i], len(s.content)
		s.content = appendContent(s.content, b.AttrsOf(c.Attrs), c.DroppedAttrs, c.SchemaURL, c.Name, c.Version)
		s.scopes = append(s.scopes, contentRange{uint32(start), uint32(len(s.content))})
	}
}

// bytes is the memory that h's spans take.
func (h *head) bytes() (n int64) {
	for _, s := range h.shards {
		n += s.bytes.Load()
	}
	return n
}

// spans is the number of visible spans.
func (h *head) spans() (n int) {
	for _, s := range h.shards {
		n += s.view.Load().n
	}
	return n
}

// traceRef names a trace of a head for writing it to a segment.
type traceRef struct {
	id    telemetry.TraceID
	start uint64
	shard uint32
	entry uint32
}

// traces are h's traces by shard; the caller orders them. Nothing may be
// appended to h any more.
func (h *head) traces() []traceRef {
	n := 0
	for _, s := range h.shards {
		n += s.view.Load().traceCount
	}
	refs := make([]traceRef, 0, n)
	for i, s := range h.shards {
		v := s.view.Load()
		for e := range uint32(v.traceCount) {
			t := v.trace(e)
			refs = append(refs, traceRef{id: t.id, start: t.minStart, shard: uint32(i), entry: e})
		}
	}
	return refs
}
