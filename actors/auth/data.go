package auth

import (
	"context"
	"errors"
	"fmt"

	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// Application is the part of an application that accounts and sign-ins rest on.
type Application struct {
	DB *sqlite.DB
	// Catalogue returns the current snapshot of the definitions; inside a read it belongs to the tables.
	Catalogue func() *schema.Catalogue
	Store     *records.Store
	// Passwords are the functions that do the work on passwords.
	Passwords records.Passwords
	// Write applies a command, with the hooks around it, and waits for its outcome. client is who wrote it, for fairness.
	Write func(ctx context.Context, c *schema.Collection, cmd records.Command, client string) error
}

// Data reads and writes records on behalf of the server itself: no rule is asked. It is safe for concurrent use; make one
// with [NewData].
type Data struct {
	app    Application
	client string
}

// NewData returns the data of an application. client is who its writes are charged to, for fairness.
func NewData(app Application, client string) *Data { return &Data{app: app, client: client} }

// Collection returns a collection by its name or id, nil when there is none.
func (d *Data) Collection(nameOrID string) *schema.Collection {
	return d.app.Catalogue().Find(nameOrID)
}

// Read runs fn on a Reader. fn may run more than once. It fails like sqlite.DB.Read.
func (d *Data) Read(ctx context.Context, fn func(r *sqlite.Reader) error) error {
	return d.app.DB.Read(ctx, fn)
}

// ReadAuth is [Data.Read] with the definition of an auth collection that belongs to the tables. It fails with
// records.ErrNoCollection when there is none with that id.
func (d *Data) ReadAuth(ctx context.Context, collectionID string, fn func(r *sqlite.Reader, c *schema.Collection) error) error {
	return d.Read(ctx, func(r *sqlite.Reader) error {
		c := d.app.Catalogue().ByID(collectionID)
		if c == nil || !c.IsAuth() || c.Auth == nil {
			return records.ErrNoCollection
		}
		return fn(r, c)
	})
}

// MeetsRule tells whether a stored record of a collection meets a rule; req is the request that the rule sees. It fails with
// records.ErrQuery when the rule cannot be evaluated, or with the errors of the database.
func (d *Data) MeetsRule(r *sqlite.Reader, c *schema.Collection, id, rule string, req *filter.Request) (bool, error) {
	return d.app.Store.Matches(d.app.Catalogue(), r, c, id, records.Condition{Text: rule, Trust: filter.Rule}, req)
}

// Load returns a record. It fails with records.ErrNotFound, records.ErrNoCollection or the errors of the database.
func (d *Data) Load(ctx context.Context, collectionID, id string) (*records.Record, error) {
	return d.app.Store.Load(ctx, collectionID, id)
}

// LoadBy is [Data.Load] by the value of another text field.
func (d *Data) LoadBy(ctx context.Context, collectionID, field, value string) (*records.Record, error) {
	return d.app.Store.LoadBy(ctx, collectionID, field, value)
}

// ByEmail returns the record of an auth collection with that address, nil when there is none. The unique index decides
// whether the case of letters counts. It fails with records.ErrNoCollection or the errors of the database.
func (d *Data) ByEmail(ctx context.Context, collectionID, email string) (found *records.Record, err error) {
	err = d.ReadAuth(ctx, collectionID, func(r *sqlite.Reader, c *schema.Collection) (err error) {
		found, err = FindUnique(r, c, "email", email)
		return err
	})
	if errors.Is(err, records.ErrNotFound) {
		return nil, nil // deleted between the index and the row
	}
	return found, err
}

// Current is on whose behalf a caller acts now: a token may have ended since the request came. p is what the caller reads from.
func (d *Data) Current(p records.Preparer, who records.Caller) (records.Caller, error) {
	return d.app.Store.Current(d.app.Catalogue(), p, who)
}

// FindAll returns the records that a search finds; see records.Store.FindAll.
func (d *Data) FindAll(ctx context.Context, p records.Preparer, in *records.FindInput) ([]*records.Record, error) {
	return d.app.Store.FindAll(ctx, p, in)
}

// Create creates a record of a collection. It returns the command, whose Result is nil when a hook kept the record from
// being stored. It fails with validation.Errors or the errors of the write.
func (d *Data) Create(ctx context.Context, c *schema.Collection, body map[string]any) (*records.Create, error) {
	cmd, err := d.app.Store.PrepareCreate(ctx, d.input(c, body))
	if err == nil {
		err = d.app.Write(ctx, c, cmd, d.client)
	}
	if err != nil {
		return nil, err
	}
	return cmd, nil
}

// Update changes a record and returns it as it is stored then, nil when a hook kept it as it was. It fails with
// validation.Errors, records.ErrNotFound or the errors of the write.
func (d *Data) Update(ctx context.Context, c *schema.Collection, id string, body map[string]any) (*records.Record, error) {
	return d.update(ctx, c, id, d.input(c, body))
}

// Change is [Data.Update] on behalf of somebody who showed a token or a code of r. It fails with records.ErrTokenKey when
// the record's tokens have ended since r was read. Where a hook kept the record as it was, the result is r.
func (d *Data) Change(ctx context.Context, r *records.Record, body map[string]any) (*records.Record, error) {
	in := d.input(r.Collection, body)
	in.TokenKey = r.Text("tokenKey")
	changed, err := d.update(ctx, r.Collection, r.ID(), in)
	if err == nil && changed == nil {
		changed = r
	}
	return changed, err
}

func (d *Data) update(ctx context.Context, c *schema.Collection, id string, in records.WriteInput) (*records.Record, error) {
	cmd, err := d.app.Store.PrepareUpdate(ctx, id, in)
	if err == nil {
		err = d.app.Write(ctx, c, cmd, d.client)
	}
	if err != nil {
		return nil, err
	}
	return cmd.Result, nil
}

// Delete deletes a record and what goes along with it. It fails with records.ErrNotFound or the errors of the write.
func (d *Data) Delete(ctx context.Context, c *schema.Collection, id string) error {
	cmd, err := d.app.Store.PrepareDelete(id, d.input(c, nil))
	if err != nil {
		return err
	}
	return d.app.Write(ctx, c, cmd, d.client)
}

func (d *Data) input(c *schema.Collection, body map[string]any) records.WriteInput {
	return records.WriteInput{CollectionID: c.ID, Body: body, SkipRules: true}
}

// Hash hashes a password or code at the cost of a collection's field "password". It fails like [Passwords.Hash].
func (d *Data) Hash(ctx context.Context, c *schema.Collection, plain string) (string, error) {
	return d.app.Passwords.Hash(ctx, plain, hashCost(c))
}

// HasPassword tells whether a password or code is the one of a record. It fails like [Passwords.Matches].
func (d *Data) HasPassword(ctx context.Context, r *records.Record, plain string) (bool, error) {
	stored, _ := r.Get("password").(schema.Password)
	return d.app.Passwords.Matches(ctx, stored.Hash, plain)
}

// RandomPassword is a password that nobody knows. It needs not meet the rules of the field: nobody chose it. It fails like
// [Passwords.Hash].
func (d *Data) RandomPassword(ctx context.Context, c *schema.Collection) (schema.Password, error) {
	hash, err := d.Hash(ctx, c, schema.NewSecret())
	if err != nil {
		return schema.Password{}, fmt.Errorf("replace the password: %w", err)
	}
	return schema.Password{Hash: hash}, nil
}

// hashCost is the cost at which a collection's passwords are hashed, 0 for the default.
func hashCost(c *schema.Collection) int {
	if f, ok := c.Field("password").(*schema.PasswordField); ok {
		return f.HashCost()
	}
	return 0
}
