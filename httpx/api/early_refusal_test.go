package api_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupebase/troupe/httpx/api"
)

// largeUpload is a form with a file that is too large to be kept in memory.
func largeUpload(t *testing.T, size int) (contentType string, body []byte) {
	t.Helper()
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	part, err := form.CreateFormFile("doc", "a.bin")
	if err == nil {
		_, err = part.Write(make([]byte, size))
	}
	if err == nil {
		err = form.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return form.FormDataContentType(), b.Bytes()
}

// attempt sends a body; the error is that of the connection.
func attempt(g *rig, method, path, contentType string, body []byte) (status int, message string, err error) {
	g.t.Helper()
	req, err := http.NewRequestWithContext(g.t.Context(), method, g.base+path, bytes.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	var answer struct{ Message string }
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil && err != io.EOF {
		return res.StatusCode, "", err
	}
	return res.StatusCode, answer.Message, nil
}

// patient sends a body to its end before it looks for an answer, as many clients do.
func patient(g *rig, path, contentType string, body []byte) (status int) {
	g.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(g.base, "http://"))
	if err != nil {
		g.t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", path, contentType, len(body))
	if n, err := conn.Write(body); err != nil {
		g.t.Errorf("the connection broke after %d bytes: %v", n, err)
		return 0
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		g.t.Error(err)
		return 0
	}
	defer res.Body.Close()
	return res.StatusCode
}

const (
	allDocs    = "/api/collections/docs/records"
	hereDoc    = allDocs + "/HERE" // stands for the record that is there
	nowhereDoc = allDocs + "/missing00000000"
	noCreate   = "Failed to create record."
	noRecord   = "The requested resource wasn't found."
)

// earlyRefusals are rules with what they make of an upload before its body is read.
var earlyRefusals = []struct {
	rule, method, path string
	status             int // 0: the body decides
	message            string
}{
	{`@request.auth.id != ""`, "POST", allDocs, 400, noCreate},
	{`@request.auth.id != "" && @request.body.ok = true`, "POST", allDocs, 400, noCreate},
	{`@request.query.key = "x" && (ok = true && @request.body.ok = true)`, "POST", allDocs, 400, noCreate},
	{`@request.auth.id != "" || @request.body.ok = true`, "POST", allDocs, 0, ""},
	{`ok = true`, "POST", allDocs, 0, ""},
	{`@request.auth.id = ""`, "POST", allDocs, 0, ""},
	{`ok = false`, "PATCH", hereDoc, 404, noRecord},
	{`ok = true && @request.auth.id != ""`, "PATCH", hereDoc, 404, noRecord},
	{`ok = true && @request.body.ok = false`, "PATCH", hereDoc, 0, ""},
	{``, "PATCH", nowhereDoc, 404, noRecord},
	{`ok = false`, "DELETE", hereDoc, 404, noRecord},
	{``, "DELETE", nowhereDoc, 404, noRecord},
}

// Whom the rule refuses whatever the body says is refused before anything is written for them, and gets the answer also when
// the body is large. There is no place to write to: who comes that far fails in another way.
func TestUploadsAreRefusedBeforeTheyAreRead(t *testing.T) {
	g := newRig(t, nil)
	g.collection(`{"name":"docs","type":"base","fields":[{"name":"ok","type":"bool"},{"name":"doc","type":"file","maxSize":40000000}]}`)
	status, made := g.send("POST", "/api/collections/docs/records", `{"ok":true}`)
	if status != http.StatusOK {
		t.Fatal(status, made)
	}
	if err := os.WriteFile(filepath.Join(g.app.Dir(), api.UploadDir), []byte("in the way"), 0o600); err != nil {
		t.Fatal(err)
	}
	contentType, body := largeUpload(t, 1<<20)
	here := fmt.Sprint(allDocs, "/", made["id"])
	for _, c := range earlyRefusals {
		rule := fmt.Sprintf("%q", c.rule)
		g.change("docs", `{"createRule":`+rule+`,"updateRule":`+rule+`,"deleteRule":`+rule+`}`)
		status, message, err := attempt(g, c.method, strings.Replace(c.path, hereDoc, here, 1), contentType, body)
		if c.status == 0 {
			if err == nil && status < 500 {
				t.Errorf("%s under %q: %d %s without a look at the body", c.method, c.rule, status, message)
			}
			continue
		}
		if err != nil || status != c.status || message != c.message {
			t.Errorf("%s under %q: %d %s %v, want %d %s", c.method, c.rule, status, message, err, c.status, c.message)
		}
	}
	g.change("docs", `{"createRule":null,"updateRule":null,"deleteRule":""}`)
	for method, path := range map[string]string{"POST": allDocs, "PATCH": here} {
		if status, message, err := attempt(g, method, path, contentType, body); status != http.StatusForbidden {
			t.Errorf("%s of a collection for superusers: %d %s %v", method, status, message, err)
		}
	}
	contentType, body = largeUpload(t, 35<<20) // more than any socket holds
	if status := patient(g, allDocs, contentType, body); status != http.StatusForbidden {
		t.Errorf("a large body: %d", status)
	}
	if g.touched() {
		t.Error("something was stored")
	}
}
