//go:build unix

package main_test

import (
	"bufio"
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// hint is the command that the server prints for the first superuser.
var hint = regexp.MustCompile(`\(or on the command line: (.*) superuser upsert EMAIL PASS --dir (.*)\)`)

// hinted starts a server on an empty directory, waits for its hint, and stops it.
func hinted(t *testing.T, cmd *exec.Cmd) (command, dir string) {
	t.Helper()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // "go run" has the server as a child
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr := new(bytes.Buffer)
	cmd.Stderr = stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	guard := time.AfterFunc(startDeadline, func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	defer guard.Stop()
	lines := bufio.NewScanner(out)
	for lines.Scan() && command == "" {
		if found := hint.FindStringSubmatch(lines.Text()); found != nil {
			command, dir = found[1], found[2]
			syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		}
	}
	for lines.Scan() {
	}
	_ = cmd.Wait() // "go run" tells of the signal
	if command == "" {
		t.Fatalf("no hint\n%s", stderr)
	}
	return command, dir
}

// The command that is printed for the first superuser exists, under "go run" too, whose program is gone with it, and in a
// directory whose name a shell would take apart.
func TestTheHintForTheFirstSuperuserWorks(t *testing.T) {
	if testing.Short() {
		t.Skip("starts go run")
	}
	for name, start := range map[string][]string{
		"binary": {binary(t), "serve"},
		"go run": {"go", "run", ".", "serve"},
	} {
		dir := filepath.Join(t.TempDir(), "it's data")
		command, printed := hinted(t, exec.Command(start[0], append(start[1:], "--http=127.0.0.1:0", "--dir", dir)...))
		shell, err := exec.LookPath("/bin/sh")
		if err != nil {
			t.Skip(err)
		}
		run := exec.Command(shell, "-c", command+" superuser upsert a@x.test 12345678 --dir "+printed)
		out, err := run.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "Successfully saved") {
			t.Errorf("%s: %s: %v\n%s", name, strings.Join(run.Args, " "), err, out)
		}
		if _, err := os.Stat(filepath.Join(dir, "data.db")); err != nil {
			t.Error(err)
		}
	}
}

// Who starts a second server is told how to give it another address.
func TestAPortInUseNamesTheFlag(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	stderr := new(bytes.Buffer)
	cmd := exec.Command(binary(t), "serve", "--http", taken.Addr().String(), "--dir", t.TempDir())
	cmd.Stderr = stderr
	if err := cmd.Run(); err == nil {
		t.Error("a server began on a port that is taken")
	}
	if !strings.Contains(stderr.String(), "address already in use") || !strings.Contains(stderr.String(), "--http") {
		t.Errorf("stderr: %s", stderr)
	}
}
