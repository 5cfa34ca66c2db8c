// Package queue is a queue in a table: what is put into it in a transaction
// is there if and only if the transaction is.
package queue

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/kiseki-dev/kiseki/instrument/messagetrace"
)

// Placed is the queue of orders to ship, for both of its ends.
var Placed = messagetrace.NewQueue("outbox", "orders.placed", messagetrace.Group("shipping"))

// Message is one message. Its headers carry the trace.
type Message struct {
	ID      int64                  `json:"id"`
	Headers propagation.MapCarrier `json:"headers"`
	Body    json.RawMessage        `json:"body"`
}

// Schema makes the table.
const Schema = `CREATE TABLE IF NOT EXISTS messages (id INTEGER PRIMARY KEY, headers TEXT NOT NULL, body TEXT NOT NULL)`

// Put puts a message into the queue when tx is committed.
func Put(ctx context.Context, tx *sql.Tx, body any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode message: %w", err)
	}
	headers := propagation.MapCarrier{}
	return Placed.Send(ctx, headers, func(ctx context.Context) error {
		fields, err := json.Marshal(headers)
		if err != nil {
			return fmt.Errorf("encode headers of message: %w", err)
		}
		_, err = tx.ExecContext(ctx, "INSERT INTO messages (headers, body) VALUES (?, ?)", string(fields), string(text))
		return err
	}, semconv.MessagingMessageBodySize(len(text)))
}

// Take returns messages that have not been acknowledged, ten at most.
func Take(ctx context.Context, db *sql.DB) (list []Message, err error) {
	rows, err := db.QueryContext(ctx, "SELECT id, headers, body FROM messages ORDER BY id LIMIT 10")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var m Message
		var headers, body []byte
		if err := rows.Scan(&m.ID, &headers, &body); err != nil {
			return nil, err
		}
		m.Body = body
		if err := json.Unmarshal(headers, &m.Headers); err != nil {
			return nil, fmt.Errorf("decode headers of message %d: %w", m.ID, err)
		}
		list = append(list, m)
	}
	return list, rows.Err()
}

// Acknowledge removes a message that was processed.
func Acknowledge(ctx context.Context, db *sql.DB, id int64) error {
	_, err := db.ExecContext(ctx, "DELETE FROM messages WHERE id = ?", id)
	return err
}
