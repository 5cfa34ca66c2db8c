// Package instrument traces a Go service with OpenTelemetry: one call sets
// up everything, and what it records gets to the receiver without the service
// noticing.
//
//	stop, err := instrument.Start(ctx, instrument.Options{Service: "shop", QueueDir: "/var/lib/shop/traces"})
//	if err != nil {
//		slog.Warn("no traces", "error", err)
//	}
//	defer stop(context.Background())
//
// From then on httptrace, chitrace, grpctrace, sqltrace and messagetrace make
// the spans of requests, calls, queries and messages; [Do] makes those of
// parts of the work, [Go] those of work that goes on after the answer, and
// [Link] says what belongs together across traces.
//
// # What must hold
//
// Tracing never breaks the application: nothing here panics, waits for the
// network or the disk on a goroutine of the application, or grows without
// bound. What was recorded is sent at least once: while the receiver is down,
// in a queue on disk that survives the process. What is lost all the same is
// counted by reason, see [Stats]. The README says what is guaranteed when.
//
// Everything is plain OpenTelemetry: the tracer provider is the SDK's, other
// instrumentation libraries work with it, and the spans go out as OTLP to any
// receiver.
package instrument
