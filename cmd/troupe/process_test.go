package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The tests of this directory run the real binary, as a user does, on a free port of the loopback interface.

const (
	rootEmail    = "root@example.com"
	rootPassword = "rootpass1234"
)

// startDeadline bounds how long a server may take to answer; it is a guard against hanging, no statement of speed.
const startDeadline = 60 * time.Second

// givenBinary names the server that is tested, where it was built before.
const givenBinary = "TROUPE_BIN"

var buildOnce = sync.OnceValues(func() (string, error) {
	if bin := os.Getenv(givenBinary); bin != "" {
		return bin, nil
	}
	dir, err := os.MkdirTemp("", "troupe-test-")
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "troupe")
	out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build: %v\n%s", err, out)
	}
	return bin, nil
})

func binary(t testing.TB) string {
	t.Helper()
	bin, err := buildOnce()
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

func TestMain(m *testing.M) {
	code := m.Run()
	if bin, err := buildOnce(); err == nil && os.Getenv(givenBinary) == "" {
		os.RemoveAll(filepath.Dir(bin))
	}
	os.Exit(code)
}

// process is one running server.
type process struct {
	t    testing.TB
	cmd  *exec.Cmd
	base string
	logs *bytes.Buffer
	done chan error
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// serve starts a server on dir and waits until it answers.
func serve(t testing.TB, dir string, args ...string) *process {
	t.Helper()
	return serveAfter(t, "", dir, args...)
}

// serveAfter is serve in a shell that runs first before it becomes the server.
func serveAfter(t testing.TB, first, dir string, args ...string) *process {
	t.Helper()
	addr := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	p := &process{t: t, base: "http://" + addr, logs: new(bytes.Buffer), done: make(chan error, 1)}
	args = append([]string{"serve", "--http=" + addr, "--dir=" + dir}, args...)
	p.cmd = exec.Command(binary(t), args...)
	if first != "" {
		p.cmd = exec.Command("sh", append([]string{"-ec", first + `; exec "$0" "$@"`, binary(t)}, args...)...)
	}
	p.cmd.Dir = t.TempDir()
	p.cmd.Stdout, p.cmd.Stderr = p.logs, p.logs
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.done <- p.cmd.Wait() }()
	t.Cleanup(p.kill)
	ctx, cancel := context.WithTimeout(t.Context(), startDeadline)
	defer cancel()
	for {
		req, _ := http.NewRequestWithContext(ctx, "GET", p.base+"/api/health", nil)
		res, err := http.DefaultClient.Do(req)
		if err == nil {
			res.Body.Close()
			return p
		}
		select {
		case err := <-p.done:
			p.done <- err
			t.Fatalf("server ended: %v\n%s", err, p.logs)
		case <-ctx.Done():
			t.Fatalf("server does not answer\n%s", p.logs)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// kill ends the server without a chance to clean up and waits until it is gone.
func (p *process) kill() {
	if p.cmd.ProcessState != nil {
		return
	}
	p.cmd.Process.Signal(syscall.SIGKILL)
	p.wait()
}

func (p *process) wait() error {
	err := <-p.done
	p.done <- err
	return err
}

// superuser creates the superuser of the tests in dir.
func superuser(t testing.TB, dir string) {
	t.Helper()
	out, err := exec.Command(binary(t), "superuser", "upsert", rootEmail, rootPassword, "--dir", dir).CombinedOutput()
	if err != nil {
		t.Fatalf("superuser: %v\n%s", err, out)
	}
}

// answer is a response read to its end.
type answer struct {
	Status int
	Header http.Header
	Body   []byte
}

func (a answer) decode(t testing.TB, into any) {
	t.Helper()
	if err := json.Unmarshal(a.Body, into); err != nil {
		t.Fatalf("%d %q: %v", a.Status, a.Body, err)
	}
}

// try sends a request and returns its answer, or the transport's error.
func (p *process) try(method, path, token string, body any) (answer, error) {
	var rd io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return answer{}, err
		}
		rd = bytes.NewReader(raw)
	}
	req, err := http.NewRequest(method, p.base+path, rd)
	if err != nil {
		return answer{}, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header, raw}, err
}

// call is try for requests that must get the given status.
func (p *process) call(method, path, token string, body any, want int) answer {
	p.t.Helper()
	a, err := p.try(method, path, token, body)
	if err != nil {
		p.t.Fatalf("%s %s: %v\n%s", method, path, err, p.logs)
	}
	if a.Status != want {
		p.t.Fatalf("%s %s: %d, want %d: %s", method, path, a.Status, want, a.Body)
	}
	return a
}

func (p *process) signIn() string {
	p.t.Helper()
	var out struct{ Token string }
	p.call("POST", "/api/collections/_superusers/auth-with-password", "", map[string]any{"identity": rootEmail, "password": rootPassword}, 200).decode(p.t, &out)
	return out.Token
}
