package analysis

import (
	"github.com/kiseki-dev/kiseki/query/exec"
	"github.com/kiseki-dev/kiseki/storage/scan"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// The attributes that say whom a span called, by OpenTelemetry's semantic
// conventions and, after each, what older ones had in its place,
// https://opentelemetry.io/docs/specs/semconv/ (database, messaging, general).
var (
	peerServiceKeys  = []string{"peer.service", "service.peer.name"}
	dbSystemKeys     = []string{"db.system.name", "db.system"}
	dbNameKeys       = []string{"db.namespace", "db.name"}
	destinationKeys  = []string{"messaging.destination.name", "messaging.destination"}
	messagingSysKeys = []string{"messaging.system"}
	addressKeys      = []string{"server.address", "net.peer.name", "net.sock.peer.name", "http.host"}
)

// peerOf is the node that span i called; ok is false where nothing names it.
//
// A database is named by its namespace, a broker's queue or topic by its
// destination, anything else by its service name or its address. What names
// only the kind of system is better than nothing.
func peerOf(t *exec.WholeTrace, i int) (n nodeID, ok bool, err error) {
	r := peerReader{trace: t, span: i}
	service, address := r.first(peerServiceKeys), r.first(addressKeys)
	if system, name := r.first(dbSystemKeys), r.first(dbNameKeys); system != "" || name != "" {
		return nodeID{NodeDatabase, system, firstOf(name, service, address, system)}, true, r.err
	}
	system, destination := r.first(messagingSysKeys), r.first(destinationKeys)
	if system != "" || destination != "" {
		return nodeID{NodeMessaging, system, firstOf(destination, service, address, system)}, true, r.err
	}
	name := firstOf(service, address)
	return nodeID{NodeExternal, "", name}, name != "", r.err
}

func firstOf(names ...string) string {
	for _, n := range names {
		if n != "" {
			return n
		}
	}
	return ""
}

// peerReader reads texts of one span until something cannot be read.
type peerReader struct {
	trace *exec.WholeTrace
	span  int
	err   error
}

// first is the first text that is not empty under one of the keys.
func (r *peerReader) first(keys []string) string {
	for _, key := range keys {
		if r.err != nil {
			return ""
		}
		var v exec.GroupValue
		v, r.err = r.trace.Value(r.span, scan.Field{Scope: scan.ScopeSpan, Key: key})
		if r.err == nil && v.Present && v.Value.Type() == telemetry.ValueString && v.Value.Str() != "" {
			return v.Value.Str()
		}
	}
	return ""
}
