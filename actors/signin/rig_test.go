package signin_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/troupebase/troupe/actors/app"
	"github.com/troupebase/troupe/actors/auth"
	"github.com/troupebase/troupe/actors/auth/oauth2"
	"github.com/troupebase/troupe/actors/mailer/mailtest"
	"github.com/troupebase/troupe/actors/signin"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/settings"
	"github.com/troupebase/troupe/storage/sqlite"
)

// rig is an application with an empty data directory into which records sign in.
type rig struct {
	*app.App
	t       testing.TB
	service *signin.Service
	data    *auth.Data
	mails   *mailtest.Sink
	later   atomic.Int64 // how far the service's clock is ahead
	hashed  atomic.Int64 // how often work on a password was done
}

// newRig opens an application until the test ends. change is applied to the collection users.
func newRig(t testing.TB, change func(users *schema.Collection)) *rig {
	t.Helper()
	g := &rig{App: app.New(app.Options{Dir: t.TempDir()}), t: t}
	if err := g.Bootstrap(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	g.sink()
	accounts := g.Accounts()
	accounts.Passwords = g.cheapPasswords()
	g.data = auth.NewData(accounts, "test")
	g.service = g.another()
	if change != nil {
		g.change("users", change)
	}
	return g
}

// hashed is a password as it is stored, at the lowest cost: what is compared is the same.
func hashed(plain string) schema.Password {
	hash, err := bcrypt.GenerateFromPassword([]byte(plain), bcrypt.MinCost)
	if err != nil {
		panic(err) // the password is too long
	}
	return schema.Password{Hash: string(hash)}
}

// another returns a service that remembers nothing of the first one's attempts.
func (g *rig) another() *signin.Service {
	mails := auth.NewMails(g.data, g.Mailer, g.Settings.Current)
	return signin.New(g.Writes, g.data, mails, oauth2.NewClient(oauth2.Options{}), signin.Options{
		Now: func() time.Time { return time.Now().Add(time.Duration(g.later.Load())) },
	})
}

// sink takes the mails.
func (g *rig) sink() {
	g.t.Helper()
	s, err := mailtest.NewSink(mailtest.Options{})
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() {
		if err := s.Close(); err != nil {
			g.t.Error(err)
		}
	})
	_, err = g.Settings.Save(context.Background(), func(conf *settings.Settings) error {
		conf.SMTP = settings.SMTP{Enabled: true, Host: "127.0.0.1", Port: s.Port()}
		return nil
	})
	if err != nil {
		g.t.Fatal(err)
	}
	g.mails = s
}

// cheapPasswords hash at the lowest cost, and count how often.
func (g *rig) cheapPasswords() records.Passwords {
	return records.Passwords{
		Hash: func(_ context.Context, plain string, _ int) (string, error) {
			g.hashed.Add(1)
			return hashed(plain).Hash, nil
		},
		Matches: func(ctx context.Context, hash, plain string) (bool, error) {
			g.hashed.Add(1)
			return auth.NewPasswords().Matches(ctx, hash, plain)
		},
	}
}

// change stores another definition of a collection.
func (g *rig) change(name string, edit func(*schema.Collection)) {
	g.t.Helper()
	c := g.Catalogue.Current().Find(name).Clone()
	edit(c)
	if err := g.Catalogue.ChangeFunc(context.Background(), func(ch *schema.Change) error { return ch.Update(c.ID, c) }); err != nil {
		g.t.Fatal(err)
	}
}

// lost changes a collection with the help of the collection "lost", which is gone afterwards: a rule that asks for it cannot
// be evaluated any more.
func (g *rig) lost(name string, edit func(*schema.Collection)) {
	g.t.Helper()
	c, err := schema.DecodeNew([]byte(`{"name":"lost","type":"base"}`))
	if err == nil {
		err = g.Catalogue.ChangeFunc(context.Background(), func(ch *schema.Change) error { return ch.Create(c) })
	}
	if err == nil {
		g.change(name, edit)
		err = g.Catalogue.ChangeFunc(context.Background(), func(ch *schema.Change) error { return ch.Delete(c.ID) })
	}
	if err != nil {
		g.t.Fatal(err)
	}
}

