package budget

import (
	"slices"
	"testing"
)

func TestMachine(t *testing.T) {
	if got := machine("MemTotal:       24576 kB\nMemFree: 1 kB\n"); got != 24<<20 {
		t.Errorf("got %d", got)
	}
	if got := machine(""); got != 0 {
		t.Errorf("without the file: %d", got)
	}
}

func TestGroupFiles(t *testing.T) {
	for groups, want := range map[string][]string{
		"0::/user/troupe\n":                    {"/sys/fs/cgroup/user/troupe/memory.max", "/sys/fs/cgroup/user/memory.max", "/sys/fs/cgroup/memory.max"},
		"9:memory:/docker\n8:cpu,cpuacct:/x\n": {"/sys/fs/cgroup/memory/docker/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.limit_in_bytes"},
		"nonsense":                             nil,
	} {
		if got := groupFiles(groups); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", groups, got, want)
		}
	}
}

func TestBytesIn(t *testing.T) {
	for s, want := range map[string]int64{"536870912\n": 512 << 20, "max\n": 0, "": 0, "-1": 0, "9223372036854771712\n": 9223372036854771712} {
		if got := bytesIn(s); got != want {
			t.Errorf("%q: got %d, want %d", s, got, want)
		}
	}
}
