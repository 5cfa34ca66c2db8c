package messagetrace_test

import (
	"context"
	"fmt"

	"github.com/kiseki-dev/kiseki/instrument/messagetrace"
)

// RecordHeader and Record are what a client library of Kafka has.
type (
	RecordHeader struct {
		Key   string
		Value []byte
	}
	Record struct {
		Value   []byte
		Headers []RecordHeader
	}
)

func ExampleQueue() {
	orders := messagetrace.NewQueue("kafka", "orders.placed", messagetrace.Group("shipping"))
	record := Record{Value: []byte("one chair")}

	err := orders.Send(context.Background(), messagetrace.KafkaHeaders(&record.Headers), func(context.Context) error {
		return nil // client.Produce(ctx, record)
	})
	if err != nil {
		fmt.Println(err)
	}

	// In another service:
	err = orders.Process(context.Background(), messagetrace.KafkaHeaders(&record.Headers), func(context.Context) error {
		fmt.Println("ship", string(record.Value))
		return nil
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output: ship one chair
}
