package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// installerLife is how long the installer's token counts.
const installerLife = 30 * time.Minute

// Installer returns a token with which the first superuser can be created, "" when there is a superuser already or none
// can be. The account behind it is made when it is missing; it goes away when another superuser is created.
func (s *Superusers) Installer(ctx context.Context, now time.Time) (token string, err error) {
	c := s.data.Collection(schema.SuperusersName)
	if c == nil || !c.IsAuth() {
		return "", nil
	}
	exists, err := s.exist(ctx, c)
	if err != nil || exists {
		return "", err
	}
	account, err := s.data.LoadBy(ctx, c.ID, "email", records.InstallerEmail)
	if errors.Is(err, records.ErrNotFound) {
		account, err = s.create(ctx, c, records.InstallerEmail, schema.NewSecret())
	}
	if err != nil {
		return "", fmt.Errorf("make the installer's account: %w", err)
	}
	return Issue(account, Grant{Kind: AuthToken, Duration: installerLife}, now)
}

// exist tells whether there is a superuser beside the installer.
func (s *Superusers) exist(ctx context.Context, c *schema.Collection) (found bool, err error) {
	err = s.data.Read(ctx, func(r *sqlite.Reader) error {
		stmt, err := r.Prepare("SELECT 1 FROM " + sqlite.QuoteName(c.Name) + " WHERE `email` != ? LIMIT 1")
		if err != nil {
			return err
		}
		stmt.BindText(1, records.InstallerEmail)
		found, err = stmt.Step()
		return err
	})
	if err != nil {
		return false, fmt.Errorf("look for superusers: %w", err)
	}
	return found, nil
}
