package zipkinjson

import (
	"net/netip"
	"strconv"

	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/plain"
)

// RemoteKeys are the attributes that name the other side of a span of kind
// client or producer. The first that is there does, as
// https://opentelemetry.io/docs/specs/otel/trace/sdk_exporters/zipkin/#remote-endpoint
// ranks them.
var RemoteKeys = []struct{ Name, Port string }{
	{"peer.service", ""},
	{"server.address", ""},
	{"net.peer.name", ""},
	{"network.peer.address", "network.peer.port"},
	{"server.socket.domain", ""},
	{"server.socket.address", "server.socket.port"},
	{"net.sock.peer.name", ""},
	{"net.sock.peer.addr", "net.sock.peer.port"},
	{"peer.hostname", ""},
	{"peer.address", ""},
	{"db.name", ""},
}

// Calls reports whether a span has another side that it names.
func Calls(k telemetry.Kind) bool { return k == telemetry.KindClient || k == telemetry.KindProducer }

// endpoint is Zipkin's, of the other side of a call: an address or a name.
type endpoint struct {
	name    string
	address netip.Addr
	port    uint16
}

// NameOf is the name in an attribute of a rank of [RemoteKeys], "" where it is an
// address.
func NameOf(rank int, text []byte) string { return endpointOf(rank, text).name }

// endpointOf reads the text of an attribute.
func endpointOf(rank int, text []byte) (e endpoint) {
	addr, err := netip.ParseAddr(string(text))
	if err != nil || rank == 0 {
		e.name = string(text)
	} else {
		e.address = addr.Unmap().WithZone("")
	}
	return e
}

// remoteOf is the remote endpoint of a span, zero where nothing names it.
func remoteOf(b *telemetry.Batch, s *telemetry.Span) (e endpoint) {
	if !Calls(s.Kind) {
		return e
	}
	for rank, key := range RemoteKeys {
		v, ok := b.Lookup(s.Attrs, key.Name)
		if !ok {
			continue
		}
		text := plain.AppendText(nil, v)
		if len(text) == 0 {
			continue
		}
		e = endpointOf(rank, text)
		if v, ok := b.Lookup(s.Attrs, key.Port); ok && key.Port != "" {
			if n, err := strconv.ParseUint(string(plain.AppendText(nil, v)), 10, 16); err == nil {
				e.port = uint16(n)
			}
		}
		break
	}
	return e
}
