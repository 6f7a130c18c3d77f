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
	"syscall"

	"github.com/gabriel-vasile/mimetype"
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

// Static returns a handler that serves the files of fsys: with a type by extension or else by content, Last-Modified,
// conditional requests and ranges; a directory by its index.html. Names that begin with a dot are not served, but for those
// below ".well-known", and neither is what a link leads to outside of an os.Root: both are 404, with IndexFallback too. fsys
// must be safe for concurrent use, and its files must implement io.Seeker.
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
		if opts.IndexFallback && !refused(err) {
			if err = opts.file(c, fsys, "index.html"); err == nil {
				return nil
			}
		}
		return NewError(http.StatusNotFound, "File not found.").Because(err)
	}
}

var (
	errNoIndex = errors.New("directory without index.html")
	errHidden  = errors.New("name that begins with a dot")
)

// missing tells whether an error says that there is nothing to serve under a path, and not that the disk is at fault.
func missing(err error) bool {
	for _, target := range [...]error{fs.ErrNotExist, fs.ErrInvalid, fs.ErrPermission, errNoIndex, syscall.ENOTDIR, syscall.ENAMETOOLONG, syscall.ELOOP} {
		if errors.Is(err, target) {
			return true
		}
	}
	return refused(err)
}

// refused tells whether a path names something that is not to be served. That a link leads out of an os.Root is an error
// without a name or a number.
func refused(err error) bool {
	var path *fs.PathError
	if !errors.As(err, &path) {
		return errors.Is(err, errHidden)
	}
	number := syscall.Errno(0)
	known := errors.As(err, &number) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) || errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrClosed)
	return !known
}

// wellKnown is the directory of RFC 8615, the one whose name begins with a dot for everybody to read.
const wellKnown = ".well-known"

// hidden tells whether a path has a name that begins with a dot: an .env or .git that was copied along with a site.
func hidden(clean string) bool {
	for name := range strings.SplitSeq(clean, "/") {
		if strings.HasPrefix(name, ".") && name != "." && name != wellKnown {
			return true
		}
	}
	return false
}

// serve answers the decoded path below the route, which may end with a slash.
func (o *StaticOptions) serve(c *Context, fsys fs.FS, name string) error {
	clean := strings.TrimSuffix(name, "/")
	if clean == "" {
		clean = "."
	}
	if !fs.ValidPath(clean) || strings.ContainsAny(clean, "\\\x00") {
		return fs.ErrNotExist
	}
	if hidden(clean) {
		return errHidden
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
	content, ok := f.(io.ReadSeekCloser)
	if !ok {
		f.Close()
		return fmt.Errorf("file %q cannot seek", name)
	}
	contentType, err := typeOf(name, content)
	if err != nil {
		f.Close()
		return fmt.Errorf("find the type of %q: %w", name, err)
	}
	return c.SendFile(content, contentType, info.Size(), info.ModTime())
}

// sniffedBytes is how much of a file decides its type.
const sniffedBytes = 3072

// typeOf is the content type of a file: by its name's extension, where that says one, or else by what it begins with.
func typeOf(name string, content io.ReadSeeker) (string, error) {
	if known := mime.TypeByExtension(path.Ext(name)); known != "" {
		return known, nil
	}
	head, err := io.ReadAll(io.LimitReader(content, sniffedBytes))
	if err != nil {
		return "", err
	}
	_, err = content.Seek(0, io.SeekStart)
	return mimetype.Detect(head).String(), err
}
