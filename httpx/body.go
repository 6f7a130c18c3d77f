package httpx

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"mime/multipart"

	"github.com/valyala/fasthttp"
)

// payloadKey is the form field whose value is JSON that is merged over the other fields.
const payloadKey = "@jsonPayload"

// bodyKind is how a body is read.
type bodyKind int

const (
	bodyNone bodyKind = iota
	bodyJSON
	bodyForm
	bodyMultipart
	bodyXML
	bodyOther
)

func (c *Context) bodyKind() bodyKind {
	if c.ctx.Request.Header.ContentLength() == 0 {
		return bodyNone
	}
	if c.ctx.Request.Header.ContentLength() == -2 {
		return bodyNone
	}
	t := c.ctx.Request.Header.ContentType()
	for _, known := range kinds {
		if bytes.HasPrefix(t, known.prefix) {
			return known.kind
		}
	}
	return bodyOther
}

var kinds = [...]struct {
	prefix []byte
	kind   bodyKind
}{
	{[]byte("application/json"), bodyJSON},
	{[]byte("multipart/form-data"), bodyMultipart},
	{[]byte("application/x-www-form-urlencoded"), bodyForm},
	{[]byte("application/xml"), bodyXML},
	{[]byte("text/xml"), bodyXML},
}

// reader is the one way to the bytes of a body. It fails with [ErrTooLarge] beyond the route's limit.
func (c *Context) reader() io.Reader {
	r := c.ctx.RequestBodyStream()
	if nc := c.conn; nc != nil && nc.invited != nil {
		r = nc.invited
	}
	if c.body != nil {
		r = bytes.NewReader(c.body)
	} else if r == nil {
		r = bytes.NewReader(c.ctx.Request.Body())
	}
	limit := c.limit
	if limit < 0 {
		limit = math.MaxInt64 - 1
	}
	if int64(c.ctx.Request.Header.ContentLength()) > limit {
		r = overLimit{} // whoever waits to be told to send it is not told
	}
	return &bounded{r: r, left: limit, announced: int64(c.ctx.Request.Header.ContentLength())}
}

// overLimit is a body that says beforehand that it is too long.
type overLimit struct{}

// Read implements io.Reader.
func (overLimit) Read([]byte) (int, error) { return 0, ErrTooLarge }

// bounded reads up to left bytes and fails when there are more, or when the body ends before the announced ones came (announced is
// negative where no length was given).
type bounded struct {
	r               io.Reader
	left, announced int64
}

// Read implements io.Reader.
func (b *bounded) Read(p []byte) (int, error) {
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.r.Read(p)
	if int64(n) > b.left {
		n = int(b.left)
		b.left = 0
		return n, ErrTooLarge
	}
	b.left -= int64(n)
	if b.announced >= 0 {
		if b.announced -= int64(n); b.announced > 0 && err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
	}
	return n, err
}

// Bytes reads the whole body, whatever its type. It is remembered for the next who asks, so the result may be kept but
// not changed. A multipart body that was read as a form has no bytes any more.
//
// A body can take minutes to come in. Afterwards [Context.Auth] is who the token belongs to by then, and the error is that
// of the route's guard when it does not let them through any more; the same holds for the other ways to read a body.
func (c *Context) Bytes() ([]byte, error) {
	if c.bodyIs != nil {
		return nil, c.bodyIs
	}
	if c.body != nil {
		return c.body, c.identifyAgain()
	}
	raw, err := c.readAll()
	if err != nil {
		c.bodyIs = c.bodyError(err)
		return nil, c.bodyIs
	}
	c.body = raw
	return raw, c.identifyAgain()
}

// readAll reads the body into memory that is charged as it grows: what a client announces is not what it sends.
func (c *Context) readAll() ([]byte, error) {
	length := int64(c.ctx.Request.Header.ContentLength())
	if length == 0 || length == -2 {
		return []byte{}, nil
	}
	if c.conn != nil && length > 0 && length <= min(freeBody, int64(c.conn.arrived)) && (c.limit < 0 || length <= c.limit) {
		raw := make([]byte, length)
		_, err := io.ReadFull(c.reader(), raw)
		return raw, err
	}
	if err := c.receive(); err != nil {
		return nil, err
	}
	defer c.received()
	r := c.reader()
	size := int64(leastBody) // is charged already
	if length > 0 {
		size = min(size, length)
	}
	raw := make([]byte, 0, size)
	for {
		n, err := r.Read(raw[len(raw):cap(raw)])
		raw = raw[:len(raw)+n]
		c.heard()
		if err == io.EOF || err == nil && int64(len(raw)) == length {
			return raw, nil
		}
		if err != nil {
			return nil, err
		}
		if len(raw) < cap(raw) {
			continue
		}
		size := 2 * int64(cap(raw))
		if length > 0 {
			size = min(size, length)
		}
		if err := c.take(size - int64(cap(raw))); err != nil {
			return nil, err
		}
		raw = append(make([]byte, 0, size), raw...)
	}
}

