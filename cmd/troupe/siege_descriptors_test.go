//go:build linux

package main_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// stranger connects from one of the addresses of the loopback interface, so that the server sees several clients.
func (p *process) stranger(n int) net.Conn {
	p.t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(n))}, Timeout: 10 * time.Second}
	c, err := d.DialContext(p.t.Context(), "tcp", strings.TrimPrefix(p.base, "http://"))
	if err != nil {
		p.t.Fatalf("dial: %v\n%s", err, p.logs)
	}
	p.t.Cleanup(func() { c.Close() })
	return c
}

// afresh sends a request on a new connection.
func (p *process) afresh(method, path, body string) (int, error) {
	ctx, cancel := context.WithTimeout(p.t.Context(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, p.base+path, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Close = true
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, err
}

// TestSiegeNoDescriptorsLeft holds open more connections than the process may have files. It goes on, serves somebody else, reads and writes the
// database, and takes connections again afterwards.
func TestSiegeNoDescriptorsLeft(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	superuser(t, dir)
	p := serveAfter(t, "ulimit -S -n 100; ulimit -H -n 200", dir)
	root := p.signIn()
	p.call("POST", "/api/collections", root, map[string]any{"name": "notes", "type": "base", "createRule": "", "listRule": "",
		"fields": []any{map[string]any{"name": "text", "type": "text"}}}, 200)
	var held []net.Conn
	refused := make(chan struct{}, 600)
	for i := range 500 {
		c := p.stranger(i % 2)
		held = append(held, c)
		request := "GET /api/health HTTP/1.1\r\nHost: x\r\nX: "
		if i%5 == 0 {
			request = "GET /api/realtime HTTP/1.1\r\nHost: x\r\n\r\n"
		}
		// One that was refused and closed already does not take it.
		_, _ = io.WriteString(c, request)
		go func() {
			if line, err := bufio.NewReader(c).ReadString('\n'); err == nil && strings.HasPrefix(line, "HTTP/1.1 503") {
				refused <- struct{}{}
			}
		}()
	}
	for range 3 {
		if status, err := p.afresh("POST", "/api/collections/notes/records", `{"text":"x"}`); status != 200 || err != nil {
			t.Errorf("a create beside them: %d, %v", status, err)
		}
		if status, err := p.afresh("GET", "/api/collections/notes/records", ""); status != 200 || err != nil {
			t.Errorf("a list beside them: %d, %v", status, err)
		}
	}
	if n := p.files(); n > 190 || n < 90 {
		t.Errorf("%d files are open: the limit was not raised, or nothing is kept for the database", n)
	}
	for _, c := range held {
		c.Close()
	}
	for end := time.Now().Add(30 * time.Second); p.files() > 60; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d files are open after all have left", p.files())
		}
	}
	for i := range 20 {
		if status, err := p.afresh("GET", "/api/health", fmt.Sprint(i)); status != 200 || err != nil {
			t.Fatalf("afterwards: %d, %v", status, err)
		}
	}
	select {
	case err := <-p.done:
		t.Fatalf("the server ended: %v\n%s", err, p.logs)
	default:
	}
}
