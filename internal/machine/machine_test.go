package machine

import "testing"

func TestMemory(t *testing.T) {
	const meminfo = "MemTotal:       16000000 kB\nMemFree:         200000 kB\n"
	for _, x := range []struct {
		name  string
		files map[string]string
		want  int64
	}{
		{"nothing is known", nil, 0},
		{"a machine", map[string]string{"/proc/meminfo": meminfo, "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "max\n"}, 16000000 << 10},
		{"a container", map[string]string{"/proc/meminfo": meminfo, "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "536870912\n"}, 512 << 20},
		{"a slice above", map[string]string{
			"/proc/meminfo": meminfo, "/proc/self/cgroup": "0::/system.slice/kiseki.service\n",
			"/sys/fs/cgroup/system.slice/memory.max": "268435456\n", "/sys/fs/cgroup/system.slice/kiseki.service/memory.max": "536870912\n",
		}, 256 << 20},
		{"version 1", map[string]string{
			"/proc/meminfo": meminfo, "/proc/self/cgroup": "5:cpu:/x\n4:memory:/docker/abc\n",
			"/sys/fs/cgroup/memory/memory.limit_in_bytes": "1073741824\n",
		}, 1 << 30},
		{"version 1 without a limit", map[string]string{
			"/proc/meminfo": meminfo, "/proc/self/cgroup": "4:memory:/\n", "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
		}, 16000000 << 10},
	} {
		if got := memory(func(name string) string { return x.files[name] }); got != x.want {
			t.Errorf("%s: %d bytes, want %d", x.name, got, x.want)
		}
	}
}

func TestResident(t *testing.T) {
	for statm, want := range map[string]uint64{"1000 250 10 1 0 2 0\n": 250 * 4096, "": 0, "x": 0, "1 x": 0} {
		if got := resident(statm, 4096); got != want {
			t.Errorf("%q: %d bytes, want %d", statm, got, want)
		}
	}
}