// JSON is [Context.Bytes] of a body that the caller reads as JSON: what would cost too much to read is refused.
func (c *Context) JSON() ([]byte, error) {
	raw, err := c.Bytes()
	if err != nil {
		return nil, err
	}
	return raw, c.checkJSON(raw)
}

// Stream returns the body as it comes in; it fails with [ErrTooLarge] beyond the route's limit and ends with the handler.
func (c *Context) Stream() io.Reader { return c.reader() }

// bodyError is what reading failed with as the callers of a body know it. Answers pass as they are.
func (c *Context) bodyError(err error) error {
	switch ended := c.ended(); {
	case ended != nil:
		return ended
	case Answered(err):
		return err
	case errors.Is(err, ErrTooLarge), errors.Is(err, multipart.ErrMessageTooLarge), errors.Is(err, fasthttp.ErrBodyTooLarge):
		return fmt.Errorf("read body: %w", ErrTooLarge)
	}
	return fmt.Errorf("read body: %w: %w", ErrMalformed, err)
}

// Bind reads the body into dst, a pointer to a struct with json tags: the fixed forms. JSON keys match in any case, only
// the first value counts and null leaves dst alone; form names are dotted for structs within structs, repeated for lists,
// and merged with the query. No body leaves dst alone.
func (c *Context) Bind(dst any) error {
	switch c.bodyKind() {
	case bodyNone, bodyXML:
		// No form has a key that XML could name.
		return nil
	case bodyJSON:
		raw, err := c.JSON()
		if err != nil {
			return err
		}
		return c.decodeJSON(raw, dst)
	case bodyForm, bodyMultipart:
		values, err := c.formValues()
		if err != nil {
			return err
		}
		return values.decode(dst)
	}
	return ErrUnsupportedContentType
}

// Upload is a file of a multipart body. It can be opened until the handler returns.
type Upload struct {
	// Field is the name of the part as it was sent, with modifiers.
	Field string
	// Name is the last element of the client's file name.
	Name string
	// Size is in bytes.
	Size int64

	content io.ReaderAt
}

// Content is where the Size bytes are, in memory or in a temporary file: they can be read until the request was answered.
func (u *Upload) Content() io.ReaderAt { return u.content }

// Open returns the content; the caller closes it. It may be opened more than once.
func (u *Upload) Open() (multipart.File, error) {
	return opened{io.NewSectionReader(u.content, 0, u.Size)}, nil
}

// Map reads the body of a record: JSON as it is, forms with their values inferred, merged with the query. The map is the
// caller's and never nil unless there is an error. Uploads are sorted by field, within a field in the order of the body.
func (c *Context) Map() (map[string]any, []Upload, error) {
	switch c.bodyKind() {
	case bodyNone:
		return map[string]any{}, nil, nil
	case bodyJSON:
		raw, err := c.JSON()
		if err != nil {
			return nil, nil, err
		}
		m := map[string]any{}
		if err := c.decodeJSON(raw, &m); err != nil {
			return nil, nil, err
		}
		if m == nil {
			m = map[string]any{}
		}
		return m, nil, nil
	case bodyForm, bodyMultipart:
		values, err := c.formValues()
		if err != nil {
			return nil, nil, err
		}
		m, err := values.infer()
		if err != nil {
			return nil, nil, err
		}
		return m, c.uploads(), nil
	case bodyXML:
		return nil, nil, fmt.Errorf("%w: records are not read from XML", ErrMalformed)
	}
	return nil, nil, ErrUnsupportedContentType
}

// Files reads a multipart body and returns the files of one field; other bodies have none.
func (c *Context) Files(field string) ([]Upload, error) {
	if c.bodyKind() != bodyMultipart {
		return nil, nil
	}
	if _, err := c.formValues(); err != nil {
		return nil, err
	}
	var out []Upload
	for _, u := range c.uploads() {
		if u.Field == field {
			out = append(out, u)
		}
	}
	return out, nil
}

// formValues reads a form and merges the query behind it.
func (c *Context) formValues() (formValues, error) {
	values := make(formValues)
	if c.bodyKind() == bodyMultipart {
		if err := c.readMultipart(); err != nil {
			return nil, err
		}
		for k, v := range c.form.values {
			values[k] = append(values[k], v...)
		}
	} else {
		raw, err := c.Bytes()
		if err != nil {
			return nil, err
		}
		pairs := bytes.Count(raw, []byte{'&'}) + 1
		if pairs > maxPairs {
			return nil, tooMany("fields", maxPairs)
		}
		if err := c.take(int64(pairs)*pairBytes + int64(len(raw))); err != nil {
			return nil, err
		}
		if err := values.parse(raw); err != nil {
			return nil, err
		}
	}
	c.VisitQuery(func(name, value string) { values[name] = append(values[name], value) })
	for _, payload := range values[payloadKey] {
		if err := c.checkJSON([]byte(payload)); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// decodeJSON reads the first JSON value of raw into dst; text after it is ignored.
func decodeJSON(raw []byte, dst any) error {
	err := json.Unmarshal(raw, dst)
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		err = json.NewDecoder(bytes.NewReader(raw)).Decode(dst)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return nil
}
