package demo

import (
	"context"
	"math/rand/v2"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// playTour opens a shop, plays the opening tour to its end, takes stock for
// one round and returns every span that arrived.
func playTour(t *testing.T) []span {
	t.Helper()
	r := newReceiver(t)
	s, err := Open(Options{Endpoint: r.URL})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range tour() {
		s.visitors.Go(func() { s.web.visit(s.visiting, s.working, c) })
	}
	s.visitors.Go(func() {
		s.inventory.job(s.visiting, "stock-take", func(ctx context.Context) error { return s.inventory.stocktake(ctx, 1) })
	})
	s.visitors.Wait()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	spans := r.spans()
	if c := s.Counts(); c.Failed != 0 || c.Err != nil || c.Sent != c.Ended || c.Sent != uint64(len(spans)) {
		t.Errorf("counts are %+v, %d spans arrived", c, len(spans))
	}
	return spans
}

func TestTour(t *testing.T) {
	spans := playTour(t)
	t.Run("one order spans the shop", func(t *testing.T) { checkOrder(t, spans) })
	t.Run("parents", func(t *testing.T) { checkParents(t, spans) })
	t.Run("resources", func(t *testing.T) { checkResources(t, spans) })
	t.Run("links", func(t *testing.T) { checkLinks(t, spans) })
	t.Run("stories", func(t *testing.T) { checkStories(t, spans) })
}

// where returns the spans for which f is true.
func where(spans []span, f func(s span) bool) []span {
	var found []span
	for _, s := range spans {
		if f(s) {
			found = append(found, s)
		}
	}
	return found
}

// ofOrder is the whole trace in which a user placed an order.
func ofOrder(t *testing.T, spans []span, user string) []span {
	t.Helper()
	roots := where(spans, func(s span) bool { return s.Name == "place order" && s.attr("user.id") == user })
	if len(roots) != 1 {
		t.Fatalf("%s placed %d orders, want 1", user, len(roots))
	}
	return where(spans, func(s span) bool { return string(s.TraceId) == string(roots[0].TraceId) })
}

func checkOrder(t *testing.T, spans []span) {
	order := ofOrder(t, spans, "u-good")
	var services []string
	for _, s := range order {
		services = append(services, s.service)
		if s.attr("user.id") != "u-good" {
			t.Errorf("%s of %s does not know the user", s.Name, s.service)
		}
	}
	slices.Sort(services)
	services = slices.Compact(services)
	want := []string{"cart", "catalog", "checkout", "currency", "frontend", "inventory", "payment", "shipping", "web"}
	if !slices.Equal(services, want) {
		t.Errorf("services of the order are %v, want %v", services, want)
	}
	if len(order) < 30 || len(order) > 60 {
		t.Errorf("the order has %d spans, want 30 to 60", len(order))
	}
	servers := where(order, func(s span) bool { return s.Kind == tracepb.Span_SPAN_KIND_SERVER && s.service == "checkout" })
	if len(servers) != 1 || servers[0].Name != "POST /orders" {
		t.Fatalf("server spans of checkout: %v", servers)
	}
	for key, want := range map[string]string{
		"http.request.method": "POST", "http.route": "/orders", "url.path": "/orders",
		"http.response.status_code": "200", "server.address": "checkout.shop.internal",
	} {
		if got := servers[0].attr(key); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	queries := where(order, func(s span) bool {
		return s.attr("db.system.name") == "sqlite" && strings.Contains(s.attr("db.query.text"), "UPDATE stock")
	})
	if len(queries) != 3 || queries[0].Name != "UPDATE stock" || queries[0].service != "inventory" {
		t.Errorf("three lines were reserved with the queries %v", queries)
	}
}

func checkParents(t *testing.T, spans []span) {
	ids := map[string]bool{}
	for _, s := range spans {
		ids[string(s.SpanId)] = true
	}
	for _, s := range spans {
		if len(s.ParentSpanId) > 0 && !ids[string(s.ParentSpanId)] {
			t.Errorf("the parent of %s of %s is missing", s.Name, s.service)
		}
		if s.Kind == tracepb.Span_SPAN_KIND_SERVER && len(s.ParentSpanId) == 0 {
			t.Errorf("%s of %s has no caller", s.Name, s.service)
		}
	}
}

func checkResources(t *testing.T, spans []span) {
	for _, s := range spans {
		keys := []string{"service.version", "service.namespace", "deployment.environment.name", "telemetry.sdk.name"}
		if s.service == "web" {
			keys = append(keys, "browser.platform", "user_agent.original")
		} else {
			keys = append(keys, "service.instance.id", "host.name", "k8s.pod.name", "process.runtime.name")
		}
		for _, k := range keys {
			if find(s.resource, k) == "" {
				t.Fatalf("%s has no resource attribute %s", s.service, k)
			}
		}
	}
}

func checkLinks(t *testing.T, spans []span) {
	sent := map[string]string{} // span ID to message ID
	for _, s := range where(spans, func(s span) bool { return s.Kind == tracepb.Span_SPAN_KIND_PRODUCER }) {
		sent[string(s.SpanId)] = s.attr("messaging.message.id")
	}
	if len(sent) != 4 {
		t.Errorf("%d orders were announced, want 4", len(sent))
	}
	linked, batches := map[string]int{}, 0
	for _, s := range spans {
		for _, l := range s.Links {
			if sent[string(l.SpanId)] == "" || sent[string(l.SpanId)] != find(l.Attributes, "messaging.message.id") {
				t.Errorf("%s of %s links to something that was not sent", s.Name, s.service)
			}
			linked[s.service+" "+s.Name]++
		}
		if s.Name == "receive orders.placed" {
			batches++
			if find(s.Attributes, "messaging.batch.message_count") == "" || len(s.ParentSpanId) != 0 {
				t.Errorf("batch %v is not a root with a count", s)
			}
		}
	}
	want := map[string]int{
		"notification receive orders.placed": 4,
		"notification process orders.placed": 4,
	}
	if !reflect.DeepEqual(linked, want) {
		t.Errorf("links are %v, want %v", linked, want)
	}
	if batches == 0 {
		t.Error("no batch was received")
	}
}

func checkStories(t *testing.T, spans []span) {
	count := func(what string, want int, f func(s span) bool) {
		t.Helper()
		if got := len(where(spans, f)); got != want {
			t.Errorf("%s: %d spans, want %d", what, got, want)
		}
	}
	isError := func(s span) bool { return s.Status.GetCode() == tracepb.Status_STATUS_CODE_ERROR }
	exception := func(s span, part string) bool {
		return slices.ContainsFunc(s.exceptions(), func(e []*commonpb.KeyValue) bool {
			return strings.Contains(find(e, "exception.message"), part) &&
				strings.Contains(find(e, "exception.stacktrace"), "/demo/")
		})
	}
	count("declined card", 1, func(s span) bool {
		return s.Name == "charge card" && isError(s) && s.attr("shop.payment.attempts") == "1" && exception(s, "insufficient funds")
	})
	count("reservation given back", 1, func(s span) bool {
		return s.Name == "DELETE /reservations/{order}" && s.service == "inventory" && s.attr("http.response.status_code") == "200"
	})
	count("third attempt succeeds", 1, func(s span) bool {
		return s.Name == "charge card" && !isError(s) && s.attr("shop.payment.attempts") == "3" && len(s.Events) == 2
	})
	// On a busy machine other cards are slow too.
	slow := where(ofOrder(t, spans, "u-slow"), func(s span) bool {
		return s.Name == "charge card" && s.EndTimeUnixNano-s.StartTimeUnixNano > uint64(time.Second)
	})
	if len(slow) != 1 {
		t.Errorf("slow card: %d spans, want 1", len(slow))
	}
	count("mail refused", 1, func(s span) bool {
		return s.Name == "process orders.placed" && s.service == "notification" && isError(s) && exception(s, "no valid address")
	})
	count("panic behind a degraded page", 1, func(s span) bool {
		return s.service == "recommendation" && isError(s) && exception(s, "index out of range")
	})
	count("unknown currency", 1, func(s span) bool { return s.Name == "price order" && isError(s) })
	count("stock-take", 1, func(s span) bool { return s.Name == "job stock-take" && !isError(s) })
	count("flags of orders", 6, func(s span) bool {
		return s.Name == "POST /checkout" && len(s.Events) > 0 && s.Events[0].Name == "feature_flag.evaluation"
	})
	for _, s := range where(spans, func(s span) bool {
		return s.Name == "GET /users/{user}/suggestions" && s.Kind == tracepb.Span_SPAN_KIND_SERVER && !isError(s)
	}) {
		queries := where(spans, func(q span) bool {
			return string(q.ParentSpanId) == string(s.SpanId) && q.attr("db.query.text") != ""
		})
		if len(queries) != 11 {
			t.Errorf("a page of suggestions took %d queries, want 1 + 10", len(queries))
		}
	}
}

// TestStocktakeHoldsOrdersUp starts a round of the stock-take and reserves
// while the table is locked.
func TestStocktakeHoldsOrdersUp(t *testing.T) {
	r := newReceiver(t)
	s, err := Open(Options{Endpoint: r.URL})
	if err != nil {
		t.Fatal(err)
	}
	const walk = 300 * time.Millisecond
	counted := make(chan error)
	go func() { counted <- s.inventory.count(context.Background(), walk) }()
	reserve := request{method: "POST", host: "inventory", template: "/reservations/{order}", args: []any{"o-1"}, body: []line{{"TEA-001", 1}}}
	// Until the stock-take has the lock, reservations get through.
	for longest := time.Duration(0); longest < walk/2; {
		start := time.Now()
		if err := s.web.call(context.Background(), reserve, nil); err != nil {
			t.Fatal(err)
		}
		longest = time.Since(start)
	}
	if err := <-counted; err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	waits := where(r.spans(), func(s span) bool {
		return s.Name == "BEGIN" && s.service == "inventory" && s.EndTimeUnixNano-s.StartTimeUnixNano > uint64(walk/3)
	})
	if len(waits) == 0 {
		t.Error("no BEGIN waited for the lock")
	}
}

// TestBaggageStaysInTheShop looks at what a third party is told.
func TestBaggageStaysInTheShop(t *testing.T) {
	r := newReceiver(t)
	s, err := Open(Options{Endpoint: r.URL})
	if err != nil {
		t.Fatal(err)
	}
	headers := map[string]http.Header{}
	see := func(w http.ResponseWriter, r *http.Request) { headers[r.Host] = r.Header }
	for _, name := range []string{"cart", "payment-provider"} {
		if err := s.network.serve(name, http.HandlerFunc(see)); err != nil {
			t.Fatal(err)
		}
		ctx := s.web.withBaggage(context.Background(), customer{user: "u-1", session: "s-1"})
		if err := s.web.call(ctx, request{method: "GET", host: name, template: "/"}, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	inside, outside := headers["cart.shop.internal"], headers["api.cardworks.example"]
	if inside.Get("traceparent") == "" || !strings.Contains(inside.Get("baggage"), "user.id=u-1") {
		t.Errorf("cart was told %v", inside)
	}
	if outside.Get("traceparent") == "" || outside.Get("baggage") != "" {
		t.Errorf("the payment provider was told %v", outside)
	}
}

// TestUnreachable closes a shop that never reached its receiver.
func TestUnreachable(t *testing.T) {
	r := newReceiver(t)
	r.Close()
	s, err := Open(Options{Endpoint: r.URL})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Probe(context.Background()); err == nil {
		t.Error("probe found a receiver that is gone")
	}
	s.web.visit(s.visiting, s.working, customer{user: "u-1", session: "s-1"})
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if c := s.Counts(); c.Sent != 0 || c.Failed == 0 || c.Failed != c.Ended || c.Err == nil {
		t.Errorf("counts are %+v", c)
	}
}

// TestReceiverComesBack opens the shop before its receiver.
func TestReceiverComesBack(t *testing.T) {
	gone := newReceiver(t)
	address := gone.Listener.Addr().String()
	gone.Close()
	s, err := Open(Options{Endpoint: gone.URL})
	if err != nil {
		t.Fatal(err)
	}
	s.web.visit(s.visiting, s.working, customer{user: "u-1", session: "s-1"})
	for s.Counts().Err == nil {
		time.Sleep(10 * time.Millisecond)
	}
	r := newReceiver(t, address)
	for c := s.Counts(); c.Sent != c.Ended; c = s.Counts() {
		if c.Failed != 0 {
			t.Fatalf("gave up: %v", c.Err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if c := s.Counts(); c.Failed != 0 || c.Err != nil || c.Sent != uint64(len(r.spans())) {
		t.Errorf("counts are %+v, %d spans arrived", c, len(r.spans()))
	}
}

func TestSameSeedSameCustomers(t *testing.T) {
	draw := func(seed uint64) (all []customer) {
		r := rand.New(rand.NewPCG(seed, 0))
		for n := range 50 {
			all = append(all, nextCustomer(r, n))
		}
		return all
	}
	if !reflect.DeepEqual(draw(1), draw(1)) {
		t.Error("the same seed gave different customers")
	}
	if reflect.DeepEqual(draw(1), draw(2)) {
		t.Error("different seeds gave the same customers")
	}
}

func TestOptions(t *testing.T) {
	for _, o := range []Options{
		{Endpoint: "127.0.0.1:4318"},
		{Endpoint: "ftp://127.0.0.1"},
		{Endpoint: "http://127.0.0.1:4318", Rate: -1},
		{Endpoint: "http://127.0.0.1:4318", Rate: maxRate + 1},
	} {
		if s, err := Open(o); err == nil {
			t.Errorf("%+v was taken", o)
			s.Close()
		}
	}
}
