package machine

import (
	"os"
	"strings"
)

// Resident is how many bytes of memory this process has, shared ones included;
// 0 where that cannot be found out.
func Resident() uint64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0 // not this kind of system
	}
	return resident(string(text), os.Getpagesize())
}

// resident is the second figure of statm, in pages.
func resident(statm string, page int) uint64 {
	fields := strings.Fields(statm)
	if len(fields) < 2 {
		return 0
	}
	return uint64(number(fields[1])) * uint64(page)
}
