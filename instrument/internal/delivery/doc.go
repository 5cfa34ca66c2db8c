// Package delivery gets ended spans to an OTLP/HTTP receiver without the
// application noticing.
//
// What it must achieve:
//
//   - Ending a span costs a lock and an append, some tens of nanoseconds,
//     whatever the receiver, the network and the disk do.
//   - Memory and disk are bounded; what no longer fits in is counted by
//     reason.
//   - What was acknowledged is known, and what was not is kept on disk, sent
//     later, and survives the end of the process, kill -9 included. At least
//     once: a span may arrive twice when an answer was lost, or when the
//     process died between the answer and the removal of the file.
//
// The path of a span:
//
//	OnEnd → pending → collect: encode, compress → queue: memory, or disk → send
//
// Two goroutines do the work. The collector takes the pending spans every
// interval, or when there are many, and makes batches of them. The sender
// sends one batch at a time. While the receiver answers, batches stay in
// memory for the moment it takes; they go to disk when it does not, when a
// request takes longer than a second, and when more of them wait than that
// explains.
//
// Rejected: the SDK's batch processor, which does not say what it dropped and
// hands an exporter no time of its own to persist; writing every batch to
// disk before it is sent, which doubles the cost for the seconds before a
// kill -9; one log file for all batches, which a reader and a writer would
// have to truncate together.
package delivery
