package oauth2

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"time"
)

// known is what is known of a provider: an entry of the table.
type known struct {
	name   string
	scopes []string
	// noPKCE says that its codes are not bound to a secret of the client unless a collection says so.
	noPKCE                     bool
	authURL, tokenURL, userURL string
	// authParams are further parameters of the address that people are sent to.
	authParams map[string]string
	// headers of the question who somebody is; clientIDHere stands for the id of the registration.
	headers map[string]string
	// query is a GraphQL query that is the question.
	query string
	// openIDClaim is the extra setting that makes the provider send an id_token.
	openIDClaim string
	// raw is how the answer is got, where it is not by asking userURL.
	raw func(ctx context.Context, v *visit) (*object, error)

	read reading
	// then does what the reading cannot say.
	then func(ctx context.Context, v *visit, u *User) error
}

// clientIDHere stands for the client id in a header.
const clientIDHere = "{clientId}"

// reading says where in an answer the parts of a user stand: paths, empty for what the provider does not say.
type reading struct {
	// id is the path of a text, number that of a whole number in its place.
	id, number             string
	name, username, avatar string
	email                  string
	// verified must hold for the email to count; nil where the provider only tells verified ones.
	verified check
	// active must hold for anybody to be signed in; nil where the provider does not say.
	active check
}

// check is a condition on an answer.
type check func(o *object) bool

func isTrue(path string) check   { return func(o *object) bool { return o.yes(path) } }
func isTruthy(path string) check { return func(o *object) bool { return truthy(o.at(path)) } }
func isOne(path string) check    { return func(o *object) bool { return numberAt(o, path) == 1 } }
func hasAny(path string) check   { return func(o *object) bool { return o.filled(path) } }

func isText(path, want string) check { return func(o *object) bool { return o.text(path) == want } }

func isTime(path string) check {
	return func(o *object) bool {
		_, err := time.Parse(time.RFC3339, o.text(path))
		return err == nil
	}
}

func both(a, b check) check {
	return func(o *object) bool {
		first, second := a(o), b(o)
		return first && second
	}
}

// numberAt returns a number, 0 when there is none.
func numberAt(o *object, path string) float64 {
	v := o.at(path)
	if v == nil {
		return 0
	}
	number, ok := v.(json.Number)
	n, err := number.Float64()
	if !ok || err != nil {
		o.wrong(path)
	}
	return n
}

var errInactive = errors.New("the account is not active")

// user reads the parts of a user.
func (r *reading) user(o *object) (*User, error) {
	u := &User{
		ID: o.text(r.id), Name: o.text(r.name), Username: o.text(r.username), AvatarURL: o.text(r.avatar), Raw: o.root,
	}
	if r.number != "" {
		u.ID = strconv.FormatInt(o.integer(r.number), 10)
	}
	if email := o.text(r.email); r.verified == nil || r.verified(o) {
		u.Email = email
	}
	active := r.active == nil || r.active(o)
	switch {
	case o.err != nil:
		return nil, o.err
	case !active:
		return nil, errInactive
	}
	return u, nil
}
