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
	"strings"
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
// ranges; a directory by its index.html. fsys must be safe for concurrent use, and its files must implement io.Seeker.
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
	contentType := mime.TypeByExtension(path.Ext(name))
	if contentType == "" {
		contentType = "application/octet-stream"
	}
	content, ok := f.(io.ReadSeekCloser)
	if !ok {
		f.Close()
		return fmt.Errorf("file %q cannot seek", name)
	}
	return c.SendFile(content, contentType, info.Size(), info.ModTime())
}
