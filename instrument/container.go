package instrument

import (
	"bufio"
	"io"
	"os"
	"path/filepath"
	"regexp"
)

// containerIDs are 64 hexadecimal digits, as Docker, containerd, CRI-O and
// Podman have them, or those of an ECS task: 32, a dash and a number.
var containerIDs = regexp.MustCompile(`(?:^|[/:-])([0-9a-f]{64}|[0-9a-f]{32}-[0-9]{8,10})(?:\.scope)?(?:/|\s|$)`)

// mountedFrom finds the ID in a mount that the runtime makes from a folder
// of the container, such as /etc/hostname. With cgroup v2 the container sees
// itself at the root of the cgroups, and this is the only trace of it.
var mountedFrom = regexp.MustCompile(`/(?:containers|overlay-containers|sandboxes)/([0-9a-f]{64})/`)

// containerID reads the container's ID out of the process's folder in /proc,
// or returns "".
func containerID(proc string) string {
	for _, source := range []struct {
		file    string
		pattern *regexp.Regexp
	}{{"cgroup", containerIDs}, {"mountinfo", mountedFrom}} {
		f, err := os.Open(filepath.Join(proc, source.file))
		if err != nil {
			continue
		}
		id := firstMatch(f, source.pattern)
		f.Close()
		if id != "" {
			return id
		}
	}
	return ""
}

// firstMatch is the first group of the first line that matches, within the
// first megabyte.
func firstMatch(r io.Reader, pattern *regexp.Regexp) string {
	lines := bufio.NewScanner(io.LimitReader(r, 1<<20))
	for lines.Scan() {
		if m := pattern.FindStringSubmatch(lines.Text()); m != nil {
			return m[1]
		}
	}
	return ""
}
