package app

import (
	"errors"
	"testing"

	"github.com/troupebase/troupe/actors/auth/oauth2"
	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records"
)

// TestOAuth2SeesThatItsRecordMoved: what was prepared for one state of the records is not done to another.
func TestOAuth2SeesThatItsRecordMoved(t *testing.T) {
	a := open(t)
	users := a.Catalogue().Find("users")
	signIn := func() *oauth2SignIn {
		return &oauth2SignIn{a: a, in: &OAuth2SignIn{
			Info: &RequestInfo{Caller: records.Caller{Request: &filter.Request{Context: "oauth2"}}}, Collection: users, Provider: "google",
			User: &oauth2.User{ID: "1", Email: "a@x.test"}, SignUp: func() error { return nil },
		}}
	}
	s := signIn() // it had found a record, which is gone
	if err := a.RunInTransaction(t.Context(), s.write); !errors.Is(err, errMatchMoved) {
		t.Errorf("without a record: %v", err)
	}
	r := records.NewRecord(users)
	r.Set("email", "a@x.test")
	r.Set("password", "12345678")
	if err := a.Save(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	s = signIn() // it had found a record that was verified
	if err := a.RunInTransaction(t.Context(), s.write); !errors.Is(err, errMatchMoved) {
		t.Errorf("with one to be taken over: %v", err)
	}
	got, isNew, err := a.SignInWithOAuth2(t.Context(), signIn().in)
	if err != nil || isNew || got.ID() != r.ID() || !got.Bool("verified") || got.Text("tokenKey") == r.Text("tokenKey") {
		t.Errorf("%v, %v, %v", got, isNew, err)
	}
	again, isNew, err := a.SignInWithOAuth2(t.Context(), signIn().in)
	if err != nil || isNew || again.ID() != r.ID() || again.Text("tokenKey") != got.Text("tokenKey") {
		t.Errorf("again: %v, %v, %v", again, isNew, err)
	}
}
