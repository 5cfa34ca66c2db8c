package test

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/otel/propagation"

	"github.com/kiseki-dev/kiseki/instrument/internal/spantest"
	"github.com/kiseki-dev/kiseki/instrument/messagetrace"
)

// Two messages through a Kafka that keeps them in memory, written and read
// by a real client: one is processed by itself, then both as a batch.
func TestKafka(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "orders"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.ConsumeTopics("orders"),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()

	rec := spantest.New()
	orders := messagetrace.NewQueue("kafka", "orders", messagetrace.Group("shipping"),
		messagetrace.WithTracerProvider(rec.Provider), messagetrace.WithPropagator(spantest.Propagator))
	for _, text := range []string{"chair", "table"} {
		record := &kgo.Record{Topic: "orders", Value: []byte(text), Headers: []kgo.RecordHeader{{Key: "tenant", Value: []byte("acme")}}}
		err := orders.Send(ctx, messagetrace.KafkaHeaders(&record.Headers), func(ctx context.Context) error {
			return client.ProduceSync(ctx, record).FirstErr()
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	var came []*kgo.Record
	for len(came) < 2 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		came = append(came, fetches.Records()...)
	}
	var batch []propagation.TextMapCarrier
	for _, record := range came {
		if len(record.Headers) != 2 || string(record.Headers[0].Value) != "acme" {
			t.Errorf("the headers are %v", record.Headers)
		}
		batch = append(batch, messagetrace.KafkaHeaders(&record.Headers))
	}
	nothing := func(context.Context) error { return nil }
	if err := orders.Process(ctx, batch[0], nothing); err != nil {
		t.Fatal(err)
	}
	if err := orders.ProcessBatch(ctx, batch, nothing); err != nil {
		t.Fatal(err)
	}
	spantest.Compare(t, rec.Text(t, 4, "messaging.system", "messaging.destination.name", "messaging.operation.name",
		"messaging.operation.type", "messaging.consumer.group.name"), `
		producer send orders
		  consumer process orders (called)
		producer send orders
		consumer process orders
		  messaging.batch.message_count = 2
		  link to send orders
		  link to send orders
		`)
}
