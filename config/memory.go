package config

import "fmt"

// What is left to be sized from limits.memory, each a share of it between two
// bounds. Heads take up to three times FlushBytes (one that fills, up to twice
// its size, while another one is written), requests about four times
// InFlightBytes (as received, decoded, and as log records), writing a segment
// some 40 MiB: at 256 MiB that comes to about the limit, and above 1 GiB to
// less than half of it, where queries have the rest.
const (
	minMemory      = 256 * mib
	memoryShare    = 4  // of what the machine has
	headShare      = 12 // of limits.memory, and so on
	cacheShare     = 12
	inFlightShare  = 12
	maxAutoFlush   = 64 * mib
	maxAutoCache   = 128 * mib
	maxAutoFlight  = 256 * mib
	leastAutoFlush = 8 * mib
)

// Fit fills in the sizes that are left to be found: Limits.Memory from what
// the machine has (0 if not known), the others from that.
func (c *Config) Fit(available int64) {
	fit := func(key string, to *int64, size int64) {
		if *to == 0 {
			*to = size
			c.from(SourceDerived, key)
		}
	}
	fit("limits.memory", &c.Limits.Memory, max(minMemory, available/memoryShare))
	m := c.Limits.Memory
	fit("storage.flush-bytes", &c.Storage.FlushBytes, max(leastAutoFlush, min(m/headShare, maxAutoFlush, c.Storage.MinFreeBytes/2)))
	fit("storage.cache-bytes", &c.Storage.CacheBytes, max(mib, min(m/cacheShare, maxAutoCache)))
	if c.Limits.InFlightBytes == 0 {
		fit("limits.in-flight-bytes", &c.Limits.InFlightBytes, max(mib, min(m/inFlightShare, maxAutoFlight)))
		if c.Limits.DecompressedBytes > c.Limits.InFlightBytes { // one request must fit
			c.Limits.DecompressedBytes = c.Limits.InFlightBytes
			c.from(SourceDerived, "limits.decompressed-bytes")
		}
	}
}

// checkSizes checks what sizes have to do with each other. Those left to Fit
// are made to agree.
func (c *Config) checkSizes() error {
	flush := max(c.Storage.FlushBytes, leastAutoFlush)
	if c.Storage.FlushBytes > 0 {
		flush = c.Storage.FlushBytes
	}
	if c.Storage.MinFreeBytes < 2*flush {
		return fmt.Errorf("storage.min-free-bytes must be at least %s, twice storage.flush-bytes: kiseki writes that much itself after it has stopped taking spans", FormatSize(2*flush))
	}
	if m := c.Limits.Memory; m != 0 {
		if m < minMemory {
			return fmt.Errorf("limits.memory must be at least %s", FormatSize(minMemory))
		}
		if least := 3*c.Storage.FlushBytes + c.Storage.CacheBytes + c.Limits.InFlightBytes; m < least {
			return fmt.Errorf("limits.memory must be at least %s: three times storage.flush-bytes, storage.cache-bytes and limits.in-flight-bytes", FormatSize(least))
		}
	}
	return nil
}
