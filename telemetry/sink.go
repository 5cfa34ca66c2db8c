package telemetry

import (
	"context"
	"time"
)

// Outcome is what became of a batch that was accepted.
type Outcome struct {
	// RejectedSpans were refused and are not stored; sending them again is
	// pointless. The rest of the batch is durable.
	RejectedSpans int
	// Message says in words why spans were rejected, or warns.
	Message string
}

// AppendFunc takes a batch and returns once it is durable. The batch and the
// memory it aliases belong to the caller again when it returns; it may modify
// the batch meanwhile. A [RetryError] means that nothing was stored and the
// client should send the batch again; any other error that nothing was stored
// and it should not.
type AppendFunc func(ctx context.Context, b *Batch) (Outcome, error)

// RetryError says that a batch could not be taken now.
type RetryError struct {
	After time.Duration // how long the client should wait
	Err   error         // why
}

func (e *RetryError) Error() string { return e.Err.Error() }

// Unwrap is the cause.
func (e *RetryError) Unwrap() error { return e.Err }
