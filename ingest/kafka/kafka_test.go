package kafka_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/kiseki-dev/kiseki/forward"
	"github.com/kiseki-dev/kiseki/ingest"
	"github.com/kiseki-dev/kiseki/ingest/kafka"
	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/otlpjson"
	"github.com/kiseki-dev/kiseki/telemetry/otlpproto"
	"github.com/kiseki-dev/kiseki/telemetry/telemetrytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var topics = map[string]string{"proto": kafka.OTLPProto, "json": kafka.OTLPJSON, "jaeger": kafka.JaegerProto, "jaeger-json": kafka.JaegerJSON}

// broker is a Kafka in this process.
func broker(t *testing.T) string {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "proto", "json", "jaeger", "jaeger-json"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c.ListenAddrs()[0]
}

// put puts messages into a topic.
func put(t *testing.T, at, topic string, values ...[]byte) {
	t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(at))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, v := range values {
		if err := c.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: v}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// store is what a receiver stores in.
type store struct {
	mu       sync.Mutex
	got      map[string]int
	outcomes map[string]int
	refuse   error
}

func (s *store) append(_ context.Context, b *telemetry.Batch) (telemetry.Outcome, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse != nil {
		return telemetry.Outcome{}, s.refuse
	}
	for i := range b.Spans {
		s.got[telemetrytest.DumpSpan(b, i)]++
	}
	return telemetry.Outcome{}, nil
}

func (s *store) observe(o ingest.Observation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outcomes[o.Outcome]++
}

func (s *store) count() (spans int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.got {
		spans += n
	}
	return spans
}

// receive starts a receiver of all topics; stop ends it.
func receive(t *testing.T, at string) (s *store, stop func()) {
	t.Helper()
	s = &store{got: map[string]int{}, outcomes: map[string]int{}}
	r, err := kafka.New(kafka.Options{
		Ingest:  ingest.Options{Append: s.append, Observe: s.observe, Logger: slog.New(slog.DiscardHandler)},
		Brokers: []string{at}, Topics: topics, Group: "kiseki",
	})
	if err != nil {
		t.Fatal(err)
	}
	return s, func() {
		if err := r.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	}
}

func within(t *testing.T, ok func() bool, why func() string) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(why())
		}
	}
}

const jaegerJSON = `{"traceId":"AAAAAAAAAAAAAAAAAAAAAQ==","spanId":"AAAAAAAAAAI=","operationName":"charge","flags":1,
	"references":[{"traceId":"AAAAAAAAAAAAAAAAAAAAAQ==","spanId":"AAAAAAAAAAM=","refType":"CHILD_OF"}],
	"startTime":"2026-11-22T01:02:03.000000004Z","duration":"0.001000000s",
	"tags":[{"key":"http.status_code","vType":"INT64","vInt64":"402"},{"key":"span.kind","vStr":"client"},{"key":"x","vType":"FLOAT64","vFloat64":1.5}],
	"logs":[{"timestamp":"2026-11-22T01:02:03.000000005Z","fields":[{"key":"event","vStr":"declined"},{"key":"ok","vType":"BOOL","vBool":true}]}],
	"process":{"serviceName":"payment","tags":[{"key":"host","vStr":"a"}]}}`

// jaegerProto is the same span, as protobuf without the log.
var jaegerProto = "0a10000000000000000000000000000000011208000000000000000" + "2" + "1a06636861726765" + "3206088b96a5c906" + "52090a077061796d656e74"

// Messages of each encoding are stored, those that are malformed are passed
// over and counted.
func TestEncodings(t *testing.T) {
	at := broker(t)
	s, stop := receive(t, at)
	defer stop()
	b := telemetrytest.Random(1, 40)
	one, err := hex.DecodeString(jaegerProto)
	if err != nil {
		t.Fatal(err)
	}
	put(t, at, "proto", otlpproto.Append(nil, b), []byte("no protobuf"))
	put(t, at, "json", otlpjson.Append(nil, b), []byte("{"))
	put(t, at, "jaeger", one, []byte{1, 2, 3})
	put(t, at, "jaeger-json", []byte(jaegerJSON), []byte(`{"tags":[{"vType":"X"}]}`), nil)
	within(t, func() bool { return s.count() == 82 }, func() string { return fmt.Sprintf("%d spans, %v", s.count(), s.outcomes) })
	within(t, func() bool { s.mu.Lock(); defer s.mu.Unlock(); return s.outcomes[ingest.OutcomeMalformed] == 5 }, func() string { return fmt.Sprint(s.outcomes) })
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range b.Spans {
		if n := s.got[telemetrytest.DumpSpan(b, i)]; n != 2 {
			t.Fatalf("a span came %d times, not by each encoding", n)
		}
		delete(s.got, telemetrytest.DumpSpan(b, i))
	}
	var rest string
	for text := range s.got {
		rest += text
	}
	for _, want := range []string{
		`span 00000000000000000000000000000001/0000000000000002 parent=0000000000000003 name="charge" start=1795309323000000004 end=1795309323001000004 kind=client`,
		`"http.status_code" = int 402`, `"x" = double 1.5`, `"declined"`, `"ok" = bool true`, `"service.name" = string "payment"`, `"host" = string "a"`,
	} {
		if !strings.Contains(rest, want) {
			t.Errorf("there is no %s in\n%s", want, rest)
		}
	}
}

// While the store is busy nothing is committed: what was not stored comes
// after a restart, and what was comes no second time.
func TestBusyStoreAndRestart(t *testing.T) {
	at := broker(t)
	s, stop := receive(t, at)
	b := telemetrytest.Random(1, 20)
	put(t, at, "proto", otlpproto.Append(nil, b))
	within(t, func() bool { return s.count() == 20 }, func() string { return "nothing comes" })
	time.Sleep(200 * time.Millisecond) // so that it is committed
	s.mu.Lock()
	s.refuse = &telemetry.RetryError{After: time.Millisecond, Err: errors.New("busy")}
	s.mu.Unlock()
	put(t, at, "proto", otlpproto.Append(nil, telemetrytest.Random(2, 30)))
	within(t, func() bool { s.mu.Lock(); defer s.mu.Unlock(); return s.outcomes[ingest.OutcomeUnavailable] > 0 }, func() string { return fmt.Sprint(s.outcomes) })
	stop()

	s, stop = receive(t, at)
	defer stop()
	within(t, func() bool { return s.count() == 30 }, func() string { return fmt.Sprintf("%d spans came after the restart, not 30", s.count()) })
}

// What one kiseki sends on to a topic, another one takes from it.
func TestForwarded(t *testing.T) {
	at := broker(t)
	s, stop := receive(t, at)
	defer stop()
	f, err := forward.Open(forward.Options{
		Dir: t.TempDir(), Logger: slog.New(slog.DiscardHandler),
		Destinations: []forward.Destination{{Name: "kafka", To: "kafka://" + at + "/proto"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	take := f.Watch(func(context.Context, *telemetry.Batch) (telemetry.Outcome, error) { return telemetry.Outcome{}, nil })
	want := map[string]bool{}
	for seed := range uint64(20) {
		b := telemetrytest.Random(seed, 200)
		for i := range b.Spans {
			want[telemetrytest.DumpSpan(b, i)] = true
		}
		if _, err := take(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	within(t, func() bool { return s.count() == 4000 }, func() string { return fmt.Sprintf("%d spans: %+v", s.count(), f.Stats()) })
	for text := range s.got {
		if !want[text] {
			t.Fatalf("came %s, which was not sent", text)
		}
	}
}
