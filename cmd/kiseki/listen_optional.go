package main

import (
	"log/slog"
	"net"
	"slices"

	"golang.org/x/net/netutil"

	"github.com/kiseki-dev/kiseki/api/native"
	"github.com/kiseki-dev/kiseki/config"
)

// optionalListeners are the receivers beside OTLP and where each listens: one
// setting, an address or off, for one port, which may be one of both TCP and
// UDP. kiseki does without those whose usual port somebody else has, unless
// they were asked for.
var optionalListeners = []struct {
	title   string // at most 15 characters
	key     string // of the setting
	scheme  bool   // whether clients are given a URL
	network []string
}{
	{"Jaeger/gRPC", keyJaegerGRPC, false, []string{"tcp"}},
	{"Jaeger/HTTP", keyJaegerHTTP, true, []string{"tcp"}},
	{"Jaeger compact", keyJaegerCompact, false, []string{"udp"}},
	{"Jaeger binary", keyJaegerBinary, false, []string{"udp"}},
	{"Jaeger sampling", keyJaegerSampling, true, []string{"tcp"}},
	{"Zipkin", keyZipkin, true, []string{"tcp"}},
	{"AWS X-Ray", keyXRay, false, []string{"tcp", "udp"}},
	{"Datadog", keyDatadog, true, []string{"tcp"}},
}

// The keys of the settings of [optionalListeners].
const (
	keyJaegerGRPC     = "jaeger.grpc.address"
	keyJaegerHTTP     = "jaeger.http.address"
	keyJaegerCompact  = "jaeger.compact.address"
	keyJaegerBinary   = "jaeger.binary.address"
	keyJaegerSampling = "jaeger.sampling.address"
	keyZipkin         = "zipkin.address"
	keyXRay           = "xray.address"
	keyDatadog        = "datadog.address"
)

// optional is the listener of a receiver beside OTLP.
type optional struct {
	title, key, flag string
	scheme           bool
	address          string         // as set
	tcp              net.Listener   // nil unless open
	udp              net.PacketConn // nil unless open
	missing          error          // why it is not open, though it is not off
}

// openOptional opens all that are not off.
func openOptional(c *config.Config) (all []*optional, err error) {
	settings := c.Settings()
	for _, x := range optionalListeners {
		i := slices.IndexFunc(settings, func(s config.Setting) bool { return s.Key == x.key })
		o := &optional{title: x.title, key: x.key, scheme: x.scheme, flag: settings[i].Flag, address: settings[i].Value()}
		all = append(all, o)
		if o.address == config.Off {
			continue
		}
		if err := o.open(x.network); err != nil {
			o.close()
			o.tcp, o.udp = nil, nil
			o.missing = explainListen(err, o.address, "--"+o.flag)
			if c.Source(x.key) != config.SourceDefault {
				for _, opened := range all {
					opened.close()
				}
				return nil, o.missing
			}
		}
	}
	return all, nil
}

func (o *optional) open(networks []string) (err error) {
	address := o.address
	for _, network := range networks {
		if network == "udp" {
			if o.udp, err = net.ListenPacket("udp", address); err != nil {
				return err
			}
			continue
		}
		l, err := net.Listen("tcp", address)
		if err != nil {
			return err
		}
		o.tcp = netutil.LimitListener(l, maxConnections)
		address = l.Addr().String() // the same port of the other network
	}
	return nil
}

func (o *optional) close() {
	if o.tcp != nil {
		o.tcp.Close()
	}
	if o.udp != nil {
		o.udp.Close()
	}
}

// addr is the address that it is open at, or nil.
func (o *optional) addr() net.Addr {
	switch {
	case o.tcp != nil:
		return o.tcp.Addr()
	case o.udp != nil:
		return o.udp.LocalAddr()
	}
	return nil
}

// shown is the address that it is open at, as a client of this machine uses it.
func (o *optional) shown(scheme string) string {
	if !o.scheme {
		return shownAddress(o.addr())
	}
	return scheme + shownAddress(o.addr())
}

// warnMissing warns of receivers that are not there because their ports are
// not to be had.
func (l *listeners) warnMissing(log *slog.Logger) {
	for _, o := range l.optional {
		if o.missing != nil {
			log.Warn("a receiver is left out: free its port, choose another one, or switch the receiver off", "receiver", o.title, "option", "--"+o.flag, "off", "--"+o.flag+" "+config.Off, "error", o.missing)
		}
	}
}

// find is the listener of a setting. Those that are not open have neither
// socket.
func (l *listeners) find(key string) *optional {
	i := slices.IndexFunc(l.optional, func(o *optional) bool { return o.key == key })
	return l.optional[i]
}

// told is what /server says of the receivers beside OTLP.
func (s *server) told() (out []native.Listener) {
	for _, o := range s.listeners.optional {
		n := native.Listener{Title: o.title, Setting: o.key, State: native.ListenerOpen}
		switch {
		case o.addr() != nil:
			n.Address = o.shown(s.scheme())
		case o.missing != nil:
			n.Address, n.State, n.Reason = o.address, native.ListenerMissing, o.missing.Error()
		default:
			n.State = native.ListenerOff
		}
		out = append(out, n)
	}
	return out
}
