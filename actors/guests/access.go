package guests

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// Access is how code of users reaches data, whatever runs it. The context of a call descends from the one that the code was called
// with: it says on whose behalf it runs, and which transaction it is part of. It is safe for concurrent use.
type Access struct {
	db        *sqlite.DB
	store     *records.Store
	catalogue func() *schema.Catalogue
	writes    *writes.Service
}

// Query is a search.
type Query struct {
	// Filter is a filter with parameters written {:name}; Params has their values.
	Filter string
	Params map[string]any
	Sort   string
	// Limit is how many records are wanted, Offset how many are passed over.
	Limit, Offset int
}

// Caller returns on whose behalf a chain of calls runs; a guest where there is no request.
func Caller(ctx context.Context) records.Caller {
	if info := writes.RequestOf(ctx); info != nil {
		return info.Caller
	}
	return records.Caller{Request: &filter.Request{Context: "default", Method: "GET", Now: time.Now()}}
}

// caller is whom the rules are asked about; nil where none is asked.
func (s Scope) caller(ctx context.Context) *records.Caller {
	if !s.AsCaller {
		return nil
	}
	who := Caller(ctx)
	return &who
}

// Collection returns a collection by name or id. It fails with records.ErrNoCollection.
func (a *Access) Collection(nameOrID string) (*schema.Collection, error) {
	c := a.catalogue().Find(nameOrID)
	if c == nil {
		return nil, fmt.Errorf("%w: %s", records.ErrNoCollection, nameOrID)
	}
	return c, nil
}

// reach returns the collection of a call that may reach it. It fails with records.ErrNoCollection or [ErrNotPermitted].
func (a *Access) reach(ctx context.Context, s Scope, nameOrID string) (*schema.Collection, error) {
	c, err := a.Collection(nameOrID)
	if err == nil && s.unruled(ctx, c) && (s.Permits == nil || !s.Permits(c.Name)) {
		err = fmt.Errorf("%w %s", ErrNotPermitted, c.Name)
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// unruled tells whether no rule that was made for users stands between the code and a collection, so that its own permissions
// have to: in its own name, in that of a superuser, and where the system keeps sessions and superusers.
func (s Scope) unruled(ctx context.Context, c *schema.Collection) bool {
	return !s.AsCaller || c.System || strings.HasPrefix(c.Name, "_") || Caller(ctx).Superuser
}

// Find returns a record. It fails with records.ErrNotFound, also where the rules hide it, and with [ErrNotPermitted], like all that
// reaches a collection.
func (a *Access) Find(ctx context.Context, s Scope, collection, id string) (*records.Record, error) {
	c, err := a.reach(ctx, s, collection)
	if err != nil {
		return nil, err
	}
	return a.find(ctx, c, id, s.caller(ctx))
}

// find returns a record that who may see; nil may see all.
func (a *Access) find(ctx context.Context, c *schema.Collection, id string, who *records.Caller) (r *records.Record, err error) {
	err = a.writes.Look(ctx)(func(p records.Preparer) (err error) {
		r, err = a.store.FindByID(ctx, p, c.ID, id, who)
		return err
	})
	return r, err
}

// List returns the records that a search finds.
func (a *Access) List(ctx context.Context, s Scope, collection string, q Query) (list []*records.Record, err error) {
	c, err := a.reach(ctx, s, collection)
	if err != nil {
		return nil, err
	}
	in := &records.FindInput{CollectionID: c.ID, Filter: q.Filter, Params: q.Params, Sort: q.Sort, Limit: q.Limit, Offset: q.Offset,
		Caller: s.caller(ctx), Extension: true}
	if in.Caller == nil || in.Caller.Superuser {
		in.Permits = s.Permits
	}
	err = a.writes.Look(ctx)(func(p records.Preparer) (err error) {
		list, err = a.store.FindAll(ctx, p, in)
		return err
	})
	return list, err
}

// Create makes a record of a body like that of a request, and returns what was stored. It fails with [ErrCredential] beside the errors of
// the write.
func (a *Access) Create(ctx context.Context, s Scope, collection string, body map[string]any) (*records.Record, error) {
	c, err := a.reach(ctx, s, collection)
	if err == nil {
		err = s.body(c, body)
	}
	if err != nil {
		return nil, err
	}
	return a.writes.Do(ctx, &writes.Write{
		Collection: c, Action: records.Created, Input: s.input(ctx, c, "POST", body), Form: s.AsCaller, Client: s.client(),
	})
}

// Update changes a record and returns what was stored. It fails like [Access.Create].
func (a *Access) Update(ctx context.Context, s Scope, collection, id string, body map[string]any) (*records.Record, error) {
	c, err := a.reach(ctx, s, collection)
	if err == nil {
		err = s.body(c, body)
	}
	if err != nil {
		return nil, err
	}
	return a.writes.Do(ctx, &writes.Write{
		Collection: c, Action: records.Updated, ID: id, Input: s.input(ctx, c, "PATCH", body), Form: s.AsCaller, Client: s.client(),
	})
}

// Delete deletes a record.
func (a *Access) Delete(ctx context.Context, s Scope, collection, id string) error {
	c, err := a.reach(ctx, s, collection)
	if err != nil {
		return err
	}
	_, err = a.writes.Do(ctx, &writes.Write{
		Collection: c, Action: records.Deleted, ID: id, Input: s.input(ctx, c, "DELETE", nil), Client: s.client(),
	})
	return err
}

// body judges the keys of a body.
func (s Scope) body(c *schema.Collection, body map[string]any) error {
	if s.Credentials {
		return nil
	}
	for key := range body {
		if isCredential(c, key) {
			return ErrCredential
		}
	}
	return nil
}

// input is a write.
func (s Scope) input(ctx context.Context, c *schema.Collection, method string, body map[string]any) records.WriteInput {
	who := Caller(ctx)
	request := *who.Request
	request.Method, request.Body, request.Now = method, body, time.Now()
	return records.WriteInput{
		CollectionID: c.ID, Incarnation: c.Incarnation, Body: body, SkipRules: !s.AsCaller,
		Caller: records.Caller{Request: &request, Superuser: who.Superuser, Credential: who.Credential},
	}
}

// client is who writes, for fairness.
func (s Scope) client() string { return "extension " + s.Name }
