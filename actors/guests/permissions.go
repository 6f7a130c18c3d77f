package guests

import (
	"errors"
	"strings"

	"github.com/troupebase/troupe/storage/schema"
)

// Scope is in whose name a call of code reaches data, and within which permissions.
type Scope struct {
	// Name is whose code it is, for the fairness of writes.
	Name string
	// AsCaller asks the rules about whoever makes the request, and about a guest where there is none. Otherwise the code acts in its own
	// name, and no rule is asked.
	AsCaller bool
	// Permits tells whether the code may reach a collection, by name, where no rule decides about that: in its own name, in a
	// superuser's, and for collections of the system. Nil permits none.
	Permits func(collection string) bool
	// Credentials tells that the code may decide who can sign in as whom.
	Credentials bool
}

var (
	// ErrNotPermitted says that code has no permission for a collection.
	ErrNotPermitted = errors.New("there is no permission for the collection")
	// ErrCredential says that password, email or verified of an auth record were to be set without the permission for that.
	ErrCredential = errors.New("setting password, email or verified of auth records takes the permission auth.credentials, granted by the operator")
	// ErrSecret says that a field is a secret of the server.
	ErrSecret = errors.New("the field is a secret")
	// ErrNoField says that there is no such field.
	ErrNoField = errors.New("no such field")
)

// settable tells whether code may set a key of a record of c: nil, [ErrSecret] or [ErrCredential]. Around the name there may be
// modifiers.
func settable(c *schema.Collection, key string, credentials bool) error {
	if c.IsAuth() && strings.HasPrefix(strings.TrimLeft(key, "+"), "tokenKey") {
		return ErrSecret // who chooses it can make tokens
	}
	if !credentials && isCredential(c, key) {
		return ErrCredential
	}
	return nil
}

// isCredential tells whether a key of a body or record decides who can sign in as whom. Modifiers around the name do not matter.
func isCredential(c *schema.Collection, key string) bool {
	if !c.IsAuth() {
		return false
	}
	name, _, _ := strings.Cut(strings.Trim(key, "+- "), ":")
	switch name {
	case "password", "email", "verified":
		return true
	}
	return false
}

// readable returns the position of a field that code may read, or [ErrNoField] or [ErrSecret].
func readable(c *schema.Collection, name string) (int, error) {
	i := c.FieldIndex(name)
	if i < 0 {
		return -1, ErrNoField
	}
	if schema.Secret(c, c.Fields[i]) {
		return -1, ErrSecret
	}
	return i, nil
}
