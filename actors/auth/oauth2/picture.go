package oauth2

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path"
	"syscall"
	"time"
)

// The bounds of a picture.
const (
	pictureTimeout = 10 * time.Second
	maxPicture     = 32 << 20
	// maxPictureURL is how long its address may be.
	maxPictureURL = 4096
)

// Picture is a file that was downloaded. It is a temporary file; the caller closes it, which removes it.
type Picture struct {
	// Name is the last part of its address.
	Name string
	Size int64

	file *os.File
}

// ReadAt implements io.ReaderAt, until Close.
func (p *Picture) ReadAt(b []byte, off int64) (int, error) { return p.file.ReadAt(b, off) }

// Close removes the file.
func (p *Picture) Close() error { return errors.Join(p.file.Close(), os.Remove(p.file.Name())) }

var errPicture = errors.New("no picture")

// Picture downloads a picture from a public address: addresses in private networks are refused, whatever their names
// resolve to and wherever redirects lead.
func (c *Client) Picture(ctx context.Context, address string) (*Picture, error) {
	at, err := url.Parse(address)
	if err != nil || at.Scheme != "http" && at.Scheme != "https" || at.Host == "" || len(address) > maxPictureURL {
		return nil, fmt.Errorf("%w: no address of one", errPicture)
	}
	at.User = nil
	ctx, cancel := context.WithTimeout(ctx, pictureTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, err
	}
	res, err := c.pictures.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK || res.ContentLength > maxPicture {
		return nil, fmt.Errorf("%w: status %d, %d bytes", errPicture, res.StatusCode, res.ContentLength)
	}
	name := path.Base(at.Path)
	if name == "." || name == "/" {
		name = "picture"
	}
	return keep(name, res.Body)
}

// keep stores what r gives in a temporary file.
func keep(name string, r io.Reader) (_ *Picture, err error) {
	f, err := os.CreateTemp("", "troupe-picture-*")
	if err != nil {
		return nil, err
	}
	p := &Picture{Name: name, file: f}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Close())
		}
	}()
	if p.Size, err = io.Copy(f, io.LimitReader(r, maxPicture+1)); err != nil {
		return nil, err
	}
	if p.Size > maxPicture {
		return nil, fmt.Errorf("%w: more than %d bytes", errPicture, maxPicture)
	}
	return p, nil
}

// reserved are the networks of which the Go library does not say that nobody outside can be meant: this host, carriers,
// assignments, documentation, benchmarks, the future, and IPv6 that stands for some IPv4.
var reserved = prefixes(
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
	"240.0.0.0/4", "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "fec0::/10",
)

func prefixes(texts ...string) []netip.Prefix {
	var list []netip.Prefix
	for _, s := range texts {
		list = append(list, netip.MustParsePrefix(s))
	}
	return list
}

// public tells whether an address belongs to the public internet.
func public(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if !a.IsGlobalUnicast() || a.IsPrivate() {
		return false
	}
	for _, p := range reserved {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

// publicOnly refuses to connect to other addresses. It is asked after names were resolved, so no name leads around it.
func publicOnly(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	if !public(at.Addr()) {
		return fmt.Errorf("connect: %s is no public address", at.Addr())
	}
	return nil
}
