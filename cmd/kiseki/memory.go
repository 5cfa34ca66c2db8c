package main

import (
	"os"
	"runtime/debug"

	"github.com/kiseki-dev/kiseki/config"
	"github.com/kiseki-dev/kiseki/internal/machine"
)

// fitMemory sizes what is left to be sized and has Go collect garbage in time
// for the limit. A tenth stays for what Go does not count as its own. Who sets
// GOMEMLIMIT decides for himself.
func fitMemory(c *config.Config) {
	c.Fit(machine.Memory())
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(c.Limits.Memory / 10 * 9)
	}
}
