package analysis

import (
	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// links matches messages with those who consume them, who may do so in
// another trace. It belongs to one goroutine.
type links struct {
	most int
	full bool
	// produced are the messages that nobody consumed in their trace.
	produced map[message]sighting
	heard    map[hearing]sighting
	other    *exec.WholeTrace // looked up last
}

// message is named by its producer's span.
type message struct {
	trace telemetry.TraceID
	span  telemetry.SpanID
}

// hearing is that a service has consumed a message. It may do so in several
// spans, such as one that receives and one that processes.
type hearing struct {
	message
	service string
}

// sighting is a call as far as a graph counts it.
type sighting struct {
	edgeID
	start uint64
	// Durations in nanoseconds of the spans that saw it; hasFrom and hasTo say
	// which did.
	from, to       uint64
	hasFrom, hasTo bool
	failed         bool
	weight         uint64
}

// see is a call by what its spans tell. It is known only if all of them were
// sampled, so it stands for as many calls as the one least likely to be.
func see(id edgeID, start uint64, from, to *exec.TraceSpan) sighting {
	s := sighting{edgeID: id, start: start, weight: 1}
	if from != nil {
		s.from, s.hasFrom, s.failed = from.Duration, true, from.Status == telemetry.StatusError
		s.weight = max(s.weight, from.Weight)
	}
	if to != nil {
		s.to, s.hasTo, s.failed = to.Duration, true, s.failed || to.Status == telemetry.StatusError
		s.weight = max(s.weight, to.Weight)
	}
	return s
}

func newLinks(most int) links {
	return links{most: most, produced: map[message]sighting{}, heard: map[hearing]sighting{}}
}

// produce keeps a message until all traces have been seen; false means that
// there is no room for it.
func (l *links) produce(m message, s sighting) bool {
	if len(l.produced) >= l.most {
		l.full = true
		return false
	}
	l.produced[m] = s
	return true
}

// linked is the span that a link of t's points to, nil if it is not stored.
func (l *links) linked(t *exec.WholeTrace, to telemetry.Link) *exec.TraceSpan {
	of := t
	if to.TraceID != t.ID {
		if l.other == nil || l.other.ID != to.TraceID {
			l.other = t.Find(to.TraceID)
		}
		of = l.other
	}
	for i := range of.Spans {
		if of.Spans[i].ID == to.SpanID {
			return &of.Spans[i]
		}
	}
	return nil
}

// hear notes that a service has consumed a message. Of several spans that did
// so the earliest counts, and a failure of any.
func (l *links) hear(h hearing, s sighting) {
	was, known := l.heard[h]
	if !known && len(l.heard) >= l.most {
		l.full = true
		return
	}
	s.failed = s.failed || was.failed
	if known && (was.start < s.start || was.start == s.start && was.to <= s.to) {
		was.failed = s.failed
		s = was
	}
	l.heard[h] = s
}

func (l *links) mergeLinks(other *links) {
	l.full = l.full || other.full
	for m, s := range other.produced {
		l.produce(m, s)
	}
	for h, s := range other.heard {
		l.hear(h, s)
	}
}

// settled are the messages with their consumers, and those that no consumer
// links to.
func (l *links) settled() (out []sighting) {
	for h, s := range l.heard {
		out = append(out, s)
		delete(l.produced, h.message)
	}
	for _, s := range l.produced {
		out = append(out, s)
	}
	return out
}
