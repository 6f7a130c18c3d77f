package signin

import (
	"errors"
	"testing"

	"github.com/troupebase/troupe/actors/app"
	"github.com/troupebase/troupe/actors/auth"
	"github.com/troupebase/troupe/actors/auth/oauth2"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
)

// TestOAuth2SeesThatItsRecordMoved: what was prepared for one state of the records is not done to another.
func TestOAuth2SeesThatItsRecordMoved(t *testing.T) {
	a := app.New(app.Options{Dir: t.TempDir()})
	if err := a.Bootstrap(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	data := auth.NewData(a.Accounts(), "test")
	s := New(a.Writes, data, auth.NewMails(data, a.Mailer, a.Settings.Current), oauth2.NewClient(oauth2.Options{}), Options{})
	users := a.Catalogue.Current().Find("users")
	signIn := func() *oauth2SignIn {
		code := s.OAuth2(func(*schema.Collection) error { return nil })
		code.Provider = "google"
		info := &writes.RequestInfo{Caller: records.Caller{Request: &filter.Request{Context: "oauth2"}}}
		return &oauth2SignIn{s: s, form: code, a: &Attempt{Collection: users, Request: info}, user: &oauth2.User{ID: "1", Email: "a@x.test"}}
	}
	o := signIn() // it had found a record, which is gone
	if err := a.Records.RunInTransaction(t.Context(), o.write); !errors.Is(err, errMatchMoved) {
		t.Errorf("without a record: %v", err)
	}
	r := records.NewRecord(users)
	r.Set("email", "a@x.test")
	r.Set("password", "12345678")
	if err := a.Records.Save(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	o = signIn() // it had found a record that was verified
	if err := a.Records.RunInTransaction(t.Context(), o.write); !errors.Is(err, errMatchMoved) {
		t.Errorf("with one to be taken over: %v", err)
	}
	o = signIn()
	if err := o.run(t.Context()); err != nil || o.isNew || o.record.ID() != r.ID() || !o.record.Bool("verified") || o.record.Text("tokenKey") == r.Text("tokenKey") {
		t.Errorf("%v, %v, %v", o.record, o.isNew, err)
	}
	again := signIn()
	if err := again.run(t.Context()); err != nil || again.isNew || again.record.ID() != r.ID() || again.record.Text("tokenKey") != o.record.Text("tokenKey") {
		t.Errorf("again: %v, %v, %v", again.record, again.isNew, err)
	}
}
