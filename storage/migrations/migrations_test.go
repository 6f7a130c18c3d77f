package migrations_test

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/troupebase/troupe/storage/migrations"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/settings"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 6_000_000, time.UTC)

func open(t *testing.T, path string) *sqlite.Conn {
	t.Helper()
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite, sqlite.OpenCreate)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func fresh(t *testing.T) (data, aux *sqlite.Conn) {
	t.Helper()
	dir := t.TempDir()
	return open(t, filepath.Join(dir, "data.db")), open(t, filepath.Join(dir, "auxiliary.db"))
}

func rows(t *testing.T, conn *sqlite.Conn, query string) []string {
	t.Helper()
	var list []string
	err := sqlitex.ExecuteTransient(conn, query, &sqlitex.ExecOptions{ResultFunc: func(stmt *sqlite.Stmt) error {
		var row []string
		for i := range stmt.ColumnCount() {
			row = append(row, stmt.ColumnText(i))
		}
		list = append(list, strings.Join(row, "|"))
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestFreshDirectory(t *testing.T) {
	data, aux := fresh(t)
	if err := migrations.Bootstrap(data, aux, now); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"pbc_2279338944|1|base|_mfas", "pbc_1638494021|1|base|_otps", "pbc_2281828961|1|base|_externalAuths",
		"pbc_4275539003|1|base|_authOrigins", "pbc_3142635823|1|auth|_superusers", "_pb_users_auth_|0|auth|users",
	}
	if got := rows(t, data, "SELECT id, system, type, name FROM _collections ORDER BY rowid"); !slices.Equal(got, want) {
		t.Errorf("collections %q", got)
	}
	if got := rows(t, data, "SELECT file FROM _migrations ORDER BY rowid"); !slices.Equal(got, migrations.History()) {
		t.Errorf("history %q", got)
	}
	for _, applied := range rows(t, data, "SELECT applied FROM _migrations") {
		if len(applied) != 16 {
			t.Errorf("applied %s is not in microseconds", applied)
		}
	}
	if got := rows(t, data, "SELECT id, created, updated, typeof(value) FROM _params"); !slices.Equal(got, []string{"settings|2026-01-02 03:04:05.006Z|2026-01-02 03:04:05.006Z|blob"}) {
		t.Errorf("settings %q", got)
	}
	before := rows(t, data, "SELECT * FROM _collections")
	if err := migrations.Bootstrap(data, aux, now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if after := rows(t, data, "SELECT * FROM _collections"); !slices.Equal(before, after) {
		t.Error("a second start changed the rows")
	}
}

var blanks = regexp.MustCompile(`\s+`)

// statements returns the schema with one kind of blanks.
func statements(t *testing.T, conn *sqlite.Conn, where string) []string {
	t.Helper()
	list := rows(t, conn, "SELECT sql FROM sqlite_master WHERE sql != '' AND "+where+" ORDER BY type, name")
	for i, s := range list {
		list[i] = blanks.ReplaceAllString(s, " ")
	}
	return list
}

// TestSchemaOfARealDirectory compares with a directory that the reference made.
func TestSchemaOfARealDirectory(t *testing.T) {
	root := os.Getenv("TROUPE_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared")
	}
	dir := filepath.Join(root, "fixtures", "pb_data")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no real data directory at %s: %v", dir, err)
	}
	copied := t.TempDir()
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	realData, realAux := open(t, filepath.Join(copied, "data.db")), open(t, filepath.Join(copied, "auxiliary.db"))
	data, aux := fresh(t)
	if err := migrations.Bootstrap(data, aux, now); err != nil {
		t.Fatal(err)
	}
	system := "tbl_name IN ('_migrations', '_params', '_collections', '_mfas', '_otps', '_externalAuths', '_authOrigins', '_superusers')"
	if got, want := statements(t, data, system), statements(t, realData, system); !slices.Equal(got, want) {
		t.Errorf("data.db:\n got %q\nwant %q", got, want)
	}
	logs := "tbl_name = '_logs'"
	if got, want := statements(t, aux, logs), statements(t, realAux, logs); !slices.Equal(got, want) {
		t.Errorf("auxiliary.db:\n got %q\nwant %q", got, want)
	}
	columns := "SELECT fields, indexes, listRule, viewRule, createRule, updateRule, deleteRule FROM _collections WHERE system ORDER BY rowid"
	if got, want := rows(t, data, columns), rows(t, realData, columns); !slices.Equal(got, want) {
		t.Errorf("rows:\n got %q\nwant %q", got, want)
	}

	if err := migrations.Bootstrap(realData, realAux, now); err != nil {
		t.Errorf("the real directory is refused: %v", err)
	}
	if _, err := schema.Load(realData); err != nil {
		t.Error(err)
	}
	if _, err := settings.Load(realData, settings.Key{}); err != nil {
		t.Error(err)
	}
}

func TestRefusedDirectories(t *testing.T) {
	tests := map[string]struct {
		script string
		old    bool
	}{
		"before 0.23":           {"CREATE TABLE _admins (id TEXT); CREATE TABLE _params (id TEXT); CREATE TABLE _collections (id TEXT)", true},
		"without _mfas":         {"CREATE TABLE _params (id TEXT); CREATE TABLE _collections (id TEXT); CREATE TABLE _authOrigins (id TEXT)", true},
		"without _params":       {"CREATE TABLE _collections (id TEXT)", false},
		"without first history": {"CREATE TABLE _params (id TEXT); CREATE TABLE _collections (id TEXT); CREATE TABLE _mfas (id TEXT); CREATE TABLE _authOrigins (id TEXT); CREATE TABLE _migrations (file TEXT, applied INTEGER)", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			data, aux := fresh(t)
			if err := sqlitex.ExecuteScript(data, test.script, nil); err != nil {
				t.Fatal(err)
			}
			before := rows(t, data, "SELECT sql FROM sqlite_master")
			err := migrations.Bootstrap(data, aux, now)
			if err == nil || errors.Is(err, migrations.ErrTooOld) != test.old {
				t.Errorf("got %v", err)
			}
			if after := rows(t, data, "SELECT sql FROM sqlite_master"); !slices.Equal(before, after) {
				t.Error("the directory was changed")
			}
		})
	}
}

func TestMissingPartsComeBack(t *testing.T) {
	data, aux := fresh(t)
	if err := migrations.Bootstrap(data, aux, now); err != nil {
		t.Fatal(err)
	}
	if err := sqlitex.ExecuteScript(aux, "DROP TABLE _logs", nil); err != nil {
		t.Fatal(err)
	}
	if err := sqlitex.ExecuteScript(data, "DELETE FROM _params", nil); err != nil {
		t.Fatal(err)
	}
	if err := migrations.Bootstrap(data, aux, now); err != nil {
		t.Fatal(err)
	}
	if got := rows(t, aux, "SELECT count(*) FROM _logs"); got[0] != "0" {
		t.Errorf("logs %q", got)
	}
	if got := rows(t, data, "SELECT id FROM _params"); !slices.Equal(got, []string{"settings"}) {
		t.Errorf("settings %q", got)
	}
}
