package main

import (
	"os"
	"runtime/debug"

	"github.com/kiseki-dev/kiseki/config"
	"github.com/kiseki-dev/kiseki/internal/machine"
)

const (
	// notGo is memory that Go does not count: the binary's own pages first of all.
	notGo = 48 << 20
	// gcPercent is half of Go's default: at the full rate of ingestion that
	// saves a fifth of the memory and costs no processor time that could be
	// measured, for most of the heap has no pointers to follow.
	gcPercent = 50
)

// fitMemory sizes what is left to be sized and has Go collect garbage in time
// for the limit. Who sets GOMEMLIMIT or GOGC decides for himself.
func fitMemory(c *config.Config) {
	c.Fit(machine.Memory())
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(c.Limits.Memory - max(notGo, c.Limits.Memory/10))
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}
