package records

import (
	"errors"
	"fmt"
	"time"

	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// InstallerEmail is the account that stands in for the first superuser until there is one.
const InstallerEmail = "__pbinstaller@example.com"

// dismissInstaller deletes the installer's account once another superuser was created.
func (s *Store) dismissInstaller(cat *schema.Catalogue, tx *sqlite.Tx, created *Record, now time.Time) error {
	c := created.Collection
	if !c.IsSuperusers() || created.Text("email") == InstallerEmail {
		return nil
	}
	installer, err := findWhere(tx, c, "email", InstallerEmail)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err == nil {
		err = (&deletion{s: s, cat: cat, tx: tx, now: now}).remove(c, []*Record{installer})
	}
	if err != nil {
		return fmt.Errorf("dismiss the installer: %w", err)
	}
	return nil
}
