// Package redact removes what must not be in traces: credentials, cookies,
// card numbers, and on demand e-mail addresses and the values in SQL.
//
// instrument.Start does so by default, on the goroutine that encodes spans:
// neither the network nor the queue on disk sees what was removed, and the
// application does not wait for it. For another set-up there is [Exporter].
//
// It is a net below, not a licence: what is known to be sensitive should not
// be recorded. A name or an address in plain text looks like any other text.
package redact
