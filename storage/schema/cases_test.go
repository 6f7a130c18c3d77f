package schema_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	zsqlite "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/migrations"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
	"github.com/troupebase/troupe/storage/validation"
)

// shared returns a path below the directory of recorded answers, and skips the test where it is not there.
func shared(t *testing.T, path ...string) string {
	t.Helper()
	root := os.Getenv("TROUPE_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared")
	}
	full := filepath.Join(append([]string{root}, path...)...)
	if _, err := os.Stat(full); err != nil {
		t.Skipf("no recorded answers at %s: %v", full, err)
	}
	return full
}

// recorded is a case of the contract suite as far as collections are concerned.
type recorded struct {
	Steps []struct {
		Name    string `json:"name"`
		Request *struct {
			Method  string            `json:"method"`
			Path    string            `json:"path"`
			Auth    string            `json:"auth"`
			Headers map[string]string `json:"headers"`
			JSON    json.RawMessage   `json:"json"`
			Body    *string           `json:"body"`
		} `json:"request"`
		Save       map[string]string `json:"save"`
		Ignore     []string          `json:"ignore"`
		OnlyStatus bool              `json:"only_status"`
		Expect     struct {
			Status int `json:"status"`
			Body   any `json:"body"`
		} `json:"expect"`
	} `json:"steps"`
}

// TestRecordedCollections sends the collection requests of the recorded cases to a database and compares the answers.
// Records are written just as far as the definitions need them.
func TestRecordedCollections(t *testing.T) {
	dir := shared(t, "contract", "cases")
	files, err := filepath.Glob(filepath.Join(dir, "collections-*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{"auth-options*.json", "auth-system-*.json", "auth-superusers.json"} {
		more, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, more...)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		if strings.Contains(name, "-tolerance") || strings.Contains(name, "-values-") {
			continue // about records, or about tables that were made by hand
		}
		t.Run(name, func(t *testing.T) { runRecorded(t, file) })
	}
}

// wanted are the steps, by case, whose recorded answers are to differ: providers are merged by name, and a partial index may have
// brackets in its WHERE.
var wanted = map[string][]int{"collections-oauth2-options": {13, 14, 17, 18}, "collections-indexes": {6}}

func runRecorded(t *testing.T, file string) {
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var c recorded
	if err := json.Unmarshal(raw, &c); err != nil {
		t.Fatal(err)
	}
	h := newHost(t)
	vars := map[string]string{"oidc_url": "http://127.0.0.1:9999"}
	expand := func(s string) string {
		for name, value := range vars {
			s = strings.ReplaceAll(s, "{{"+name+"}}", value)
		}
		return s
	}
	for i, step := range c.Steps {
		r := step.Request
		if r == nil || r.Auth != "{{root}}" || len(r.Headers) > 0 || strings.HasSuffix(step.Name, "content type") {
			continue
		}
		u, err := url.Parse(expand(r.Path))
		if err != nil {
			t.Fatal(err)
		}
		body := []byte(expand(string(r.JSON)))
		if r.Body != nil {
			body = []byte(expand(*r.Body))
		}
		status, answer, ok := h.serve(r.Method, u, body)
		if !ok {
			continue
		}
		label := fmt.Sprintf("step %d %s: %s %s %.300s", i, step.Name, r.Method, r.Path, body)
		if slices.Contains(wanted[strings.TrimSuffix(filepath.Base(file), ".json")], i) {
			continue
		}
		if status != step.Expect.Status {
			t.Errorf("%s\n got %d %s\nwant %d %.600s", label, status, encode(answer), step.Expect.Status, encode(step.Expect.Body))
			continue
		}
		for name, path := range step.Save {
			if v, ok := lookup(answer, path); ok {
				vars[name] = v
			}
		}
		if step.OnlyStatus || step.Expect.Body == nil {
			continue
		}
		want := step.Expect.Body
		var wantCopy any
		_ = json.Unmarshal([]byte(expand(encode(want))), &wantCopy)
		if m, ok := answer.(map[string]any); ok && status == 400 {
			if w, ok := wantCopy.(map[string]any); ok && w["message"] == nil {
				delete(m, "message")
			}
		}
		for _, path := range step.Ignore {
			parts := pathParts(path)
			remove(answer, parts)
			remove(wantCopy, parts)
		}
		if diff := compare("$", wantCopy, answer); diff != "" {
			t.Errorf("%s\n%s", label, diff)
		}
	}
}

