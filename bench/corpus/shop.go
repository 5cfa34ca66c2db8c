package corpus

import (
	"time"

	"github.com/kiseki-dev/kiseki/telemetry"
)

// shop is what does not change: who calls whom, and with what words.
type shop struct {
	services  []service
	endpoints []*op
	traffic   *table // over endpoints
	users     *table
	products  *table
	searches  *table
}

// service is a deployment with one instrumented language.
type service struct {
	name, version string
	pods          int
	language      *language
}

// The services, as indices of shop.services.
const (
	gateway = iota
	storefront
	catalog
	search
	cart
	checkout
	payment
	inventory
	shipping
	recommendation
	identity
	notification
)

// services run in 73 pods together.
func services() []service {
	return []service{
		gateway:        {"gateway", "2.31.4", 10, &golang},
		storefront:     {"storefront", "5.12.0", 10, &node},
		catalog:        {"catalog", "3.8.2", 9, &java},
		search:         {"search", "1.19.7", 7, &java},
		cart:           {"cart", "4.2.1", 7, &golang},
		checkout:       {"checkout", "6.0.3", 6, &java},
		payment:        {"payment", "2.7.9", 5, &java},
		inventory:      {"inventory", "3.3.0", 6, &golang},
		shipping:       {"shipping", "1.11.5", 4, &node},
		recommendation: {"recommendation", "0.28.6", 4, &python},
		identity:       {"identity", "2.2.8", 3, &golang},
		notification:   {"notification", "1.6.2", 2, &python},
	}
}

// op is a kind of span: something a service does.
type op struct {
	service  int
	name     string
	kind     telemetry.Kind
	scope    scopeKind
	function string // code.function.name
	attrs    []field
	self     time.Duration // median of the time not spent in calls
	failure  float64       // probability that the op itself fails
	calls    []call
}

// call is what an op does while it runs, in order.
type call struct {
	op       *op
	p        float64 // probability that it happens at all
	min, max int     // repetitions
	parallel bool    // repetitions start together
}

// field is an attribute whose text is a template, see [Generator.expand]. A
// string without a verb is constant; a number is written #i and the like.
type field struct {
	key    string
	text   string
	number int64 // where text is ""
}

// sigma is the spread of all latencies: the 99th percentile is about five
// times the median.
const sigma = 0.7

func newShop() *shop {
	s := &shop{
		services: services(),
		users:    newZipf(100_000, 1.05),
		products: newZipf(20_000, 0.9),
		searches: newZipf(len(words)*len(words), 0.8),
	}
	var weights []float64
	for _, e := range endpoints() {
		s.endpoints = append(s.endpoints, e.op)
		weights = append(weights, e.weight)
	}
	s.traffic = newTable(weights)
	return s
}

func one(o *op) call                 { return call{op: o, p: 1, min: 1, max: 1} }
func maybe(p float64, o *op) call    { return call{op: o, p: p, min: 1, max: 1} }
func some(min, max int, o *op) call  { return call{op: o, p: 1, min: min, max: max} }
func batch(min, max int, o *op) call { return call{op: o, p: 1, min: min, max: max, parallel: true} }

// page is a request of a browser that the gateway routes on.
func page(svc int, method, route, path, function string, status int64, calls ...call) *op {
	check := internal(gateway, "auth.VerifySession", "gateway/auth.(*Verifier).VerifySession", 90*time.Microsecond)
	inner := &op{
		service: svc, name: method + " " + route, kind: telemetry.KindServer, scope: scopeHTTPServer,
		function: function, self: 3 * time.Millisecond, failure: 0.022, calls: calls,
		attrs: []field{
			{key: "http.request.method", text: method}, {key: "http.route", text: route},
			{key: "url.path", text: path}, {key: "url.scheme", text: "http"},
			{key: "server.address", text: services()[svc].name + ".shop.svc"}, {key: "server.port", number: 8080},
			{key: "network.peer.address", text: "#g"}, {key: "http.response.status_code", number: status},
			{key: "user.id", text: "#u"},
		},
	}
	forward := &op{
		service: gateway, name: method, kind: telemetry.KindClient, scope: scopeHTTPClient,
		function: "gateway/proxy.(*Upstream).RoundTrip", self: 800 * time.Microsecond, failure: 0.005, calls: []call{one(inner)},
		attrs: []field{
			{key: "http.request.method", text: method},
			{key: "url.full", text: "http://" + services()[svc].name + ".shop.svc:8080" + path},
			{key: "server.address", text: services()[svc].name + ".shop.svc"}, {key: "server.port", number: 8080},
			{key: "network.protocol.version", text: "1.1"}, {key: "http.response.status_code", number: status},
		},
	}
	return &op{
		service: gateway, name: method + " " + route, kind: telemetry.KindServer, scope: scopeHTTPServer,
		function: "gateway/proxy.(*Router).ServeHTTP", self: 400 * time.Microsecond, failure: 0.005,
		calls: []call{one(check), one(forward)},
		attrs: []field{
			{key: "http.request.method", text: method}, {key: "http.route", text: route},
			{key: "url.path", text: path}, {key: "url.scheme", text: "https"},
			{key: "server.address", text: "www.shop.example"}, {key: "client.address", text: "#c"},
			{key: "user_agent.original", text: "#b"}, {key: "http.response.status_code", number: status},
			{key: "user.id", text: "#u"}, {key: "session.id", text: "#S"}, {key: "http.request.header.x-request-id", text: "#R"},
		},
	}
}

