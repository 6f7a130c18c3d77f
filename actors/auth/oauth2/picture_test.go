package oauth2

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPublicAddresses(t *testing.T) {
	for address, want := range map[string]bool{
		"8.8.8.8": true, "1.1.1.1": true, "2606:4700:4700::1111": true, "172.32.0.1": true, "100.128.0.1": true,
		"127.0.0.1": false, "127.8.8.8": false, "0.0.0.0": false, "0.1.2.3": false, "10.0.0.1": false, "172.16.0.1": false, "192.168.1.1": false,
		"169.254.169.254": false, "100.64.0.1": false, "192.0.0.8": false, "198.18.0.1": false, "224.0.0.1": false, "240.0.0.1": false, "255.255.255.255": false,
		"::": false, "::1": false, "::7f00:1": false, "::ffff:127.0.0.1": false, "::ffff:8.8.8.8": true, "fe80::1": false, "fe80::1%eth0": false, "fc00::1": false, "fd12::1": false,
		"fec0::1": false, "ff02::1": false, "64:ff9b::7f00:1": false, "2002:7f00:1::": false, "2001:0:7f00:1::": false, "2001:db8::1": false,
	} {
		if got := public(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
}

// TestPicturesComeFromOutside: a server on this machine is not asked, whatever it is called.
func TestPicturesComeFromOutside(t *testing.T) {
	asked := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked = true
		fmt.Fprint(w, "a picture")
	}))
	defer server.Close()
	t.Setenv("HTTP_PROXY", server.URL) // no way around either
	port := server.URL[strings.LastIndex(server.URL, ":"):]
	for _, address := range []string{
		server.URL, "http://localhost" + port, "http://[::ffff:127.0.0.1]" + port, "http://127.1" + port, "http://2130706433" + port, "http://0x7f000001" + port, "http://0" + port,
		"file:///etc/passwd", "ftp://x.test/a", "//x.test/a", "not a url", "", "http://", "http://x.test/" + strings.Repeat("x", maxPictureURL),
	} {
		p, err := NewClient(Options{}).Picture(t.Context(), address)
		if err == nil {
			t.Errorf("%q was downloaded: %v", address, p.Close())
		}
	}
	if asked {
		t.Error("the server was asked")
	}
}

// inside is a transport for tests: it leads every name to one server, except those that the real rules refuse.
func inside(t *testing.T, h http.HandlerFunc) *http.Client {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	real := NewClient(Options{}).pictures
	return &http.Client{CheckRedirect: real.CheckRedirect, Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		if r.URL.Hostname() != "pictures.test" {
			return real.Transport.RoundTrip(r)
		}
		r = r.Clone(r.Context())
		r.URL.Host = strings.TrimPrefix(server.URL, "http://")
		return http.DefaultTransport.RoundTrip(r)
	})}
}

type roundTripper func(r *http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestPicture(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	private := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "secret") }))
	defer private.Close()
	c := NewClient(Options{Pictures: inside(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "http://pictures.test/a/me.png", http.StatusFound)
		case "/inside":
			http.Redirect(w, r, private.URL, http.StatusFound)
		case "/circle":
			http.Redirect(w, r, "http://pictures.test/circle", http.StatusFound)
		case "/missing":
			w.WriteHeader(http.StatusNotFound)
		case "/large":
			w.Header().Set("Content-Length", fmt.Sprint(maxPicture+1))
		case "/endless":
			chunk := make([]byte, 1<<20)
			for range maxPicture>>20 + 2 {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		default:
			if _, _, ok := r.BasicAuth(); ok {
				t.Error("a name and password were sent")
			}
			fmt.Fprint(w, "a picture")
		}
	})})
	for address, want := range map[string]string{
		"http://pictures.test/a/me.png": "me.png", "http://pictures.test/a/b%20c.png?x=1": "b c.png", "http://pictures.test": "picture",
		"http://pictures.test/": "picture", "http://pictures.test/moved": "moved", "http://u:p@pictures.test/x": "x",
		"http://pictures.test/inside": "", "http://pictures.test/circle": "", "http://pictures.test/missing": "", "http://pictures.test/large": "",
		"http://pictures.test/endless": "",
	} {
		p, err := c.Picture(t.Context(), address)
		if want == "" {
			if err == nil {
				t.Errorf("%s was downloaded: %v", address, p.Close())
			}
			continue
		}
		if err != nil || p.Name != want || p.Size != 9 {
			t.Fatalf("%s: %+v, %v", address, p, err)
		}
		for range 2 {
			if raw, err := io.ReadAll(io.NewSectionReader(p, 0, p.Size)); err != nil || string(raw) != "a picture" {
				t.Errorf("%q, %v", raw, err)
			}
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
	if left, err := filepath.Glob(filepath.Join(os.TempDir(), "*")); err != nil || len(left) > 0 {
		t.Errorf("files were left: %q, %v", left, err)
	}
}
