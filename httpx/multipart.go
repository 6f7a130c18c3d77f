package httpx

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"slices"
	"strings"
	"sync"
)

const (
	// maxPartHead is how long what stands before the content of a part may be: names of fields and files.
	maxPartHead = 64 << 10
	// copyPiece is in what pieces parts are read.
	copyPiece = 32 << 10
)

// form is a multipart body that was read.
type form struct {
	values map[string][]string
	files  []Upload
	inMem  int64 // bytes of files that are kept in memory
	onDisk *uploadFile
}

// remove gives back what is on the disk.
func (f *form) remove() {
	if f.onDisk != nil {
		f.onDisk.remove()
	}
}

// metered passes a body on and fails when more than left bytes are read for something that is kept and not charged.
type metered struct {
	r     io.Reader
	bound bool
	left  int
}

// Read implements io.Reader.
func (m *metered) Read(p []byte) (int, error) {
	if !m.bound {
		return m.r.Read(p)
	}
	if m.left <= 0 {
		return 0, errPartHead
	}
	n, err := m.r.Read(p[:min(len(p), m.left)])
	m.left -= n
	return n, err
}

var errPartHead = fmt.Errorf("the head of a part is longer than %d bytes", maxPartHead)

// pieces are buffers through which parts are copied.
var pieces = sync.Pool{New: func() any { return new([copyPiece]byte) }}

// readMultipart reads the body into c.form, once.
func (c *Context) readMultipart() error {
	if c.form != nil || c.bodyIs != nil {
		return c.bodyIs
	}
	_, params, err := mime.ParseMediaType(string(c.ctx.Request.Header.ContentType()))
	if err != nil || params["boundary"] == "" {
		return fmt.Errorf("read body: %w: no boundary", ErrMalformed)
	}
	if err := c.receive(); err != nil {
		c.bodyIs = err
		return err
	}
	c.form = &form{values: make(map[string][]string)}
	if err := c.readParts(params["boundary"]); err != nil {
		c.bodyIs = c.bodyError(err)
		return c.bodyIs
	}
	slices.SortStableFunc(c.form.files, func(a, b Upload) int { return strings.Compare(a.Field, b.Field) })
	c.received()
	return c.identifyAgain()
}

func (c *Context) uploads() []Upload {
	if c.form == nil {
		return nil
	}
	return slices.Clone(c.form.files)
}

func (c *Context) readParts(boundary string) error {
	m := &metered{r: c.reader()}
	r := multipart.NewReader(m, boundary)
	for n := 0; ; n++ {
		m.bound, m.left = true, maxPartHead
		part, err := r.NextPart()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if n == maxParts {
			return tooMany("parts", maxParts)
		}
		m.bound = false
		if err := c.readPart(part); err != nil {
			return err
		}
	}
}

func (c *Context) readPart(part *multipart.Part) error {
	name, file := part.FormName(), part.FileName()
	if err := c.take(pairBytes + int64(len(name)) + int64(len(file))); err != nil {
		return err
	}
	switch {
	case name == "":
		_, err := c.copyPart(io.Discard, part)
		return err
	case file == "":
		var value strings.Builder
		if _, err := c.copyPart(charged{c, &value}, part); err != nil {
			return err
		}
		c.form.values[name] = append(c.form.values[name], value.String())
		return nil
	}
	u, err := c.readFile(part)
	if err != nil {
		return err
	}
	u.Field, u.Name = name, file
	c.form.files = append(c.form.files, u)
	return nil
}

// readFile keeps what is small in memory, and the rest on the disk.
func (c *Context) readFile(part *multipart.Part) (Upload, error) {
	f := c.form
	var small bytes.Buffer
	size, err := c.copyPart(charged{c, &small}, io.LimitReader(part, maxUploadMemory-f.inMem))
	if err != nil {
		return Upload{}, err
	}
	f.inMem += size
	if f.inMem < maxUploadMemory {
		return Upload{Size: size, content: bytes.NewReader(small.Bytes())}, nil
	}
	if f.onDisk == nil {
		if f.onDisk, err = c.server.newUploadFile(c.Client()); err != nil {
			return Upload{}, err
		}
	}
	// It is in one piece, or it would have to be put together again for whoever reads it.
	begin := f.onDisk.size
	if _, err := f.onDisk.Write(small.Bytes()); err != nil {
		return Upload{}, err
	}
	f.inMem -= size
	c.server.bodies.giveBack(c.charge, size)
	rest, err := c.copyPart(f.onDisk, part)
	if err != nil {
		return Upload{}, err
	}
	return Upload{Size: size + rest, content: io.NewSectionReader(f.onDisk.file, begin, size+rest)}, nil
}

// copyPart copies all of a part. The error is that of reading, or of w as it came.
func (c *Context) copyPart(w io.Writer, part io.Reader) (int64, error) {
	piece := pieces.Get().(*[copyPiece]byte)
	defer pieces.Put(piece)
	size := int64(0)
	for {
		n, err := part.Read(piece[:])
		if n > 0 {
			c.heard()
			if _, err := w.Write(piece[:n]); err != nil {
				return size, err
			}
			size += int64(n)
		}
		if errors.Is(err, io.EOF) {
			return size, nil
		}
		if err != nil {
			return size, err
		}
	}
}

// charged passes on what fits into the share.
type charged struct {
	c *Context
	w io.Writer
}

// Write implements io.Writer.
func (w charged) Write(p []byte) (int, error) {
	if err := w.c.take(int64(len(p))); err != nil {
		return 0, err
	}
	return w.w.Write(p)
}