// rpc is a gRPC call from one service to another: the client's span around
// the server's.
func rpc(from, to int, method string, self time.Duration, calls ...call) *op {
	name := services()[to].name
	full := "shop." + name + ".v1." + method
	at := 0
	for i := range full {
		if full[i] == '/' {
			at = i
		}
	}
	server := &op{
		service: to, name: full, kind: telemetry.KindServer, scope: scopeRPCServer,
		function: full[:at] + "Handler." + full[at+1:], self: self, failure: 0.022, calls: calls,
		attrs: []field{
			{key: "rpc.system", text: "grpc"}, {key: "rpc.service", text: full[:at]}, {key: "rpc.method", text: full[at+1:]},
			{key: "rpc.grpc.status_code", number: 0}, {key: "network.peer.address", text: "#g"}, {key: "network.peer.port", text: "#i"},
			{key: "user.id", text: "#u"},
		},
	}
	return &op{
		service: from, name: full, kind: telemetry.KindClient, scope: scopeRPCClient,
		function: full[:at] + "Client." + full[at+1:], self: 500 * time.Microsecond, failure: 0.005, calls: []call{one(server)},
		attrs: []field{
			{key: "rpc.system", text: "grpc"}, {key: "rpc.service", text: full[:at]}, {key: "rpc.method", text: full[at+1:]},
			{key: "rpc.grpc.status_code", number: 0}, {key: "server.address", text: name + ".shop.svc"},
			{key: "server.port", number: 9090}, {key: "shop.deadline_ms", number: 2500},
		},
	}
}

// sql is a PostgreSQL statement.
func sql(svc int, verb, table, query string) *op {
	name := services()[svc].name
	return &op{
		service: svc, name: verb + " " + table, kind: telemetry.KindClient, scope: scopeSQL,
		function: name + ".store." + table + "." + verb, self: 1400 * time.Microsecond, failure: 0.03,
		attrs: []field{
			{key: "db.system.name", text: "postgresql"}, {key: "db.namespace", text: name}, {key: "db.collection.name", text: table},
			{key: "db.operation.name", text: verb}, {key: "db.query.text", text: query},
			{key: "server.address", text: "pg-" + name + ".db.shop.internal"}, {key: "server.port", number: 5432},
			{key: "db.response.returned_rows", text: "#n"},
		},
	}
}

// redis is a cache command.
func redis(svc int, verb, query string) *op {
	name := services()[svc].name
	return &op{
		service: svc, name: verb, kind: telemetry.KindClient, scope: scopeRedis,
		function: name + ".cache.Client." + verb, self: 350 * time.Microsecond, failure: 0.012,
		attrs: []field{
			{key: "db.system.name", text: "redis"}, {key: "db.namespace", number: 0}, {key: "db.operation.name", text: verb},
			{key: "db.query.text", text: query}, {key: "server.address", text: "redis-" + name + ".cache.shop.internal"},
			{key: "server.port", number: 6379}, {key: "network.peer.address", text: "10.4.#k.17"}, {key: "network.transport", text: "tcp"},
		},
	}
}

// publish sends an event through Kafka to a service that handles it.
func publish(from, to int, topic string, calls ...call) *op {
	attrs := []field{
		{key: "messaging.system", text: "kafka"}, {key: "messaging.destination.name", text: topic},
		{key: "messaging.destination.partition.id", text: "#k"}, {key: "messaging.kafka.offset", text: "#O"},
		{key: "messaging.message.id", text: "#R"}, {key: "server.address", text: "kafka.shop.internal"}, {key: "server.port", number: 9092},
	}
	process := &op{
		service: to, name: "process " + topic, kind: telemetry.KindConsumer, scope: scopeKafka,
		function: services()[to].name + ".consumer.handle", self: 2 * time.Millisecond, failure: 0.022, calls: calls,
		attrs: append([]field{
			{key: "messaging.operation.type", text: "process"}, {key: "messaging.consumer.group.name", text: services()[to].name},
		}, attrs...),
	}
	return &op{
		service: from, name: "send " + topic, kind: telemetry.KindProducer, scope: scopeKafka,
		function: services()[from].name + ".events.Publisher.publish", self: 1200 * time.Microsecond, failure: 0.012, calls: []call{one(process)},
		attrs: append([]field{{key: "messaging.operation.type", text: "send"}}, attrs...),
	}
}

// internal is work within a service worth a span.
func internal(svc int, name, function string, self time.Duration, attrs ...field) *op {
	return &op{
		service: svc, name: name, kind: telemetry.KindInternal, scope: scopeApp, function: function, self: self, failure: 0.012,
		attrs: append([]field{
			{key: "shop.variant", text: "#v"}, {key: "user.id", text: "#u"},
			{key: "code.line.number", number: int64(40 + len(function)*3)},
			{key: "shop.cache.hit_ratio", text: "#f"},
		}, attrs...),
	}
}

// external is an HTTP call to a partner outside the cluster.
func external(svc int, method, host, path string) *op {
	return &op{
		service: svc, name: method, kind: telemetry.KindClient, scope: scopeHTTPClient,
		function: services()[svc].name + ".partner.Client.execute", self: 80 * time.Millisecond, failure: 0.08,
		attrs: []field{
			{key: "http.request.method", text: method}, {key: "url.full", text: "https://" + host + path},
			{key: "server.address", text: host}, {key: "server.port", number: 443}, {key: "network.protocol.version", text: "2"},
			{key: "http.response.status_code", number: 200}, {key: "http.request.header.idempotency-key", text: "#R"},
		},
	}
}