func encode(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

func pathParts(path string) []string {
	path = strings.NewReplacer("[", ".", "]", "").Replace(strings.TrimPrefix(path, "$"))
	return strings.Split(strings.TrimPrefix(path, "."), ".")
}

func lookup(v any, path string) (string, bool) {
	if !strings.HasPrefix(path, "$") {
		return "", false
	}
	if path == "$" {
		return encode(v), true
	}
	for _, p := range pathParts(path) {
		switch x := v.(type) {
		case map[string]any:
			v = x[p]
		case []any:
			i, err := strconv.Atoi(p)
			if err != nil || i >= len(x) {
				return "", false
			}
			v = x[i]
		}
	}
	if s, ok := v.(string); ok {
		return s, true
	}
	return encode(v), v != nil
}

func remove(v any, path []string) {
	switch x := v.(type) {
	case map[string]any:
		if len(path) == 1 {
			delete(x, path[0])
		} else {
			remove(x[path[0]], path[1:])
		}
	case []any:
		for i, e := range x {
			if path[0] == "*" || path[0] == strconv.Itoa(i) {
				if len(path) > 1 {
					remove(e, path[1:])
				} else {
					x[i] = nil
				}
			}
		}
	}
}

var datetimePattern = regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z$`)

// compare returns the first difference.
func compare(at string, want, got any) string {
	if w, ok := want.(string); ok {
		g, isText := got.(string)
		switch {
		case w == "<datetime>" && isText && datetimePattern.MatchString(g):
			return ""
		case strings.HasPrefix(w, "<id") && isText && g != "", w == "<text>" && isText && g != "":
			return ""
		}
	}
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			break
		}
		for k := range g {
			if _, ok := w[k]; !ok {
				return fmt.Sprintf("%s.%s: not expected, got %.200s", at, k, encode(g[k]))
			}
		}
		for k := range w {
			if _, ok := g[k]; !ok {
				return fmt.Sprintf("%s.%s: missing, want %.200s", at, k, encode(w[k]))
			}
			if d := compare(at+"."+k, w[k], g[k]); d != "" {
				return d
			}
		}
		return ""
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			break
		}
		for i := range w {
			if d := compare(fmt.Sprintf("%s[%d]", at, i), w[i], g[i]); d != "" {
				return d
			}
		}
		return ""
	default:
		if reflect.DeepEqual(want, got) {
			return ""
		}
	}
	return fmt.Sprintf("%s: want %.400s, got %.400s", at, encode(want), encode(got))
}

// host answers requests about collections from a database of its own.
type host struct {
	t    *testing.T
	db   *sqlite.DB
	list []*schema.Collection
	now  time.Time
}

func newHost(t *testing.T) *host {
	t.Helper()
	db, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "data.db"), Sync: sqlite.Normal})
	if err != nil {
		t.Fatal(err)
	}
	aux, err := zsqlite.OpenConn(":memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close(); aux.Close() })
	h := &host{t: t, db: db, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	err = h.write(func(conn *zsqlite.Conn) error {
		if err := migrations.Bootstrap(conn, aux, h.now); err != nil {
			return err
		}
		return sqlitex.ExecuteTransient(conn, "INSERT INTO _superusers (id, email, password, tokenKey, verified, created)"+
			" VALUES ('aaaaaaaaaaaaaaa', 'root@example.com', '$2a$10$' || hex(randomblob(26)), ?1, 1, '2026-01-01 00:00:00.000Z')",
			&sqlitex.ExecOptions{Args: []any{schema.NewSecret()}})
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// write runs fn as a schema change and reads the collections again.
func (h *host) write(fn func(conn *zsqlite.Conn) error) error {
	h.t.Helper()
	var list []*schema.Collection
	err := h.db.Change(h.t.Context(), func(tx *sqlite.Tx) error {
		err := fn(tx.Conn())
		if err == nil {
			list, err = schema.Load(tx.Conn())
		}
		return err
	}, func() { h.list = list })
	return err
}

// change runs fn and checks that what it kept in memory is what was stored.
func (h *host) change(fn func(ch *schema.Change) error) error {
	h.t.Helper()
	h.now = h.now.Add(time.Second)
	var kept []*schema.Collection
	err := h.write(func(conn *zsqlite.Conn) error {
		ch := schema.NewChange(h.t.Context(), conn, schema.NewCatalogue(1, h.list).Collections, h.now, filter.Check)
		err := fn(ch)
		kept = ch.Collections()
		return err
	})
	if err != nil {
		return err
	}
	for i, c := range h.list {
		if got, want := kept[i].Row(), c.Row(); !reflect.DeepEqual(got, want) {
			h.t.Errorf("collection %s: row differs from what was kept in memory:\n%+v\n%+v", c.Name, got, want)
		}
	}
	return nil
}

// serve answers a request, ok is false for those that are not about collections.
func (h *host) serve(method string, u *url.URL, body []byte) (status int, answer any, ok bool) {
	path := strings.TrimPrefix(u.Path, "/api/collections")
	if path == u.Path {
		return 0, nil, false
	}
	parts := strings.Split(strings.Trim(path, "/"), "/")
	name := parts[0]
	switch {
	case len(parts) > 1 && parts[1] == "records" && method == "POST":
		h.createRecord(name, body)
		return 0, nil, false
	case path == "/meta/dry-run-view":
		return h.dryRun(u, body)
	case path == "/meta/scaffolds" && method == "GET":
		return h.show(u, schema.Scaffolds())
	case path == "/meta/oauth2-providers" && method == "GET":
		return h.show(u, schema.Providers())
	case len(parts) > 1 || name == "import" && method != "PUT":
		return 0, nil, false
	case name == "" && method == "POST":
		c, err := schema.DecodeNew(body)
		if errors.Is(err, schema.ErrTypeData) {
			return fail("Failed to load the collection type data due to invalid formatting.", nil)
		}
		if err == nil {
			err = h.change(func(ch *schema.Change) error { return ch.Create(c) })
		}
		return h.outcome(u, c, err, "Failed to create collection.")
	case name == "import":
		return h.importAll(body)
	case name == "":
		return 0, nil, false
	}
	stored := schema.NewCatalogue(1, h.list).Find(name)
	if stored == nil {
		_, answer, ok = fail("The requested resource wasn't found.", nil)
		answer.(map[string]any)["status"] = float64(404)
		return 404, answer, ok
	}
	switch method {
	case "GET":
		return h.outcome(u, stored, nil, "")
	case "DELETE":
		err := h.change(func(ch *schema.Change) error { return ch.Delete(stored.ID) })
		var ref *schema.ReferencedError
		switch {
		case err == nil:
			return 204, nil, true
		case errors.As(err, &ref):
			return fail("Failed to delete collection probably due to existing reference in "+strings.Join(ref.Names, ", ")+".", nil)
		}
		return fail("Failed to delete collection.", nil)
	case "PATCH":
		c := stored.Clone()
		err := c.Decode(body)
		if err == nil {
			err = h.change(func(ch *schema.Change) error { return ch.Update(stored.ID, c) })
		}
		return h.outcome(u, c, err, "Failed to update collection.")
	}
	return 0, nil, false
}

func fail(message string, data any) (int, any, bool) {
	if data == nil {
		data = map[string]any{}
	}
	return 400, map[string]any{"status": float64(400), "message": validation.Sentence(message), "data": data}, true
}

func (h *host) outcome(u *url.URL, c *schema.Collection, err error, message string) (int, any, bool) {
	var errs validation.Errors
	var rawErr *schema.RawError
	switch {
	case err == nil:
	case errors.Is(err, schema.ErrData):
		return fail("Failed to load the submitted data due to invalid formatting.", nil)
	case errors.Is(err, schema.ErrNotFound):
		_, answer, _ := fail("The requested resource wasn't found.", nil)
		answer.(map[string]any)["status"] = float64(404)
		return 404, answer, true
	case errors.As(err, &errs):
		var data any
		if err := json.Unmarshal([]byte(encode(errs)), &data); err != nil {
			h.t.Fatal(err)
		}
		return fail(message, data)
	case errors.As(err, &rawErr):
		return fail(message+" Raw error: \n"+rawErr.Error(), nil)
	default:
		h.t.Fatalf("unexpected error %v", err)
	}
	return h.show(u, c)
}

// show answers with v, reduced to the fields that were asked for.
func (h *host) show(u *url.URL, v any) (int, any, bool) {
	var answer any
	if err := json.Unmarshal([]byte(encode(v)), &answer); err != nil {
		h.t.Fatal(err)
	}
	if fields := u.Query().Get("fields"); fields != "" {
		answer = pick(answer, strings.Split(fields, ","))
	}
	return 200, answer, true
}

func pick(v any, paths []string) any {
	switch x := v.(type) {
	case []any:
		out := make([]any, len(x))
		for i, e := range x {
			out[i] = pick(e, paths)
		}
		return out
	case map[string]any:
		rest := map[string][]string{}
		out := map[string]any{}
		for _, p := range paths {
			head, tail, nested := strings.Cut(strings.TrimSpace(p), ".")
			if e, ok := x[head]; ok && !nested {
				out[head] = e
			} else if nested {
				rest[head] = append(rest[head], tail)
			}
		}
		for head, tails := range rest {
			if e, ok := x[head]; ok && out[head] == nil {
				out[head] = pick(e, tails)
			}
		}
		return out
	}
	return v
}

func (h *host) importAll(body []byte) (int, any, bool) {
	var in struct {
		Collections   []json.RawMessage `json:"collections"`
		DeleteMissing bool              `json:"deleteMissing"`
	}
	if len(body) > 0 {
		if err := json.NewDecoder(bytes.NewReader(body)).Decode(&in); err != nil {
			return 0, nil, false
		}
	}
	for _, raw := range in.Collections {
		if raw[0] != '{' && raw[0] != 'n' {
			return 0, nil, false
		}
	}
	if len(in.Collections) == 0 {
		return 0, nil, false
	}
	err := h.change(func(ch *schema.Change) error { return ch.Import(in.Collections, in.DeleteMissing) })
	if err == nil {
		return 204, nil, true
	}
	return h.outcome(nil, nil, err, "Failed to import collections.")
}

// dryRun tries a view query and shows its first rows.
func (h *host) dryRun(u *url.URL, body []byte) (status int, answer any, ok bool) {
	var in struct{ Query string }
	if json.Unmarshal(body, &in) != nil || in.Query == "" || len(in.Query) > 5000 {
		return 0, nil, false
	}
	if strings.Contains(in.Query, "from _authOrigins") {
		return 0, nil, false // nobody signs in here
	}
	sample := []any{}
	var fields []json.RawMessage
	err := h.write(func(conn *zsqlite.Conn) error {
		dry, err := schema.TryView(conn, in.Query, h.list)
		if err != nil {
			return err
		}
		for _, f := range dry.Collection.Fields {
			fields = append(fields, schema.EncodeField(f))
		}
		return sqlitex.ExecuteTransient(conn, "SELECT * FROM "+dry.From+" LIMIT 10", &sqlitex.ExecOptions{
			ResultFunc: func(stmt *zsqlite.Stmt) error {
				row := map[string]json.RawMessage{
					"collectionId":   []byte(encode(dry.Collection.ID)),
					"collectionName": []byte(encode(dry.Collection.Name)),
				}
				for i, f := range dry.Collection.Fields {
					if f.Base().Hidden {
						continue
					}
					if row[f.Base().Name], err = f.AppendColumn(nil, stmt, i); err != nil {
						return err
					}
				}
				sample = append(sample, row)
				return nil
			},
		})
	})
	if err != nil {
		return fail("Invalid view query. Raw error: \n"+err.Error(), nil)
	}
	if err := json.Unmarshal([]byte(encode(map[string]any{"fields": fields, "sample": sample})), &answer); err != nil {
		h.t.Fatal(err)
	}
	if fields := u.Query().Get("fields"); fields != "" {
		answer = pick(answer, strings.Split(fields, ","))
	}
	return 200, answer, true
}

// createRecord stores plain values, so that tables are not empty.
func (h *host) createRecord(name string, body []byte) {
	c := schema.NewCatalogue(1, h.list).Find(name)
	var in map[string]any
	if c == nil || c.IsView() || json.Unmarshal(body, &in) != nil {
		return
	}
	var columns, marks []string
	var args []any
	for _, f := range c.Fields {
		v, ok := in[f.Base().Name]
		if !ok {
			continue
		}
		if _, isText := v.(string); !isText {
			v = encode(v)
		}
		columns, marks, args = append(columns, "`"+f.Base().Name+"`"), append(marks, "?"), append(args, v)
	}
	if c.IsAuth() {
		columns, marks, args = append(columns, "`tokenKey`"), append(marks, "?"), append(args, schema.NewSecret())
	}
	if len(columns) == 0 {
		columns, marks, args = []string{"`id`"}, []string{"?"}, []any{schema.NewSecret()[:15]}
	}
	query := "INSERT INTO `" + c.Name + "` (" + strings.Join(columns, ",") + ") VALUES (" + strings.Join(marks, ",") + ")"
	_ = h.write(func(conn *zsqlite.Conn) error {
		return sqlitex.ExecuteTransient(conn, query, &sqlitex.ExecOptions{Args: args})
	})
}
