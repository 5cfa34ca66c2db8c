// Package sampler decides which traces are recorded.
//
// A sampler is asked once a trace, by the service that begins it; every other
// service follows the decision that comes with the request, which is what
// [ParentBased] is for:
//
//	instrument.Start(ctx, instrument.Options{
//		Sampler: sampler.ParentBased(sampler.RateLimited(10)),
//	})
//
// [Remote] and [XRay] ask a server for their rules. They start a goroutine,
// which Close ends; the stop of instrument.Start closes the sampler it was
// given, and so does the Close of a ParentBased around one. Until the server
// has answered, and while it is down, they go by what they knew last.
//
// All samplers may be used by any number of goroutines.
package sampler
