package schema_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	zsqlite "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/troupebase/troupe/storage/schema"
)

// copyDatabase copies a database file to where it may be written to.
func copyDatabase(t *testing.T, path string) string {
	t.Helper()
	target := filepath.Join(t.TempDir(), filepath.Base(path))
	for _, suffix := range []string{"", "-wal"} {
		raw, err := os.ReadFile(path + suffix)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(target+suffix, raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return target
}

func sameJSON(t *testing.T, a, b string) bool {
	t.Helper()
	var x, y any
	if err := json.Unmarshal([]byte(a), &x); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(b), &y); err != nil {
		t.Fatal(err)
	}
	return encode(x) == encode(y)
}

// TestRowsOfARealDirectory reads rows that the reference wrote and writes them again.
func TestRowsOfARealDirectory(t *testing.T) {
	conn, err := zsqlite.OpenConn(copyDatabase(t, shared(t, "fixtures", "pb_data", "data.db")))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	list, err := schema.Load(conn)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 6 {
		t.Fatalf("%d collections only", len(list))
	}
	i := 0
	err = sqlitex.ExecuteTransient(conn, "SELECT fields, indexes, options FROM _collections ORDER BY rowid", &sqlitex.ExecOptions{
		ResultFunc: func(stmt *zsqlite.Stmt) error {
			row := list[i].Row()
			i++
			for n, got := range []string{row.Fields, row.Indexes, row.Options} {
				if want := stmt.ColumnText(n); !sameJSON(t, want, got) {
					t.Errorf("%s, column %d:\n got %s\nwant %s", row.Name, n, got, want)
				}
			}
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestRowTolerance(t *testing.T) {
	tests := map[string]struct {
		row  schema.Row
		fail string
	}{
		"empty texts":     {row: schema.Row{Type: "auth", Name: "a"}},
		"unknown type":    {row: schema.Row{Type: "odd", Name: "a", Fields: "[]", Options: "{}"}},
		"unknown keys":    {row: schema.Row{Type: "base", Fields: `[{"type":"text","name":"a","id":"x","zz":1}]`, Options: `{"zz":1}`}},
		"unknown field":   {row: schema.Row{Type: "base", Fields: `[{"type":"zz","name":"a"}]`}, fail: "missing or unknown field type"},
		"broken fields":   {row: schema.Row{Type: "base", Fields: "{"}, fail: "fields"},
		"broken indexes":  {row: schema.Row{Type: "base", Indexes: "{"}, fail: "indexes"},
		"broken options":  {row: schema.Row{Type: "base", Options: "{"}, fail: "options"},
		"options a text":  {row: schema.Row{Type: "auth", Options: `"x"`}, fail: "options"},
		"missing secrets": {row: schema.Row{Type: "auth", Options: `{"authToken":{"duration":5}}`}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c, err := schema.FromRow(test.row)
			switch {
			case test.fail == "" && err != nil:
				t.Fatal(err)
			case test.fail != "" && (err == nil || !strings.Contains(err.Error(), test.fail)):
				t.Fatalf("got %v, want an error about %q", err, test.fail)
			case err == nil && !json.Valid(c.AppendAPI(nil)):
				t.Fatalf("answer is no JSON: %s", c.AppendAPI(nil))
			}
		})
	}
}

func TestAnswersShowNoSecrets(t *testing.T) {
	c := schema.NewCollection(schema.Auth, "a")
	c.Auth.OAuth2.Providers = []schema.OAuth2Provider{{Name: "google", ClientID: "cid", ClientSecret: "hush-hush"}}
	answer := c.AppendAPI(nil)
	for _, secret := range []string{c.Auth.AuthToken.Secret, c.Auth.FileToken.Secret, "hush-hush", `"secret"`, `"clientSecret"`} {
		if bytes.Contains(answer, []byte(secret)) {
			t.Errorf("answer contains %q: %s", secret, answer)
		}
	}
	if row := c.Row(); !strings.Contains(row.Options, "hush-hush") || !strings.Contains(row.Options, c.Auth.AuthToken.Secret) {
		t.Errorf("row lost a secret: %s", row.Options)
	}
}

// TestDecodeMergesAuthOptions shows what of the options stays when a part is sent.
func TestDecodeMergesAuthOptions(t *testing.T) {
	stored := schema.NewCollection(schema.Auth, "a")
	stored.Auth.OAuth2.Providers = []schema.OAuth2Provider{
		{Name: "google", ClientSecret: "s0", Extra: map[string]any{"k": 1.0}},
		{Name: "github", ClientSecret: "s1"},
	}
	before := encode(stored.Row())
	tests := map[string]struct {
		body  string
		check func(c *schema.Collection) bool
	}{
		"nothing":      {`{}`, func(c *schema.Collection) bool { return encode(c.Row()) == before }},
		"null objects": {`{"otp":null,"authToken":null,"name":null}`, func(c *schema.Collection) bool { return encode(c.Row()) == before }},
		"null rule":    {`{"authRule":null}`, func(c *schema.Collection) bool { return c.Auth.AuthRule == nil }},
		"one key":      {`{"otp":{"enabled":true}}`, func(c *schema.Collection) bool { return c.Auth.OTP.Enabled && c.Auth.OTP.Length == 8 }},
		"any case":     {`{"OTP":{"ENABLED":true}}`, func(c *schema.Collection) bool { return c.Auth.OTP.Enabled }},
		"by name": {`{"oauth2":{"providers":[{"name":"github"}]}}`, func(c *schema.Collection) bool {
			p := c.Auth.OAuth2.Providers
			return len(p) == 1 && p[0].Name == "github" && p[0].ClientSecret == "s1"
		}},
		"beyond the end": {`{"oauth2":{"providers":[{},{},{"name":"x"}]}}`, func(c *schema.Collection) bool {
			p := c.Auth.OAuth2.Providers
			return len(p) == 3 && p[1].ClientSecret == "s1" && p[2].ClientSecret == ""
		}},
		"extra merges": {`{"oauth2":{"providers":[{"extra":{"l":2}}]}}`, func(c *schema.Collection) bool {
			return len(c.Auth.OAuth2.Providers[0].Extra) == 2
		}},
		"extra cleared":  {`{"oauth2":{"providers":[{"extra":null}]}}`, func(c *schema.Collection) bool { return c.Auth.OAuth2.Providers[0].Extra == nil }},
		"null providers": {`{"oauth2":{"providers":null}}`, func(c *schema.Collection) bool { return len(c.Auth.OAuth2.Providers) == 0 }},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := stored.Clone()
			if err := c.Decode([]byte(test.body)); err != nil {
				t.Fatal(err)
			}
			if !test.check(c) {
				t.Errorf("got %s", encode(c.Row()))
			}
			if encode(stored.Row()) != before {
				t.Error("the stored collection was changed")
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"name":"a","type":"base","fields":[{"type":"text","name":"t"}]}`, `{"type":"auth","oauth2":{"providers":[{}]}}`,
		`{"type":"view","viewQuery":"select 1 as id"}`, `null`, `[]`, `{"fields":null,"indexes":["x"]} trailing`, `{"created":"2020-01-01"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		c, err := schema.DecodeNew(body)
		if err != nil {
			return
		}
		if !json.Valid(c.AppendAPI(nil)) {
			t.Fatalf("answer is no JSON: %s", c.AppendAPI(nil))
		}
		again, err := schema.FromRow(c.Row())
		if err != nil {
			t.Fatalf("row cannot be read back: %v", err)
		}
		if got, want := encode(again.Row()), encode(c.Row()); got != want {
			t.Fatalf("row changes when it is read:\n%s\n%s", want, got)
		}
	})
}

// shared returns a path below the directory of real data, and skips the test where it is not there.
func shared(t *testing.T, path ...string) string {
	t.Helper()
	root := os.Getenv("TROUPE_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared")
	}
	full := filepath.Join(append([]string{root}, path...)...)
	if _, err := os.Stat(full); err != nil {
		t.Skipf("nothing at %s: %v", full, err)
	}
	return full
}
