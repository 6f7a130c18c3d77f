package migrations

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/troupebase/troupe/storage/schema"
)

// alertsMigration is the row of the step that gives auth collections the newer mail about a sign-in from a new place.
const alertsMigration = "1763020353_update_default_auth_alert_templates.go"

// oldAlert is the SHA-256 of the body that this mail had by default before that step, as directories hold it. Who has another
// one wrote it themselves, and keeps it.
const oldAlert = "ba5c60f52c2370c3c8cbbf54cbca348bde1dfd6ccdca01b06d32524139312d28"

// renewAlerts makes that step in a directory that has not seen it, and records it. The old text does not tell from where
// somebody signed in.
func renewAlerts(conn *sqlite.Conn, old string, applied int64) error {
	seen := false
	err := sqlitex.ExecuteTransient(conn, "SELECT 1 FROM _migrations WHERE file = ?1", &sqlitex.ExecOptions{
		Args: []any{alertsMigration}, ResultFunc: func(*sqlite.Stmt) error { seen = true; return nil },
	})
	if err != nil || seen {
		return err
	}
	const body = "'$.authAlert.emailTemplate.body'"
	var outdated []string
	err = sqlitex.ExecuteTransient(conn, "SELECT id, json_extract(options, "+body+") FROM _collections WHERE type = 'auth' AND json_valid(options)", &sqlitex.ExecOptions{
		ResultFunc: func(stmt *sqlite.Stmt) error {
			sum := sha256.Sum256([]byte(stmt.ColumnText(1)))
			if hex.EncodeToString(sum[:]) == old {
				outdated = append(outdated, stmt.ColumnText(0))
			}
			return nil
		},
	})
	if err != nil {
		return fmt.Errorf("look for old alerts: %w", err)
	}
	newer := schema.NewCollection(schema.Auth, "").Auth.AuthAlert.EmailTemplate.Body
	for _, id := range outdated {
		err := sqlitex.ExecuteTransient(conn, "UPDATE _collections SET options = json_set(options, "+body+", ?1) WHERE id = ?2",
			&sqlitex.ExecOptions{Args: []any{newer, id}})
		if err != nil {
			return fmt.Errorf("renew the alert of %s: %w", id, err)
		}
	}
	err = sqlitex.ExecuteTransient(conn, "INSERT INTO _migrations (file, applied) VALUES (?1, ?2)", &sqlitex.ExecOptions{Args: []any{alertsMigration, applied}})
	if err != nil {
		return fmt.Errorf("record migration %s: %w", alertsMigration, err)
	}
	return nil
}
