// Package kafka receives spans from topics of Apache Kafka, as a member of a
// consumer group: what collectors and Jaeger's agents have put there as OTLP or
// as Jaeger's spans.
//
// Goals:
//   - Nothing is lost: the offset of a message is committed once its spans are
//     durable. After kill -9 those in between come a second time, and queries
//     show such copies once.
//   - A message that cannot be read costs itself: it is counted, logged with its
//     place, and passed over.
//   - A store that is busy makes the topic wait, which is what it is for: no
//     further message is fetched until those at hand are stored.
//   - Memory is bounded, however large the backlog: by fetchBytes as sent, and
//     as many decoded messages as are stored at a time.
package kafka

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/kiseki-dev/kiseki/ingest"
	"github.com/kiseki-dev/kiseki/ingest/jaeger"
	"github.com/kiseki-dev/kiseki/ingest/otlp"
	"github.com/kiseki-dev/kiseki/internal/seldom"
	"github.com/kiseki-dev/kiseki/internal/tenant"
	"github.com/kiseki-dev/kiseki/telemetry"
)

// The encodings of messages, by the names that the OpenTelemetry Collector's
// receiver has for them.
const (
	OTLPProto   = "otlp_proto"
	OTLPJSON    = "otlp_json"
	JaegerProto = "jaeger_proto"
	JaegerJSON  = "jaeger_json"
)

// Encodings are all of them.
var Encodings = []string{OTLPProto, OTLPJSON, JaegerProto, JaegerJSON}

// Mechanisms are those of SASL.
var Mechanisms = []string{"plain", "scram-sha-256", "scram-sha-512"}

const (
	// fetchBytes is what is fetched of messages before those are stored.
	fetchBytes = 16 << 20
	// pollRecords is how many messages are stored before their offsets are
	// committed.
	pollRecords = 1000
	// workers is how many messages are stored at a time: they share an fsync.
	workers = 32
	// session is how long a member that was killed keeps its partitions, which
	// nobody else gets meanwhile, itself after a restart included.
	session = 10 * time.Second
	// mostRetry is the longest pause before a message is stored again.
	mostRetry = 5 * time.Second
)

// Options are what a [Receiver] needs.
type Options struct {
	Ingest  ingest.Options // Protocol, Title and NewDecoder are set here
	Brokers []string
	Topics  map[string]string // the encoding of each
	Group   string
	TLS     *tls.Config // nil: without
	// User, Password and Mechanism are those of SASL; User "": without.
	User, Password, Mechanism string
}

// Receiver is a member of a consumer group.
type Receiver struct {
	receiver *ingest.Receiver
	options  Options
	client   *kgo.Client
	log      *slog.Logger
	said     seldom.Filter
	decoders map[string]*sync.Pool // by topic
	stop     context.CancelFunc
	done     chan struct{}
}

// decoder is one with the encoding that it is asked for.
type decoder struct {
	ingest.Decoder
	encoding string
	batch    telemetry.Batch
}

// New joins the group and begins to take messages, once the brokers are there.
func New(o Options) (*Receiver, error) {
	o.Ingest.Protocol, o.Ingest.Title = "kafka", "Kafka"
	r := &Receiver{receiver: ingest.New(o.Ingest), options: o, said: seldom.Filter{Every: time.Minute}, decoders: map[string]*sync.Pool{}, done: make(chan struct{})}
	r.log = r.receiver.Log()
	topics := make([]string, 0, len(o.Topics))
	for topic, encoding := range o.Topics {
		if newDecoder(encoding, r.receiver.Limits()) == nil {
			return nil, fmt.Errorf("kafka: topic %s: there is no encoding %q", topic, encoding)
		}
		topics = append(topics, topic)
		r.decoders[topic] = &sync.Pool{New: func() any { return newDecoder(encoding, r.receiver.Limits()) }}
	}
	options := []kgo.Opt{
		kgo.SeedBrokers(o.Brokers...), kgo.ClientID("kiseki"), kgo.ConsumerGroup(o.Group), kgo.ConsumeTopics(topics...),
		kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll(), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchMaxBytes(fetchBytes), kgo.FetchMaxPartitionBytes(fetchBytes / 4), kgo.BrokerMaxReadBytes(4 * fetchBytes), kgo.MaxConcurrentFetches(1),
		kgo.SessionTimeout(session), kgo.MetadataMaxAge(time.Minute), kgo.WithHooks(hook{r}),
	}
	if o.TLS != nil {
		options = append(options, kgo.DialTLSConfig(o.TLS))
	}
	if o.User != "" {
		options = append(options, credentials(o))
	}
	var err error
	if r.client, err = kgo.NewClient(options...); err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	go r.run(ctx)
	return r, nil
}

func credentials(o Options) kgo.Opt {
	switch o.Mechanism {
	case "scram-sha-256":
		return kgo.SASL(scram.Auth{User: o.User, Pass: o.Password}.AsSha256Mechanism())
	case "scram-sha-512":
		return kgo.SASL(scram.Auth{User: o.User, Pass: o.Password}.AsSha512Mechanism())
	}
	return kgo.SASL(plain.Auth{User: o.User, Pass: o.Password}.AsMechanism())
}

