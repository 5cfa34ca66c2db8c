// Package machine tells what the machine, or the container, gives a process.
package machine

import (
	"os"
	"path"
	"strconv"
	"strings"
)

// Memory is how much memory this process may use: the machine's or what the
// control group allows, whichever is less. 0 where neither can be found out.
func Memory() int64 {
	return memory(func(name string) string {
		text, err := os.ReadFile(name)
		if err != nil {
			return "" // not this kind of system
		}
		return string(text)
	})
}

func memory(read func(name string) string) int64 {
	least := int64(0)
	take := func(n int64) {
		if n > 0 && (least == 0 || n < least) {
			least = n
		}
	}
	take(total(read("/proc/meminfo")))
	// Version 2 of control groups: 0::/path. Every group above limits too.
	// Version 1: n:memory:/path; in a container that path is often not there,
	// and the root of the mount is the container's own.
	for line := range strings.Lines(read("/proc/self/cgroup")) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) != 3 {
			continue
		}
		root, file := "/sys/fs/cgroup", "memory.max"
		if fields[1] != "" {
			if !strings.Contains(","+fields[1]+",", ",memory,") {
				continue
			}
			root, file = "/sys/fs/cgroup/memory", "memory.limit_in_bytes"
		}
		for dir := path.Clean("/" + fields[2]); ; dir = path.Dir(dir) {
			take(number(read(path.Join(root, dir, file))))
			if dir == "/" {
				break
			}
		}
	}
	return least
}

// total is MemTotal of /proc/meminfo in bytes.
func total(meminfo string) int64 {
	for line := range strings.Lines(meminfo) {
		if rest, ok := strings.CutPrefix(line, "MemTotal:"); ok {
			return number(strings.TrimSuffix(strings.TrimSpace(rest), " kB")) << 10
		}
	}
	return 0
}

// number is 0 for what is not one, such as "max".
func number(text string) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil || n < 0 || n > 1<<52 {
		return 0
	}
	return n
}
