package httpx

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fasthttp"
)

// StaticOptions say how files are served.
type StaticOptions struct {
	// Param is the route's parameter that holds the path, "path" when empty.
	Param string
	// IndexFallback answers paths without a file with the root's index.html.
	IndexFallback bool
	// Before is called before a file (its name in the file system) is answered, to set headers; it may be nil.
	Before func(c *Context, name string)
}

// Static returns a handler that serves the files of fsys: by extension, with Last-Modified, conditional requests and
// ranges; a directory by its index.html. fsys must be safe for concurrent use, and its files should implement io.Seeker.
func Static(fsys fs.FS, opts StaticOptions) Handler {
	if opts.Param == "" {
		opts.Param = "path"
	}
	return func(c *Context) error {
		name := c.Param(opts.Param)
		err := opts.serve(c, fsys, name)
		if err == nil {
			return nil
		}
		if !missing(err) {
			return fmt.Errorf("serve file %q: %w", name, err)
		}
		if opts.IndexFallback {
			if err = opts.file(c, fsys, "index.html"); err == nil {
				return nil
			}
		}
		return NewError(http.StatusNotFound, "File not found.").Because(err)
	}
}

func missing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) || errors.Is(err, errNoIndex)
}

var errNoIndex = errors.New("directory without index.html")

// serve answers the decoded path below the route, which may end with a slash.
func (o *StaticOptions) serve(c *Context, fsys fs.FS, name string) error {
	clean := strings.TrimSuffix(name, "/")
	if clean == "" {
		clean = "."
	}
	if !fs.ValidPath(clean) || strings.ContainsAny(clean, "\\\x00") {
		return fs.ErrNotExist
	}
	info, err := fs.Stat(fsys, clean)
	if err != nil {
		return err
	}
	slashed := name == "" || strings.HasSuffix(name, "/")
	switch {
	case info.IsDir():
		index := path.Join(clean, "index.html")
		if _, err := fs.Stat(fsys, index); err != nil {
			return errNoIndex
		}
		if !slashed {
			return o.move(c, string(c.path)+"/")
		}
		return o.file(c, fsys, index)
	case slashed:
		if !bytes.HasSuffix(c.path, slash) { // an encoded slash: the target would be the same
			return fs.ErrNotExist
		}
		return o.move(c, strings.TrimSuffix(string(c.path), "/"))
	case path.Base(clean) == "index.html" && bytes.HasSuffix(c.path, []byte("/index.html")):
		return o.move(c, strings.TrimSuffix(string(c.path), "index.html"))
	}
	return o.file(c, fsys, clean)
}

// move answers 301; a target never begins with two slashes, which would be another host.
func (o *StaticOptions) move(c *Context, target string) error {
	target = "/" + strings.TrimLeft(target, "/\\")
	if len(c.query) > 0 {
		target += "?" + string(c.query)
	}
	return c.Redirect(http.StatusMovedPermanently, target)
}

// file answers with one regular file.
func (o *StaticOptions) file(c *Context, fsys fs.FS, name string) error {
	f, err := fsys.Open(name)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		f.Close()
		if err == nil {
			err = fs.ErrNotExist
		}
		return err
	}
	if o.Before != nil {
		o.Before(c, name)
	}
	c.ctx.Response.Header.Del("X-Frame-Options")
	contentType := mime.TypeByExtension(path.Ext(name))
	if contentType == "" {
		contentType = "application/octet-stream"
	}
	return c.SendFile(f, contentType, info.Size(), info.ModTime())
}

// SendFile answers with the content of f, which it closes: with Last-Modified when modified is known, conditional
// requests and, if f is an io.Seeker, one range. size is in bytes.
func (c *Context) SendFile(f io.ReadCloser, contentType string, size int64, modified time.Time) error {
	h := &c.ctx.Response.Header
	seeker, seekable := f.(io.Seeker)
	if !modified.IsZero() && modified.Unix() > 0 {
		h.Set("Last-Modified", modified.UTC().Format(http.TimeFormat))
		since, err := http.ParseTime(c.Header("If-Modified-Since"))
		if err == nil && !modified.Truncate(time.Second).After(since) && c.isRead() {
			f.Close()
			c.ctx.SetStatusCode(http.StatusNotModified)
			return nil
		}
	}
	h.SetContentType(contentType)
	status, from, length := http.StatusOK, int64(0), size
	if seekable {
		h.Set("Accept-Ranges", "bytes")
		if spec := c.Header("Range"); spec != "" && c.isRead() && c.rangeHolds(modified) {
			first, n, verdict := parseRange(spec, size)
			switch verdict {
			case rangeUnsatisfiable:
				f.Close()
				h.Set("Content-Range", "bytes */"+strconv.FormatInt(size, 10))
				return NewError(http.StatusRequestedRangeNotSatisfiable, "The requested range is outside of the file.")
			case rangeGood:
				if _, err := seeker.Seek(first, io.SeekStart); err != nil {
					f.Close()
					return fmt.Errorf("seek: %w", err)
				}
				status, from, length = http.StatusPartialContent, first, n
				h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, from+length-1, size))
			}
		}
	}
	c.ctx.SetStatusCode(status)
	if c.method == fasthttp.MethodHead {
		f.Close()
		c.ctx.Response.SkipBody = true
		h.SetContentLength(int(length))
		return nil
	}
	c.ctx.SetBodyStream(limitedFile{io.LimitReader(f, length), f}, int(length))
	return nil
}

func (c *Context) isRead() bool {
	return c.method == fasthttp.MethodGet || c.method == fasthttp.MethodHead
}

// rangeHolds judges If-Range by date; entity tags are never sent, so none holds.
func (c *Context) rangeHolds(modified time.Time) bool {
	condition := c.Header("If-Range")
	if condition == "" {
		return true
	}
	at, err := http.ParseTime(condition)
	return err == nil && !modified.IsZero() && at.Equal(modified.UTC().Truncate(time.Second))
}

type limitedFile struct {
	io.Reader
	io.Closer
}

type rangeVerdict int

const (
	rangeIgnored rangeVerdict = iota // not understood, or more than one: the whole file is sent
	rangeGood
	rangeUnsatisfiable
)

// parseRange reads a Range header of one range of bytes.
func parseRange(spec string, size int64) (first, length int64, _ rangeVerdict) {
	spec, ok := strings.CutPrefix(spec, "bytes=")
	if !ok || strings.Contains(spec, ",") {
		return 0, 0, rangeIgnored
	}
	from, to, ok := strings.Cut(strings.TrimSpace(spec), "-")
	if !ok {
		return 0, 0, rangeIgnored
	}
	if from == "" {
		n, err := strconv.ParseUint(to, 10, 63)
		if err != nil {
			return 0, 0, rangeIgnored
		}
		last := min(int64(n), size)
		if last == 0 {
			return 0, 0, rangeUnsatisfiable
		}
		return size - last, last, rangeGood
	}
	begin, err := strconv.ParseUint(from, 10, 63)
	if err != nil {
		return 0, 0, rangeIgnored
	}
	end := uint64(size) - 1
	if to != "" {
		if end, err = strconv.ParseUint(to, 10, 63); err != nil || end < begin {
			return 0, 0, rangeIgnored
		}
	}
	if int64(begin) >= size {
		return 0, 0, rangeUnsatisfiable
	}
	end = min(end, uint64(size)-1)
	return int64(begin), int64(end-begin) + 1, rangeGood
}
