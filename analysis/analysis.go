// Package analysis answers questions about many traces at once: who calls
// whom, where the time goes, what distinguishes some spans from others. Each
// is a function over the spans that a query finds, one a file:
//
//	graph.go     which services call which, and how that goes: calls.go finds
//	             the calls of a trace, peer.go who answered those that no span
//	             did, links.go who consumed a message in another trace;
//	             changes.go compares two graphs
//	paths.go     chains of services; what depends on what at any depth
//	critical.go  what the duration of one trace consists of
//	profile.go   the same of many
//	flame.go     traces laid over each other
//	heatmap.go   durations over time
//	values.go    the values of a field that the most spans have
//	compare.go   what distinguishes two sets of spans: compare_count.go counts,
//	             stats.go has the tests
//
// Goals: an answer is computed from the spans themselves, not from counters
// kept on the side, so it holds for any query and any range of time; it is
// exact, or says by how much it may be off; it names the share of the data
// that it rests on.
//
// Quantiles of durations are those of log-linear buckets and at most 1.6 % off,
// as in package exec. Times are Unix nanoseconds and durations nanoseconds.
// What is counted is stored spans: one that was sampled with a probability
// counts as one.
package analysis
