package httpx

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxMultiRange is the largest file of which several ranges at once are sent, since those are put together in memory; of a
// larger one all is sent.
const maxMultiRange = 16 << 20

// SendFile answers with the content of f, which it closes, under the rules of HTTP for conditional requests and ranges.
// size is in bytes; modified may be zero. Headers set before are kept, but a range that cannot be satisfied drops
// Cache-Control and Last-Modified. net/http judges, the bytes are streamed by fasthttp.
func (c *Context) SendFile(f io.ReadSeekCloser, contentType string, size int64, modified time.Time) error {
	req := &http.Request{Method: c.method, Header: make(http.Header)}
	for _, name := range conditions {
		if v := c.Header(name); v != "" {
			req.Header.Set(name, v)
		}
	}
	if size > maxMultiRange && strings.Contains(req.Header.Get("Range"), ",") {
		req.Header.Del("Range")
	}
	w := &fileWriter{header: http.Header{"Content-Type": {contentType}}, status: http.StatusOK}
	for k, v := range c.ctx.Response.Header.All() {
		if string(k) != "Content-Type" {
			w.header.Add(string(k), string(v))
		}
	}
	http.ServeContent(w, req, "", modified, f)
	c.applyFile(w, f)
	return nil
}

// conditions are the request headers that decide what of a file is sent.
var conditions = [...]string{"Range", "If-Range", "If-Modified-Since", "If-Unmodified-Since", "If-Match", "If-None-Match"}

// applyFile makes the answer of what net/http decided.
func (c *Context) applyFile(w *fileWriter, f io.Closer) {
	c.sent = true
	res := &c.ctx.Response
	for _, name := range [...]string{"Cache-Control", "Last-Modified", "Content-Encoding", "Etag", "Content-Type"} {
		if w.header.Get(name) == "" {
			res.Header.Del(name)
		}
	}
	length := -1
	for name, values := range w.header {
		if name == "Vary" || name == "Date" || len(values) == 0 {
			continue
		}
		if name == "Content-Length" {
			if n, err := strconv.Atoi(values[0]); err == nil {
				length = n
			}
			continue
		}
		res.Header.Set(name, values[0])
	}
	c.ctx.SetStatusCode(w.status)
	switch {
	case w.content != nil && length >= 0:
		c.ctx.SetBodyStream(fileBody{w.content, f}, length)
		return
	case c.method == http.MethodHead && length >= 0 && w.status < 300:
		res.SkipBody = true
		res.Header.SetContentLength(length)
	default:
		res.SwapBody(w.text.Bytes())
	}
	f.Close()
}

// fileWriter takes down what http.ServeContent says. Of the file itself it takes the reader instead of the bytes.
type fileWriter struct {
	header  http.Header
	status  int
	content io.Reader
	text    bytes.Buffer
}

// Header implements http.ResponseWriter.
func (w *fileWriter) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter.
func (w *fileWriter) WriteHeader(status int) { w.status = status }

// Write implements http.ResponseWriter.
func (w *fileWriter) Write(p []byte) (int, error) { return w.text.Write(p) }

// ReadFrom is how io.Copy hands the content over. Several ranges come through a pipe that ends with ServeContent and must
// be read here.
func (w *fileWriter) ReadFrom(r io.Reader) (int64, error) {
	if strings.HasPrefix(w.header.Get("Content-Type"), "multipart/byteranges") {
		return w.text.ReadFrom(r)
	}
	w.content = r
	return 0, nil
}

// fileBody is a part of a file that is closed with the answer.
type fileBody struct {
	io.Reader
	io.Closer
}
