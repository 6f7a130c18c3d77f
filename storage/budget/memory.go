package budget

import (
	"os"
	"path"
	"strconv"
	"strings"
)

// fallback is assumed where nothing says how much memory there is.
const fallback = 1 << 30

// Memory returns how many bytes the process may use: the least of the machine's memory, the limits of its cgroups (version 1 or 2) and
// what GOMEMLIMIT says in the environment. The limit that the process set for its own collector is not among them.
func Memory() int64 {
	m := machine(readFile("/proc/meminfo"))
	if m == 0 {
		m = fallback
	}
	for _, name := range groupFiles(readFile("/proc/self/cgroup")) {
		if n := bytesIn(readFile(name)); n > 0 {
			m = min(m, n)
		}
	}
	if n, err := ParseSize(os.Getenv("GOMEMLIMIT")); err == nil {
		m = min(m, n)
	}
	return m
}

func readFile(name string) string {
	b, err := os.ReadFile(name)
	if err != nil {
		return "" // not this kind of system
	}
	return string(b)
}

// machine reads MemTotal of /proc/meminfo; 0 when it is not there.
func machine(meminfo string) int64 {
	for line := range strings.Lines(meminfo) {
		rest, ok := strings.CutPrefix(line, "MemTotal:")
		if !ok {
			continue
		}
		kb, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
		return kb << 10
	}
	return 0
}

// groupFiles returns the files that limit the groups named in /proc/self/cgroup and the groups around them. Inside a container the
// path is the host's and not there; the root of what is mounted is the container's own group then.
func groupFiles(groups string) []string {
	var names []string
	for line := range strings.Lines(groups) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		root, file := "", ""
		switch {
		case parts[1] == "":
			root, file = "/sys/fs/cgroup", "memory.max"
		case strings.Contains(","+parts[1]+",", ",memory,"):
			root, file = "/sys/fs/cgroup/memory", "memory.limit_in_bytes"
		default:
			continue
		}
		for dir := path.Clean("/" + parts[2]); ; dir = path.Dir(dir) {
			names = append(names, path.Join(root, dir, file))
			if dir == "/" {
				break
			}
		}
	}
	return names
}

// bytesIn reads a limit; "max", no file and nonsense are 0: no limit.
func bytesIn(s string) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}