// create stores a record. Its password is hashed here.
func (g *rig) create(collection string, body map[string]any) *records.Record {
	g.t.Helper()
	if plain, ok := body["password"].(string); ok {
		body["password"] = hashed(plain)
	}
	made, err := g.data.Create(context.Background(), g.Catalogue.Current().Find(collection), body)
	if err != nil {
		g.t.Fatal(err)
	}
	return made.Result
}

func (g *rig) update(r *records.Record, body map[string]any) *records.Record {
	g.t.Helper()
	changed, err := g.data.Update(context.Background(), r.Collection, r.ID(), body)
	if err != nil {
		g.t.Fatal(err)
	}
	return changed
}

func (g *rig) alice() *records.Record {
	return g.create("users", map[string]any{"id": "aliceaaaaaaaaa1", "email": "alice@x.test", "password": "12345678"})
}

// otp makes a one-time password.
func (g *rig) otp(r *records.Record) *signin.IssuedOTP {
	g.t.Helper()
	otp, err := signin.NewOTPs(g.data).Create(context.Background(), r)
	if err != nil {
		g.t.Fatal(err)
	}
	return otp
}

// column returns a column of the rows of a table that belong to a record, in the order in which they were made.
func (g *rig) column(table, column, record string) (list []string) {
	g.t.Helper()
	err := g.data.Read(context.Background(), func(r *sqlite.Reader) error {
		list = nil
		stmt, err := r.Prepare("SELECT " + column + " FROM " + table + " WHERE recordRef = ? ORDER BY created, rowid")
		if err != nil {
			return err
		}
		stmt.BindText(1, record)
		for {
			found, err := stmt.Step()
			if err != nil || !found {
				return err
			}
			list = append(list, stmt.ColumnText(0))
		}
	})
	if err != nil {
		g.t.Fatal(err)
	}
	return list
}

// from is an attempt of a guest at 10.0.0.1.
func from(c *schema.Collection, credential signin.Credential) signin.Attempt {
	return signin.Attempt{
		Collection: c, Credential: credential, Client: "10.0.0.1", Origin: auth.Origin{IP: "10.0.0.1", UserAgent: "ua"},
		Request: &writes.RequestInfo{Caller: records.Caller{Request: &filter.Request{Context: credential.Kind().Context()}}},
	}
}

// signIn makes such an attempt.
func (g *rig) signIn(c *schema.Collection, credential signin.Credential) (signin.Outcome, error) {
	return g.service.SignIn(context.Background(), from(c, credential))
}

// withPassword signs a user in with a password.
func (g *rig) withPassword(identity, password string) error {
	p := g.service.Password()
	p.Identity, p.Password = identity, password
	_, err := g.signIn(g.Catalogue.Current().Find("users"), p)
	return err
}

// withOTP signs in with a code, from the network of a client.
func (g *rig) withOTP(s *signin.Service, c *schema.Collection, id, code, client string) (signin.Outcome, error) {
	p := s.OTP()
	p.ID, p.Code = id, code
	a := from(c, p)
	a.Client = client
	return s.SignIn(context.Background(), a)
}

// shown is a credential of a method of our own that everybody believes.
type shown struct {
	method string
	record *records.Record
}

func (s shown) Kind() signin.Kind                  { return signin.Kind{Method: s.method} }
func (s shown) Enabled(*schema.AuthOptions) error  { return nil }
func (s shown) Validate(*schema.AuthOptions) error { return nil }

func (s shown) Claim(context.Context, *schema.Collection) (*records.Record, error) {
	return s.record, nil
}

func (s shown) Verify(_ context.Context, _ *signin.Attempt, claimed *records.Record) (*signin.Proof, error) {
	return &signin.Proof{Record: claimed}, nil
}
