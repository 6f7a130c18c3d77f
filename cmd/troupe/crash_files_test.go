package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/troupebase/troupe/storage/files/filestest"
)

// fileRounds is how often the server is killed while files are written.
const fileRounds = 15

// fileWriters write side by side.
const fileWriters = 8

// upload sends a record with files as a form. The content of each file is the text.
func (p *process) upload(method, path string, values map[string]string, contents ...string) (answer, error) {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for name, value := range values {
		if err := form.WriteField(name, value); err != nil {
			return answer{}, err
		}
	}
	for _, content := range contents {
		part, err := form.CreateFormFile("docs+", "doc.txt")
		if err == nil {
			_, err = part.Write([]byte(content))
		}
		if err != nil {
			return answer{}, err
		}
	}
	if err := form.Close(); err != nil {
		return answer{}, err
	}
	req, err := http.NewRequest(method, p.base+path, &body)
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Content-Type", form.FormDataContentType())
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	var raw bytes.Buffer
	_, err = raw.ReadFrom(res.Body)
	return answer{res.StatusCode, res.Header, raw.Bytes()}, err
}

// TestLaw10KillWhileFilesAreWritten kills the server at random moments while forms with files are written, replaced, deleted
// and refused. After the next start every file that a record names is there, as it was sent, and nothing else is.
func TestLaw10KillWhileFilesAreWritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	superuser(t, dir)
	p := serve(t, dir)
	p.call("POST", "/api/collections", p.signIn(), map[string]any{"name": "shelf", "type": "base", "createRule": "", "updateRule": "", "deleteRule": "",
		"fields":  []map[string]any{{"name": "title", "type": "text"}, {"name": "docs", "type": "file", "maxSelect": 5}},
		"indexes": []string{"CREATE UNIQUE INDEX shelf_title ON shelf (title)"}}, 200)
	for round := range fileRounds {
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wrote := make(chan struct{}, fileWriters)
		for w := range fileWriters {
			wg.Go(func() {
				for i := 0; ctx.Err() == nil; i++ {
					if !writeShelf(p, fmt.Sprintf("%d-%d-%d", round, w, i)) {
						return
					}
					select {
					case wrote <- struct{}{}:
					default:
					}
				}
			})
		}
		select {
		case <-wrote:
		case <-time.After(startDeadline):
			t.Fatal("writers do not get on")
		}
		time.Sleep(rand.N(80 * time.Millisecond)) // any moment is as good as another
		p.kill()
		cancel()
		wg.Wait()
		p = serve(t, dir)
		auditShelf(t, p, dir, fmt.Sprintf("round %d", round))
	}
}

// writeShelf makes a record, replaces one of its files, tries one that is refused, and deletes every other record.
func writeShelf(p *process, title string) bool {
	const path = "/api/collections/shelf/records"
	a, err := p.upload("POST", path, map[string]string{"title": title}, title+" first", strings.Repeat(title, 2000))
	if err != nil || a.Status != http.StatusOK {
		return false
	}
	var r struct {
		ID   string
		Docs []string
	}
	if json.Unmarshal(a.Body, &r) != nil || len(r.Docs) == 0 {
		return false
	}
	if _, err := p.upload("PATCH", path+"/"+r.ID, map[string]string{"docs-": r.Docs[0]}, title+" second"); err != nil {
		return false
	}
	if _, err := p.upload("POST", path, map[string]string{"title": title}, title+" refused"); err != nil {
		return false
	}
	if rand.IntN(2) == 0 {
		if _, err := p.try("DELETE", path+"/"+r.ID, "", nil); err != nil {
			return false
		}
	}
	return true
}

// auditShelf compares data file and file store, once the server has removed what was left.
func auditShelf(t *testing.T, p *process, dir, when string) {
	t.Helper()
	var extra []string
	for end := time.Now().Add(startDeadline); ; time.Sleep(10 * time.Millisecond) {
		named := namedFiles(t, dir)
		extra = extra[:0]
		for _, key := range filestest.Keys(t, dir) {
			if _, ok := named[key]; !ok {
				extra = append(extra, key)
			}
		}
		if len(extra) == 0 || time.Now().After(end) {
			break
		}
	}
	if len(extra) > 0 {
		t.Errorf("%s: nobody names %v\n%s", when, extra, p.logs)
	}
	for key, title := range namedFiles(t, dir) {
		raw, err := os.ReadFile(filepath.Join(dir, "storage", key))
		if err != nil {
			t.Errorf("%s: a record names %s: %v", when, key, err)
			continue
		}
		switch string(raw) {
		case title + " first", title + " second", strings.Repeat(title, 2000):
		default:
			t.Errorf("%s: %s has %d bytes that nobody sent: %.40q", when, key, len(raw), raw)
		}
		if side, err := os.ReadFile(filepath.Join(dir, "storage", key+".attrs")); err != nil || !json.Valid(side) {
			t.Errorf("%s: attributes of %s: %q, %v", when, key, side, err)
		}
	}
}

// namedFiles are the keys of the files that records name, with the records' titles.
func namedFiles(t *testing.T, dir string) map[string]string {
	t.Helper()
	conn, err := sqlite.OpenConn(filepath.Join(dir, "data.db"), sqlite.OpenReadWrite, sqlite.OpenWAL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetBusyTimeout(time.Minute)
	named := map[string]string{}
	const query = "SELECT (SELECT id FROM _collections WHERE name = 'shelf') || '/' || shelf.id || '/' || d.value, title FROM shelf, json_each(docs) d"
	err = sqlitex.ExecuteTransient(conn, query, &sqlitex.ExecOptions{ResultFunc: func(s *sqlite.Stmt) error {
		named[s.ColumnText(0)] = s.ColumnText(1)
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return named
}
