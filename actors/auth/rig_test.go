package auth_test

import (
	"context"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	zsqlite "zombiezen.com/go/sqlite"

	"golang.org/x/crypto/bcrypt"

	"github.com/troupebase/troupe/actors/auth"
	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/migrations"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// rig is a fresh data directory without actors: commands go to the Writer directly.
type rig struct {
	t         testing.TB
	db        *sqlite.DB
	store     *records.Store
	catalogue atomic.Pointer[schema.Catalogue]
	passwords records.Passwords
	hashed    atomic.Int64 // how often work on a password was done
}

func newRig(t testing.TB, change func(users *schema.Collection)) *rig {
	t.Helper()
	dir := t.TempDir()
	data, aux := filepath.Join(dir, "data.db"), filepath.Join(dir, "auxiliary.db")
	bootstrap(t, data, aux)
	g := &rig{t: t}
	db, err := sqlite.Open(t.Context(), sqlite.Options{Path: data})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	g.db = db
	g.store = records.NewStore(db, g.catalogue.Load, records.Options{Passwords: records.Passwords{
		Hash: func(ctx context.Context, plain string, cost int) (string, error) {
			return g.passwords.Hash(ctx, plain, cost)
		},
		Matches: func(ctx context.Context, hash, plain string) (bool, error) {
			return g.passwords.Matches(ctx, hash, plain)
		},
	}})
	var list []*schema.Collection
	err = db.Read(t.Context(), func(r *sqlite.Reader) error {
		list, err = schema.Load(r.Conn())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	g.catalogue.Store(schema.NewCatalogue(1, list))
	if change != nil {
		g.change("users", change)
	}
	// Tests hash at the lowest cost; what is compared is the same.
	g.passwords = records.Passwords{
		Hash: func(_ context.Context, plain string, _ int) (string, error) {
			g.hashed.Add(1)
			hash, err := bcrypt.GenerateFromPassword([]byte(plain), bcrypt.MinCost)
			return string(hash), err
		},
		Matches: func(ctx context.Context, hash, plain string) (bool, error) {
			g.hashed.Add(1)
			return auth.NewPasswords().Matches(ctx, hash, plain)
		},
	}
	return g
}

func bootstrap(t testing.TB, data, aux string) {
	t.Helper()
	open := func(path string) *zsqlite.Conn {
		conn, err := zsqlite.OpenConn(path, zsqlite.OpenReadWrite|zsqlite.OpenCreate|zsqlite.OpenWAL)
		if err != nil {
			t.Fatal(err)
		}
		return conn
	}
	d, a := open(data), open(aux)
	defer d.Close()
	defer a.Close()
	if err := migrations.Bootstrap(d, a, time.Now()); err != nil {
		t.Fatal(err)
	}
}

// change stores another definition of a collection.
func (g *rig) change(name string, edit func(*schema.Collection)) {
	g.t.Helper()
	old := g.catalogue.Load()
	c := old.Find(name).Clone()
	edit(c)
	var next []*schema.Collection
	err := g.db.Change(g.t.Context(), func(tx *sqlite.Tx) error {
		ch := schema.NewChange(g.t.Context(), tx.Conn(), old.Collections, time.Now(), nil)
		if err := ch.Update(c.ID, c); err != nil {
			return err
		}
		next = ch.Collections()
		return nil
	}, func() { g.catalogue.Store(schema.NewCatalogue(old.Number+1, next)) })
	if err != nil {
		g.t.Fatal(err)
	}
}

// application is one without hooks.
func (g *rig) application() auth.Application {
	return auth.Application{DB: g.db, Catalogue: g.catalogue.Load, Store: g.store, Passwords: g.passwords, Write: g.write}
}

func (g *rig) write(ctx context.Context, _ *schema.Collection, cmd records.Command, _ string) error {
	return g.db.Do(ctx, g.store.Work(cmd, nil))
}

// create stores a record as a superuser would.
func (g *rig) create(collection string, body map[string]any) *records.Record {
	g.t.Helper()
	c := g.catalogue.Load().Find(collection)
	cmd, err := g.store.PrepareCreate(g.t.Context(), g.input(c, body))
	if err == nil {
		err = g.write(g.t.Context(), nil, cmd, "")
	}
	if err != nil {
		g.t.Fatal(err)
	}
	return cmd.Result
}

func (g *rig) update(r *records.Record, body map[string]any) *records.Record {
	g.t.Helper()
	cmd, err := g.store.PrepareUpdate(g.t.Context(), r.ID(), g.input(r.Collection, body))
	if err == nil {
		err = g.write(g.t.Context(), nil, cmd, "")
	}
	if err != nil {
		g.t.Fatal(err)
	}
	return cmd.Result
}

func (g *rig) delete(r *records.Record) {
	g.t.Helper()
	cmd, err := g.store.PrepareDelete(r.ID(), g.input(r.Collection, nil))
	if err == nil {
		err = g.write(g.t.Context(), nil, cmd, "")
	}
	if err != nil {
		g.t.Fatal(err)
	}
}

func (g *rig) input(c *schema.Collection, body map[string]any) records.WriteInput {
	who := records.Caller{Request: &filter.Request{}, Superuser: true}
	return records.WriteInput{CollectionID: c.ID, Caller: who, Body: body, SkipRules: true}
}

func (g *rig) alice() *records.Record {
	return g.create("users", map[string]any{
		"id": "aliceaaaaaaaaa1", "email": "alice@x.test", "password": "12345678", "tokenKey": "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk",
	})
}

func (g *rig) verifier(now func() time.Time) *auth.Verifier {
	g.t.Helper()
	v, err := auth.NewVerifier(auth.VerifierOptions{DB: g.db, Catalogue: g.catalogue.Load, Now: now})
	if err != nil {
		g.t.Fatal(err)
	}
	return v
}

// data writes as tests do.
func (g *rig) data() *auth.Data { return auth.NewData(g.application(), "test") }

func (g *rig) superusers() *auth.Superusers { return auth.NewSuperusers(g.data()) }

// confirmations sends no mail: there is no mailer.
func (g *rig) confirmations() *auth.Confirmations {
	return auth.NewConfirmations(g.data(), auth.NewMails(g.data(), nil, nil), g.verifier(nil))
}
