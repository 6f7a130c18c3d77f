package migrations

import (
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// TestOldAlertsAreRenewed: in a directory from before the step collections with the old text get the newer one, others keep
// what they have, and it happens once.
func TestOldAlertsAreRenewed(t *testing.T) {
	dir := t.TempDir()
	open := func(name string) *sqlite.Conn {
		conn, err := sqlite.OpenConn(filepath.Join(dir, name), sqlite.OpenReadWrite, sqlite.OpenCreate)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn
	}
	data, aux := open("data.db"), open("auxiliary.db")
	if err := Bootstrap(data, aux, time.Now()); err != nil {
		t.Fatal(err)
	}
	const stock = "<p>the old text</p>"
	sum := sha256.Sum256([]byte(stock))
	set := func(name, body string) {
		t.Helper()
		err := sqlitex.ExecuteTransient(data, "UPDATE _collections SET options = json_set(options, '$.authAlert.emailTemplate.body', ?1) WHERE name = ?2",
			&sqlitex.ExecOptions{Args: []any{body, name}})
		if err != nil {
			t.Fatal(err)
		}
	}
	bodyOf := func(name string) (body string) {
		t.Helper()
		err := sqlitex.ExecuteTransient(data, "SELECT json_extract(options, '$.authAlert.emailTemplate.body') FROM _collections WHERE name = ?1", &sqlitex.ExecOptions{
			Args: []any{name}, ResultFunc: func(stmt *sqlite.Stmt) error { body = stmt.ColumnText(0); return nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		return body
	}
	renew := func() {
		t.Helper()
		if err := renewAlerts(data, hex.EncodeToString(sum[:]), 1); err != nil {
			t.Fatal(err)
		}
	}
	set("users", stock)
	set("_superusers", stock+" ")
	renew()
	if bodyOf("users") != stock {
		t.Error("a directory that has seen the step was changed")
	}
	if err := sqlitex.ExecuteTransient(data, "DELETE FROM _migrations WHERE file = '"+alertsMigration+"'", nil); err != nil {
		t.Fatal(err)
	}
	renew()
	if !strings.Contains(bodyOf("users"), "{ALERT_INFO}") || bodyOf("_superusers") != stock+" " {
		t.Errorf("users %q, superusers %q", bodyOf("users"), bodyOf("_superusers"))
	}
	set("users", stock)
	renew()
	if bodyOf("users") != stock {
		t.Error("the step was made twice")
	}
}
