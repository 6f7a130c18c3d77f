package main

import (
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
)

// self is the command with which this program can be run again. Under "go run" the file that runs is gone a moment later.
func self() string {
	path, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || filepath.Base(filepath.Dir(path)) != "exe" || !strings.Contains(path, string(filepath.Separator)+"go-build") {
		return shellWord(os.Args[0])
	}
	if info.Main.Sum != "" { // as "go run PATH@VERSION" fetched it
		return "go run " + info.Path + "@" + info.Main.Version
	}
	return "go run " + info.Path
}

// shellWord quotes a word for a shell where it must be.
func shellWord(s string) string {
	safe := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+:@%\\", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !safe(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
