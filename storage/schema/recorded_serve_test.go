package schema_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/url"
	"strings"

	zsqlite "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/validation"
)

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
		return missing()
	}
	return h.serveStored(method, u, stored, body)
}

// serveStored answers a request about a collection that there is.
func (h *host) serveStored(method string, u *url.URL, stored *schema.Collection, body []byte) (status int, answer any, ok bool) {
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

func missing() (status int, answer any, ok bool) {
	_, answer, ok = fail("The requested resource wasn't found.", nil)
	answer.(map[string]any)["status"] = float64(404)
	return 404, answer, ok
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
		return missing()
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
