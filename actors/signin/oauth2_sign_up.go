package signin

import (
	"context"
	"fmt"
	"maps"

	"github.com/troupebase/troupe/actors/auth"
	"github.com/troupebase/troupe/actors/auth/oauth2"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
)

// signUp is what a record for a new user is made of.
type signUp struct {
	body    map[string]any
	files   []*records.PendingFile
	picture *oauth2.Picture // nil for none; a temporary file
	// plain is the password that the client chose, "" for none, and hash its stored form.
	plain, hash string
}

// newSignUp asks whether there may be one, and collects it: what the client sent, and what the provider says beneath.
func (o *oauth2SignIn) newSignUp(ctx context.Context) (*signUp, error) {
	c, u := o.a.Collection, o.user
	if c.IsSuperusers() || c.CreateRule == nil && !o.a.Request.Caller.Superuser {
		return nil, records.ErrForbidden
	}
	if err := o.form.limit(c); err != nil {
		return nil, err
	}
	up := &signUp{body: maps.Clone(o.form.CreateData)}
	if up.body == nil {
		up.body = make(map[string]any)
	}
	if email := up.body["email"]; email == nil || email == "" {
		up.body["email"] = u.Email
	}
	mapped := &c.Auth.OAuth2.MappedFields
	up.fill(mapped.ID, u.ID)
	up.fill(mapped.Name, u.Name)
	if up.lacks(mapped.Username) {
		free, err := o.usernameFits(ctx, mapped.Username)
		if err != nil {
			return nil, err
		}
		if free {
			up.fill(mapped.Username, u.Username)
		}
	}
	if u.AvatarURL != "" && up.lacks(mapped.AvatarURL) {
		o.addPicture(ctx, up, mapped.AvatarURL)
	}
	return up, o.hashPlain(ctx, up)
}

// lacks tells whether a field is to be filled and was not yet.
func (up *signUp) lacks(field string) bool {
	_, sent := up.body[field]
	return field != "" && !sent
}

func (up *signUp) fill(field, value string) {
	if up.lacks(field) {
		up.body[field] = value
	}
}

// usernameFits tells whether the provider's username is one that the field takes and nobody has.
func (o *oauth2SignIn) usernameFits(ctx context.Context, field string) (free bool, err error) {
	c, username := o.a.Collection, o.user.Username
	f := c.Field(field)
	if f == nil || username == "" || f.Validate(f.Cast(username), schema.Create) != nil {
		return false, nil
	}
	if _, unique := c.UniqueIndex(field); !unique {
		return true, nil
	}
	err = o.s.writes.Look(ctx)(func(p records.Preparer) error {
		taken, err := auth.FindUnique(p, c, field, username)
		free = taken == nil
		return err
	})
	if err != nil {
		return false, fmt.Errorf("look for the username: %w", err)
	}
	return free, nil
}

// addPicture fills a field with the user's picture: the file, or its address where the field takes none. Nobody is kept out for
// a picture that cannot be had.
func (o *oauth2SignIn) addPicture(ctx context.Context, up *signUp, field string) {
	c, address := o.a.Collection, o.user.AvatarURL
	f := c.Field(field)
	if f == nil || f.Role() != schema.RoleFiles {
		up.fill(field, address)
		return
	}
	picture, err := o.s.oauth2.Picture(ctx, address)
	if err != nil {
		o.s.log.Debug("no picture of an OAuth2 user", "error", err)
		return
	}
	up.picture = picture
	file := &records.PendingFile{Key: field, Original: picture.Name, Size: picture.Size, Content: picture}
	if err := file.Identify(); err != nil {
		o.s.log.Warn("picture of an OAuth2 user", "error", err)
		return
	}
	up.files = append(up.files, file)
}

// hashPlain hashes the password that the client chose, so that no transaction waits for that.
func (o *oauth2SignIn) hashPlain(ctx context.Context, up *signUp) (err error) {
	f, ok := o.a.Collection.Field("password").(*schema.PasswordField)
	if !ok {
		return nil
	}
	p, _ := f.Cast(up.body["password"]).(schema.Password)
	if up.plain = p.Plain; up.plain == "" || f.Validate(p, schema.Create) != nil {
		return nil
	}
	up.hash, err = o.s.data.Hash(ctx, o.a.Collection, up.plain)
	return err
}

// create makes the record as a request to the API would, with its rule, checks and hooks.
func (o *oauth2SignIn) create(ctx context.Context) (r *records.Record, err error) {
	c, up := o.a.Collection, o.signUp
	r, err = o.s.writes.Do(ctx, &writes.Write{
		Collection: c, Action: records.Created, Client: o.a.Origin.IP,
		Info: func() *writes.RequestInfo { return o.a.Request },
		Input: records.WriteInput{
			CollectionID: c.ID, Incarnation: c.Incarnation, Caller: o.a.Request.Caller, Body: up.body, Files: up.files, PasswordHash: o.hash,
			Hashed: schema.Password{Plain: up.plain, Hash: up.hash},
		},
	})
	if err != nil {
		return nil, &SignUpError{err}
	}
	if r == nil {
		return nil, &SignUpError{errNotMade}
	}
	if r.Bool("verified") || r.Text("email") != o.user.Email {
		return r, nil
	}
	r.Set("verified", true)
	return r, o.save(ctx, r)
}

// errNotMade says that a hook kept the record from being made without saying why.
var errNotMade = fmt.Errorf("%w: a hook kept the record from being made", records.ErrRule)
