package records_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	zsqlite "zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/migrations"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// rig is a fresh database with collections of its own; commands go to the Writer directly.
type rig struct {
	t         testing.TB
	db        *sqlite.DB
	store     *records.Store
	opts      records.Options // of the store
	catalogue atomic.Pointer[schema.Catalogue]
	salt      atomic.Int64
	mu        sync.Mutex
	changes   []*records.Change // committed ones, in order
}

// newRig opens a database and makes collections of their definitions.
func newRig(t testing.TB, definitions ...string) *rig {
	t.Helper()
	dir := t.TempDir()
	data := filepath.Join(dir, "data.db")
	bootstrapRig(t, data, filepath.Join(dir, "auxiliary.db"))
	g := &rig{t: t}
	db, err := sqlite.Open(context.Background(), sqlite.Options{Path: data, Sync: sqlite.Normal, Committed: g.committed})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	g.db = db
	g.open(records.Options{})
	err = db.Read(context.Background(), func(r *sqlite.Reader) error {
		list, err := schema.Load(r.Conn())
		g.catalogue.Store(schema.NewCatalogue(1, list))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range definitions {
		g.define(d)
	}
	return g
}

// open replaces the store by a new one with other options, as after a start.
func (g *rig) open(o records.Options) {
	o.Passwords = g.cheapPasswords()
	g.opts, g.store = o, records.NewStore(g.db, g.catalogue.Load, o)
}

func bootstrapRig(t testing.TB, data, aux string) {
	t.Helper()
	var conns [2]*zsqlite.Conn
	for i, path := range []string{data, aux} {
		conn, err := zsqlite.OpenConn(path, zsqlite.OpenReadWrite|zsqlite.OpenCreate|zsqlite.OpenWAL)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conns[i] = conn
	}
	if err := errors.Join(migrations.Bootstrap(conns[0], conns[1], time.Now()), records.CreateTables(conns[0])); err != nil {
		t.Fatal(err)
	}
}

func (g *rig) committed(group sqlite.Group) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range group.Changes {
		if c, ok := c.(*records.Change); ok {
			g.changes = append(g.changes, c)
		}
	}
}

// emitted returns the committed changes as "action collection/id" and forgets them.
func (g *rig) emitted() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var list []string
	for _, c := range g.changes {
		list = append(list, fmt.Sprintf("%s %s/%s", c.Action, c.Collection.Name, c.Record.ID()))
	}
	g.changes = nil
	return list
}

// define adds a collection.
func (g *rig) define(definition string) {
	g.t.Helper()
	old := g.catalogue.Load()
	var next []*schema.Collection
	err := g.db.Change(context.Background(), func(tx *sqlite.Tx) error {
		c, err := schema.DecodeNew([]byte(definition))
		if err != nil {
			return err
		}
		ch := schema.NewChange(context.Background(), tx.Conn(), old.Collections, time.Now(), nil)
		if err := ch.Create(c); err != nil {
			return err
		}
		next = ch.Collections()
		return nil
	}, func() { g.catalogue.Store(schema.NewCatalogue(old.Number+1, next)) })
	if err != nil {
		g.t.Fatalf("define %s: %v", definition, err)
	}
}

// swap puts another definition of a collection into the catalogue, without a change of its table.
func (g *rig) swap(c *schema.Collection) {
	old := g.catalogue.Load()
	list := slices.Clone(old.Collections)
	list[slices.IndexFunc(list, func(o *schema.Collection) bool { return o.ID == c.ID })] = c
	g.catalogue.Store(schema.NewCatalogue(old.Number+1, list))
}

func (g *rig) input(collection string, body map[string]any) records.WriteInput {
	who := records.Caller{Request: &filter.Request{Context: "default", Now: time.Now()}, Superuser: true}
	return records.WriteInput{CollectionID: g.catalogue.Load().Find(collection).ID, Caller: who, Body: body}
}

// cheapPasswords "hashes" without cost. No two hashes of a password are the same, as with bcrypt.
func (g *rig) cheapPasswords() records.Passwords {
	return records.Passwords{
		Hash: func(_ context.Context, plain string, _ int) (string, error) {
			return fmt.Sprintf("hash%d:%s", g.salt.Add(1), plain), nil
		},
		Matches: func(_ context.Context, hash, plain string) (bool, error) {
			_, stored, _ := strings.Cut(hash, ":")
			return stored == plain, nil
		},
	}
}

// exec runs a statement on the Writer.
func (g *rig) exec(sql string, args ...any) {
	g.t.Helper()
	err := g.db.Do(context.Background(), sqlite.WorkFunc(func(tx *sqlite.Tx) error {
		for _, c := range g.catalogue.Load().Collections {
			if !c.IsView() {
				tx.Touch(c.Name)
			}
		}
		return tx.Exec(sql, args...)
	}))
	if err != nil {
		g.t.Fatalf("%s: %v", sql, err)
	}
}

// do applies a command.
func (g *rig) do(ctx context.Context, cmd records.Command) error {
	return g.db.Do(ctx, g.store.Work(cmd, nil))
}

func (g *rig) tryCreate(collection string, body map[string]any) (*records.Record, error) {
	cmd, err := g.store.PrepareCreate(context.Background(), g.input(collection, body))
	if err == nil {
		err = g.do(context.Background(), cmd)
	}
	if err != nil {
		return nil, err
	}
	return cmd.Result, nil
}

func (g *rig) create(collection string, body map[string]any) *records.Record {
	g.t.Helper()
	r, err := g.tryCreate(collection, body)
	if err != nil {
		g.t.Fatalf("create in %s: %v", collection, err)
	}
	return r
}

func (g *rig) tryUpdate(collection, id string, body map[string]any) error {
	cmd, err := g.store.PrepareUpdate(context.Background(), id, g.input(collection, body))
	if err == nil {
		err = g.do(context.Background(), cmd)
	}
	return err
}

func (g *rig) load(collection, id string) *records.Record {
	g.t.Helper()
	r, err := g.store.Load(context.Background(), g.catalogue.Load().Find(collection).ID, id)
	if err != nil {
		g.t.Fatal(err)
	}
	return r
}
