// Package propagate has the propagators that carry a trace from one service
// to the next.
package propagate
