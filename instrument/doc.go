// Package instrument traces a Go service with OpenTelemetry: one call sets
// up everything, and what it records gets to the receiver without the service
// noticing.
package instrument
