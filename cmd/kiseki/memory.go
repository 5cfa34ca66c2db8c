package main

import (
	"os"
	"runtime/debug"

	"github.com/kiseki-dev/kiseki/config"
	"github.com/kiseki-dev/kiseki/internal/machine"
)

// notGo is memory that Go does not count: the binary's own pages first of all.
const notGo = 48 << 20

// fitMemory sizes what is left to be sized and has Go collect garbage in time
// for the limit. Who sets GOMEMLIMIT decides for himself.
func fitMemory(c *config.Config) {
	c.Fit(machine.Memory())
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(c.Limits.Memory - max(notGo, c.Limits.Memory/10))
	}
}
