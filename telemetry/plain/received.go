package plain

// What Zipkin's and Jaeger's models have and OpenTelemetry's does not is kept
// in attributes, so that those who ask by the same protocol get what was sent.
const (
	// ReceivedKey is an attribute of the scope of spans that came by such a
	// protocol, whose name is its value: ReceivedJaeger, ReceivedZipkin.
	ReceivedKey    = "kiseki.received"
	ReceivedJaeger = "jaeger"
	ReceivedZipkin = "zipkin"

	// ZipkinDebugKey and ZipkinSharedKey are true for spans with that flag.
	ZipkinDebugKey  = "zipkin.debug"
	ZipkinSharedKey = "zipkin.shared"
	// ZipkinNoStartKey is true for spans without a timestamp: their start is
	// that of their first annotation, or when they came.
	ZipkinNoStartKey = "zipkin.no_timestamp"
	// ZipkinTagsKey lists the keys of EndpointKeys that were tags, where the
	// endpoint said nothing of the kind.
	ZipkinTagsKey = "zipkin.tags"

	// The endpoints of a Zipkin span, beside the service.name of its resource.
	// Ports are integers. An endpoint with addresses of both versions has the
	// one of version 6 in an attribute of its own.
	LocalAddressKey  = "network.local.address"
	LocalPortKey     = "network.local.port"
	LocalIPv6Key     = "zipkin.local.ipv6"
	RemoteServiceKey = "peer.service"
	RemoteAddressKey = "network.peer.address"
	RemotePortKey    = "network.peer.port"
	RemoteIPv6Key    = "zipkin.remote.ipv6"

	// JaegerFlagsKey are the flags of a Jaeger span, where they are more than
	// whether it was sampled.
	JaegerFlagsKey = "@jaeger@flags"
	// JaegerWarningsKey are the warnings of a Jaeger span, an array of strings. It
	// is Jaeger's own name for them.
	JaegerWarningsKey = "@jaeger@warnings"
	// RefTypeKey is an attribute of a link: the reference that it is in
	// OpenTracing, RefChildOf or RefFollowsFrom.
	RefTypeKey     = "opentracing.ref_type"
	RefChildOf     = "child_of"
	RefFollowsFrom = "follows_from"
)

// IsEndpointKey reports whether an attribute of a span that came by Zipkin is
// a part of its endpoints, unless it is listed under [ZipkinTagsKey] or has
// been seen before in the span.
func IsEndpointKey(key string) bool {
	switch key {
	case LocalAddressKey, LocalPortKey, LocalIPv6Key, RemoteServiceKey, RemoteAddressKey, RemotePortKey, RemoteIPv6Key:
		return true
	}
	return false
}
