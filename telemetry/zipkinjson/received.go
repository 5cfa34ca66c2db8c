package zipkinjson

import (
	"slices"

	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/otlpjson"
	"github.com/kiseki-dev/kiseki/telemetry/plain"
)

// received is a span that came by Zipkin's own protocol, as far as its
// attributes are fields of Zipkin's and no tags. Package ingest/zipkin makes
// them.
type received struct {
	local, remote          address
	debug, shared, noStart bool
	fields                 []bool // by attribute: whether it is such a field
	failure                bool   // whether there are tags of its status
}

// address is an endpoint with all of its fields.
type address struct {
	service, ipv4, ipv6 string
	port                uint64
}

// receivedOf reads a span; ok is false for those that came otherwise.
func (w *writer) receivedOf(s *telemetry.Span) (r *received, ok bool) {
	b := w.batch
	if v, ok := b.Lookup(b.Scopes[s.Scope].Attrs, plain.ReceivedKey); !ok || v.Str() != plain.ReceivedZipkin {
		return nil, false
	}
	r = &received{local: address{service: b.ServiceName(s.Resource)}}
	attrs := b.AttrsOf(s.Attrs)
	r.fields = make([]bool, len(attrs))
	var tags []string // of the keys of endpoints
	if v, ok := b.Lookup(s.Attrs, plain.ZipkinTagsKey); ok && v.Type() == telemetry.ValueArray {
		_ = telemetry.Elements(v.Str(), func(e telemetry.Value) bool { // well formed, see telemetry.Value
			tags = append(tags, e.Str())
			return true
		})
	}
	for i, a := range attrs {
		switch {
		case plain.IsEndpointKey(a.Key):
			if !slices.Contains(tags, a.Key) {
				r.endpoint(a)
				tags = append(tags, a.Key) // another one is a tag
				r.fields[i] = true
			}
		case a.Value.Type() == telemetry.ValueBool:
			r.fields[i] = r.flag(a.Key)
		case a.Key == plain.ZipkinTagsKey:
			r.fields[i] = a.Value.Type() == telemetry.ValueArray
		case a.Key == ErrorTag || a.Key == plain.StatusCodeKey:
			r.failure = true
		}
	}
	return r, true
}

func (r *received) flag(key string) bool {
	switch key {
	case plain.ZipkinDebugKey:
		r.debug = true
	case plain.ZipkinSharedKey:
		r.shared = true
	case plain.ZipkinNoStartKey:
		r.noStart = true
	default:
		return false
	}
	return true
}

func (r *received) endpoint(a telemetry.Attr) {
	switch a.Key {
	case plain.RemoteServiceKey:
		r.remote.service = a.Value.Str()
	case plain.RemoteAddressKey:
		r.remote.setIP(a.Value.Str())
	case plain.RemoteIPv6Key:
		r.remote.ipv6 = a.Value.Str()
	case plain.RemotePortKey:
		r.remote.port = a.Value.Num()
	case plain.LocalAddressKey:
		r.local.setIP(a.Value.Str())
	case plain.LocalIPv6Key:
		r.local.ipv6 = a.Value.Str()
	case plain.LocalPortKey:
		r.local.port = a.Value.Num()
	}
}

func (a *address) setIP(text string) {
	if slices.Contains([]byte(text), ':') {
		a.ipv6 = text
	} else {
		a.ipv4 = text
	}
}

// append appends an endpoint under a name; one that says nothing is left out.
func (a *address) append(dst []byte, name string) []byte {
	if *a == (address{}) {
		return dst
	}
	dst = append(append(dst, name...), '{')
	begun := false
	for _, f := range []struct{ intro, text string }{{`"serviceName":`, a.service}, {`"ipv4":`, a.ipv4}, {`"ipv6":`, a.ipv6}} {
		if f.text == "" {
			continue
		}
		if begun {
			dst = append(dst, ',')
		}
		dst, begun = otlpjson.AppendString(append(dst, f.intro...), f.text), true
	}
	if a.port != 0 {
		if begun {
			dst = append(dst, ',')
		}
		dst = appendNumber(dst, `"port":`, a.port)
	}
	return append(dst, '}')
}
