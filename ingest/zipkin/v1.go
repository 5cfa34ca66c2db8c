package zipkin

import (
	"fmt"

	"github.com/kiseki-dev/kiseki/ingest"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// A span of Zipkin's version 1 is what all who took part in a call say of it
// together, each annotation with the endpoint of who says it. It becomes a span
// of version 2 for each service, which share the ID. The rules are those of
// Zipkin's server (zipkin2.v1.V1SpanConverter), so that a trace looks there as
// it does here.

// spanV1 is a span of version 1. It is reused.
type spanV1 struct {
	span     // without endpoints, kind, annotations and tags
	events   []eventV1
	binaries []binaryV1
	sides    []*side
	crowded  bool // there are more sides than may be
}

// eventV1 is an annotation.
type eventV1 struct {
	annotation
	endpoint
	told bool // whether there is an endpoint
}

// binaryV1 is a binary annotation: a tag, or the address of somebody.
type binaryV1 struct {
	tag
	endpoint
	told bool
}

// side is a span of version 2 under way.
type side struct {
	span
	told bool // whether local is known
}

func (v *spanV1) reset() {
	v.span.reset()
	v.events, v.binaries = v.events[:0], v.binaries[:0]
	clear(v.sides)
	v.sides, v.crowded = v.sides[:0], false
}

// The annotations that say when something began or ended, by who sends (s) or
// receives (r) what: of the client (c), the server (s), through a broker (m),
// on the wire (w).
const (
	clientSend = iota
	clientReceive
	serverReceive
	serverSend
	brokerSend
	brokerReceive
	wireSend
	wireReceive
	coreEvents
)

var coreNames = map[string]int{
	"cs": clientSend, "cr": clientReceive, "sr": serverReceive, "ss": serverSend,
	"ms": brokerSend, "mr": brokerReceive, "ws": wireSend, "wr": wireReceive,
}

var coreKinds = [coreEvents]telemetry.Kind{
	clientSend: telemetry.KindClient, clientReceive: telemetry.KindClient, serverReceive: telemetry.KindServer, serverSend: telemetry.KindServer,
	brokerSend: telemetry.KindProducer, brokerReceive: telemetry.KindConsumer,
}

// core is the events of a span that there are.
type core [coreEvents]*eventV1

// maxSides is how many services may take part in one span. A call has two.
const maxSides = 100

var errManySides = fmt.Errorf("%w: %d services in a span", ingest.ErrTooMany, maxSides)

// convert makes the sides of a span.
func (v *spanV1) convert() ([]*side, error) {
	v.sides = append(v.sides, v.newSide())
	var at core
	v.annotate(&at)
	// Where a start is missing the timestamp may stand for it.
	v.infer(&at, clientSend, clientReceive)
	v.infer(&at, serverReceive, serverSend)
	v.timeCalls(&at)
	v.timeMessages(&at)
	v.tagSides(&at)
	if v.crowded {
		return nil, errManySides
	}
	return v.sides, nil
}

func (v *spanV1) newSide() *side {
	return &side{span: span{traceID: v.traceID, id: v.id, parent: v.parent, name: v.name, debug: v.debug}}
}

// of is the side of an endpoint's service, the first one where nobody is told.
func (v *spanV1) of(e *endpoint) *side {
	if e == nil {
		return v.sides[0]
	}
	if first := v.sides[0]; !first.told {
		first.local, first.told = *e, true
		return first
	}
	for _, s := range v.sides {
		if s.local.service == e.service {
			return s
		}
	}
	return v.fork(e)
}

// fork is a further side.
func (v *spanV1) fork(e *endpoint) *side {
	if len(v.sides) >= maxSides {
		v.crowded = true
		return v.sides[0]
	}
	s := v.newSide()
	s.local, s.told = *e, true
	v.sides = append(v.sides, s)
	return s
}

// annotate notes the core events and gives the others to their sides.
func (v *spanV1) annotate(at *core) {
	for i := range v.events {
		e := &v.events[i]
		if !e.told {
			v.sides[0].event(e)
			continue
		}
		s := v.of(&e.endpoint)
		which, ok := coreNames[e.value]
		if !ok || at[which] != nil {
			s.event(e)
			continue
		}
		at[which] = e
		if k := coreKinds[which]; k != telemetry.KindUnspecified {
			s.kind = k
		}
	}
}

func (s *side) event(e *eventV1) { s.annotations = append(s.annotations, e.annotation) }

// infer makes the event that began what another one ended, where the span's own
// times say so.
func (v *spanV1) infer(at *core, begin, end int) {
	if e := at[end]; at[begin] == nil && e != nil && v.timestamp != 0 && v.duration != 0 && v.timestamp+v.duration == e.timestamp {
		at[begin] = &eventV1{annotation: annotation{timestamp: v.timestamp}, endpoint: e.endpoint, told: true}
	}
}

// timed sets the times of the side that began something, from the span's own
// times where it has both.
func (v *spanV1) timed(begin, end *eventV1) {
	s := v.of(&begin.endpoint)
	if v.timestamp != 0 && v.duration != 0 {
		s.timestamp, s.duration = v.timestamp, v.duration
		return
	}
	s.timestamp = begin.timestamp
	if end != nil {
		s.duration = since(begin, end)
	}
}

// since is the time between two events, 0 for none.
func since(begin, end *eventV1) uint64 { return end.timestamp - min(begin.timestamp, end.timestamp) }

// timeCalls sets the times of the client's and the server's side.
func (v *spanV1) timeCalls(at *core) {
	cs, cr, sr, ss := at[clientSend], at[clientReceive], at[serverReceive], at[serverSend]
	switch {
	case cs != nil && sr != nil:
		v.timed(cs, cr) // the client's are the span's
		client, server := v.of(&cs.endpoint), v.of(&sr.endpoint)
		if client == server { // a service that calls itself
			client.kind = telemetry.KindClient
			server = v.fork(&sr.endpoint)
			server.kind = telemetry.KindServer
		}
		server.shared, server.timestamp = true, sr.timestamp
		if ss != nil {
			server.duration = since(sr, ss)
		}
		if cr == nil && v.duration == 0 {
			client.duration = 0 // nobody waits for an answer
		}
	case cs != nil && cr != nil:
		v.timed(cs, cr)
	case sr != nil && ss != nil:
		v.timed(sr, ss)
	default:
		v.incomplete(at)
	}
	// A server that took the ID over from its client left the times to it.
	if cs == nil && sr != nil && (v.timestamp == 0 || ss != nil && v.duration == 0) {
		v.of(&sr.endpoint).shared = true
	}
}

// incomplete gives what is known of a call back as it came.
func (v *spanV1) incomplete(at *core) {
	for _, s := range v.sides {
		begin, end := at[clientSend], at[clientReceive]
		switch s.kind {
		case telemetry.KindServer:
			begin, end = at[serverReceive], at[serverSend]
		case telemetry.KindClient:
		default:
			continue
		}
		if begin != nil {
			s.timestamp = begin.timestamp
		}
		if end != nil {
			s.event(end)
		}
	}
	if v.timestamp != 0 {
		v.sides[0].timestamp, v.sides[0].duration = v.timestamp, v.duration
	}
}

// timeMessages sets the times of a producer's and a consumer's side.
func (v *spanV1) timeMessages(at *core) {
	ms, mr, ws, wr := at[brokerSend], at[brokerReceive], at[wireSend], at[wireReceive]
	switch {
	case ms != nil && mr != nil:
		producer, consumer := v.of(&ms.endpoint), v.of(&mr.endpoint)
		if producer == consumer {
			producer.kind = telemetry.KindProducer
			consumer = v.fork(&mr.endpoint)
			consumer.kind = telemetry.KindConsumer
		}
		consumer.shared, consumer.timestamp = true, mr.timestamp
		if wr != nil {
			consumer.timestamp, consumer.duration = wr.timestamp, since(wr, mr)
		}
		producer.timestamp, producer.duration = ms.timestamp, 0
		if ws != nil {
			producer.duration = since(ms, ws)
		}
	case ms != nil:
		v.timed(ms, ws)
	case mr != nil && wr != nil:
		v.timed(wr, mr)
	case mr != nil:
		v.timed(mr, nil)
	default:
		for _, e := range []*eventV1{ws, wr} {
			if e != nil {
				v.of(&e.endpoint).event(e)
			}
		}
	}
}

// tagSides gives the tags to their sides, and those the addresses of their
// other sides: of the client (ca), the server (sa), the broker (ma).
func (v *spanV1) tagSides(at *core) {
	var ca, sa, ma *endpoint
	for i := range v.binaries {
		b := &v.binaries[i]
		if !b.told {
			v.sides[0].tags = append(v.sides[0].tags, b.tag)
			continue
		}
		switch b.key {
		case "ca":
			ca = &b.endpoint
		case "sa":
			sa = &b.endpoint
		case "ma":
			ma = &b.endpoint
		default:
			s := v.of(&b.endpoint)
			if b.key != "lc" || b.value != "" { // the mark of a local span
				s.tags = append(s.tags, b.tag)
			}
		}
	}
	v.remotes(at, ca, sa, ma)
}

func (v *spanV1) remotes(at *core, ca, sa, ma *endpoint) {
	client, server := either(at[clientSend], at[clientReceive]), either(at[serverReceive], at[serverSend])
	switch {
	case client == nil && server == nil && ca != nil && sa != nil:
		v.of(ca).remote = *sa
	case client == nil && server == nil && sa != nil: // this does not make it a client
		v.sides[0].remote = *sa
	case client == nil && server == nil && ca != nil:
		v.sides[0].kind, v.sides[0].remote = telemetry.KindServer, *ca
	default:
		if ca != nil && server != nil && *ca != server.endpoint {
			remote := *ca
			if remote.service == server.service { // the client's port with the server's name, from Finagle
				remote.service = ""
			}
			v.serverSide(&server.endpoint).remote = remote
		}
		if sa != nil && client != nil {
			v.of(&client.endpoint).remote = *sa
		}
	}
	if ma != nil && (client != nil || server != nil || ca == nil && sa == nil) {
		for _, e := range []*eventV1{at[brokerSend], at[brokerReceive]} {
			if e != nil {
				v.of(&e.endpoint).remote = *ma
			}
		}
	}
}

// serverSide is the side of a server, which is not the first of its service
// where that calls itself.
func (v *spanV1) serverSide(e *endpoint) *side {
	for _, s := range v.sides {
		if s.kind == telemetry.KindServer && s.local.service == e.service {
			return s
		}
	}
	return v.of(e)
}

func either(a, b *eventV1) *eventV1 {
	if a != nil {
		return a
	}
	return b
}
