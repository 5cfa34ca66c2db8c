package forward

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kiseki-dev/kiseki/telemetry"
	"github.com/kiseki-dev/kiseki/telemetry/otlpproto"
)

const (
	// mostRecord is what brokers take of a message unless they are told
	// otherwise, less the room for what surrounds it.
	mostRecord = 1_000_000 - 4096
	// deliveryTime is how long a message is tried for, less than an attempt.
	deliveryTime = 20 * time.Second
)

// kafka puts OTLP messages into a topic.
type kafka struct {
	client  *kgo.Client
	headers []kgo.RecordHeader
}

func newKafka(_ *Options, t *target) (sender, error) {
	topic := strings.TrimPrefix(t.url.Path, "/")
	if topic == "" || strings.Contains(topic, "/") {
		return nil, fmt.Errorf("to: %q has no topic, as in %s://127.0.0.1:9092/otlp_spans", shown(t.To), t.url.Scheme)
	}
	options := []kgo.Opt{
		kgo.SeedBrokers(t.host), kgo.ClientID("kiseki"), kgo.DefaultProduceTopic(topic), kgo.AllowAutoTopicCreation(),
		kgo.RecordDeliveryTimeout(deliveryTime), kgo.ProducerBatchMaxBytes(1_000_000),
	}
	if t.tls != nil {
		options = append(options, kgo.DialTLSConfig(t.tls))
	}
	client, err := kgo.NewClient(options...)
	if err != nil {
		return nil, fmt.Errorf("to: %w", err)
	}
	s := &kafka{client: client}
	for _, h := range t.sortedHeaders() {
		s.headers = append(s.headers, kgo.RecordHeader{Key: h[0], Value: []byte(h[1])})
	}
	return s, nil
}

// send returns once all replicas that are in sync have the message.
func (s *kafka) send(ctx context.Context, b *telemetry.Batch) error {
	body := otlpproto.Append(nil, b) // the client may hold on to it after a failure
	if len(body) > mostRecord && len(b.Spans) > 1 {
		return &sendError{tooLarge: true, err: errLarge}
	}
	err := s.client.ProduceSync(ctx, &kgo.Record{Value: body, Headers: s.headers}).FirstErr()
	if errors.Is(err, kerr.MessageTooLarge) || errors.Is(err, kerr.RecordListTooLarge) {
		return &sendError{tooLarge: true, err: err}
	}
	return err
}

func (s *kafka) close() error {
	s.client.Close()
	return nil
}