// newDecoder is nil for an encoding that there is not.
func newDecoder(encoding string, l ingest.Limits) *decoder {
	switch encoding {
	case OTLPProto:
		return &decoder{Decoder: otlp.NewDecoder(otlp.DecodeLimits{Depth: l.Depth, Elements: l.Elements}), encoding: "protobuf"}
	case OTLPJSON:
		return &decoder{Decoder: otlp.NewDecoder(otlp.DecodeLimits{Depth: l.Depth, Elements: l.Elements}), encoding: "json"}
	case JaegerProto:
		return &decoder{Decoder: jaeger.NewDecoder(l), encoding: jaeger.EncodingSpan}
	case JaegerJSON:
		return &decoder{Decoder: jaeger.NewDecoder(l), encoding: jaeger.EncodingSpanJSON}
	}
	return nil
}

// hook tells of brokers that cannot be reached, of which polls say nothing.
type hook struct{ r *Receiver }

// OnBrokerConnect implements kgo.HookBrokerConnect.
func (h hook) OnBrokerConnect(m kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	if err != nil {
		h.r.warn("a Kafka broker cannot be reached; it is tried again", net.JoinHostPort(m.Host, fmt.Sprint(m.Port)), err)
	}
}

func (r *Receiver) warn(what, where string, err error) {
	if say, held := r.said.Pass(what+where, time.Now()); say {
		r.log.Warn(what, "where", where, "error", err, "repeated", held)
	}
}

// run takes messages until ctx ends.
func (r *Receiver) run(ctx context.Context) {
	defer close(r.done)
	for ctx.Err() == nil {
		fetches := r.client.PollRecords(ctx, pollRecords)
		fetches.EachError(func(topic string, _ int32, err error) {
			if ctx.Err() == nil {
				r.warn("messages of Kafka cannot be fetched; it is tried again", topic, err)
			}
		})
		records := fetches.Records()
		if r.storeAll(ctx, records) && len(records) > 0 {
			if err := r.client.CommitRecords(ctx, records...); err != nil && ctx.Err() == nil {
				r.warn("offsets cannot be committed; after a restart some messages come again", r.options.Group, err)
			}
		}
		r.client.AllowRebalance()
		if len(records) == 0 && len(fetches.Errors()) > 0 {
			pause(ctx, time.Second)
		}
	}
}

// storeAll has messages stored, many at a time, and reports whether all are
// stored or passed over.
func (r *Receiver) storeAll(ctx context.Context, records []*kgo.Record) bool {
	var all sync.WaitGroup
	next := make(chan *kgo.Record)
	for range min(workers, len(records)) {
		all.Go(func() {
			for record := range next {
				r.store(ctx, record)
			}
		})
	}
	for _, record := range records {
		next <- record
	}
	close(next)
	all.Wait()
	return ctx.Err() == nil
}

// store has the spans of a message stored, however long that takes. One that
// cannot be is passed over.
func (r *Receiver) store(ctx context.Context, record *kgo.Record) {
	pool := r.decoders[record.Topic]
	d := pool.Get().(*decoder)
	for {
		x := r.receiver.Begin("kafka", d.encoding)
		x.Seen.Bytes, x.Seen.DecodedBytes = len(record.Value), len(record.Value)
		fail, panicked := r.attempt(ctx, record, d, &x)
		if panicked {
			d = pool.New().(*decoder)
		}
		if ctx.Err() != nil && fail != nil {
			return // it comes again after the next start
		}
		r.receiver.End(&x, fail)
		switch {
		case fail == nil:
		case fail.RetryAfter > 0:
			if pause(ctx, min(fail.RetryAfter, mostRetry)); ctx.Err() != nil {
				return
			}
			continue
		default:
			r.warn("a message is passed over: "+fail.Message, fmt.Sprintf("%s partition %d offset %d", record.Topic, record.Partition, record.Offset), nil)
		}
		pool.Put(d)
		return
	}
}

func (r *Receiver) attempt(ctx context.Context, record *kgo.Record, d *decoder, x *ingest.Exchange) (fail *ingest.Failure, panicked bool) {
	if limit := r.receiver.Limits().DecodedBytes; int64(len(record.Value)) > limit {
		return &ingest.Failure{Outcome: ingest.OutcomeTooLarge, Message: fmt.Sprintf("it has more than %d bytes", limit)}, false
	}
	report, panicked, fail := r.receiver.Guard(d.encoding, func() (ingest.Report, error) {
		d.batch.Reset()
		return d.Decode(d.encoding, record.Value, &d.batch)
	})
	if fail != nil {
		return fail, panicked
	}
	header := http.Header{}
	for _, h := range record.Headers {
		if http.CanonicalHeaderKey(h.Key) == http.CanonicalHeaderKey(tenant.Header) {
			header.Add(h.Key, string(h.Value))
		}
	}
	return r.receiver.Store(ctx, header, &d.batch, report, x), false
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// Shutdown leaves the group; messages that are not stored by then come to its
// other members, or again after the next start.
func (r *Receiver) Shutdown(ctx context.Context) error {
	r.stop()
	select {
	case <-r.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	r.client.CloseAllowingRebalance()
	return nil
}
