package troupe

import (
	"context"
	"time"

	"github.com/troupebase/troupe/actors/auth"
)

// SuperusersCollection is the collection whose records may do everything. A superuser is made like any other record of an auth
// collection: with an email and a password.
const SuperusersCollection = "_superusers"

// NewAuthToken makes a token with which requests are signed in as a stored record of an auth collection, for as long as the
// collection says. Whoever has it is the record: no password was asked for.
func (a *App) NewAuthToken(r *Record) (string, error) {
	return auth.Issue(r, auth.Grant{Kind: auth.AuthToken, Refreshable: true}, time.Now())
}

// InstallerToken returns a token with which the first superuser can be made, in a browser at /_/#/pbinstall/TOKEN; "" when there is
// a superuser already.
func (a *App) InstallerToken(ctx context.Context) (string, error) {
	if !a.inner.Ready() {
		return "", ErrNotOpen
	}
	return auth.NewSuperusers(auth.NewData(a.inner.Accounts(), "installer")).Installer(ctx, time.Now())
}
