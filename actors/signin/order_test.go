package signin_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/troupebase/troupe/actors/auth"
	"github.com/troupebase/troupe/actors/auth/oauth2"
	"github.com/troupebase/troupe/actors/signin"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// try is an attempt to sign in, with what stands in its way.
type try struct {
	kind string // of the credential
	// What refuses it: the form, the credential, the auth rule, the second factor, the token that cannot be made.
	form, secret, rule bool
	second             string // "" for none needed, "asked", "wrong" session, "met"
	token              bool
	// Where it comes from: the "first" place of the record, a "known" or a "new" one.
	origin string
	alerts bool // the collection asks for them
}

func (x try) String() string {
	s := fmt.Sprintf("%s from a %s place", x.kind, x.origin)
	for what, set := range map[string]bool{"form": x.form, "secret": x.secret, "rule": x.rule, "second " + x.second: x.second != "", "token": x.token, "without alerts": !x.alerts} {
		if set {
			s += ", " + what
		}
	}
	return s
}

// The stages that can refuse, in the order in which they come.
const (
	atForm = iota
	atSecret
	atRule
	atSecond
	atToken
	atEnd // nothing refuses
)

// refused is the first stage that refuses.
func (x try) refused() int {
	for stage, refuses := range []bool{x.form, x.secret, x.rule, x.second == "asked" || x.second == "wrong", x.token} {
		if refuses {
			return stage
		}
	}
	return atEnd
}

// effects are what an attempt has done.
type effects struct {
	looked   int64 // how often a password was compared or a provider asked
	used     bool  // the code is used up, the provider's user is linked
	sessions int   // that wait for a second factor
	origins  int
	alerts   int
	token    bool
}

// want is what an attempt may do: what comes before the stage that refuses, and nothing after.
func (x try) want() (e effects) {
	at := x.refused()
	if at >= atSecret {
		e.looked = 1
	}
	e.used = at > atSecret && (x.kind == "otp" || x.kind == "oauth2")
	switch {
	case x.second == "asked" && at == atSecond:
		e.sessions = 1
	case x.second == "met" && at <= atSecond:
		e.sessions = 1 // the one that was there
	}
	e.token = at == atEnd
	if x.origin != "first" {
		e.origins = 1 // the one that was there
	}
	if at == atEnd && x.alerts && x.origin != "known" {
		e.origins++
		if x.origin == "new" {
			e.alerts = 1
		}
	}
	return e
}

// judge checks the error.
func (x try) judge(err error) bool {
	var form *auth.FormError
	var asked *signin.SecondFactorError
	switch x.refused() {
	case atForm:
		return errors.As(err, &form)
	case atSecret:
		return errors.Is(err, map[string]error{"password": signin.ErrCredentials, "otp": signin.ErrOTP, "oauth2": oauth2.ErrUser}[x.kind])
	case atRule:
		return errors.Is(err, signin.ErrAuthRule)
	case atSecond:
		return x.second == "asked" && errors.As(err, &asked) || x.second == "wrong" && errors.Is(err, signin.ErrMFASession)
	case atToken:
		return err != nil && strings.Contains(err.Error(), "issue auth token")
	}
	return err == nil
}

// tries are, for each kind, all ways in which the stages can refuse together, from a place and in a collection where each
// later stage would do something, and all places where nothing refuses.
func tries() (list []try) {
	both := []bool{false, true}
	for _, kind := range []string{"password", "otp", "oauth2"} {
		for _, second := range []string{"", "asked", "wrong", "met"} {
			for n := range 16 {
				list = append(list, try{kind: kind, form: n&1 != 0, secret: n&2 != 0, rule: n&4 != 0, token: n&8 != 0, second: second, origin: "new", alerts: true})
			}
		}
		for _, origin := range []string{"first", "known", "new"} {
			for _, alerts := range both {
				list = append(list, try{kind: kind, origin: origin, alerts: alerts}, try{kind: kind, origin: origin, alerts: alerts, second: "met"})
			}
		}
	}
	return list
}

// TestOrder: whichever stages refuse an attempt, it fails with the reason of the first, and nothing of a later one has
// happened.
func TestOrder(t *testing.T) {
	w := newWorld(t)
	for i, x := range tries() {
		got, err := w.run(i, x)
		if want := x.want(); got != want || !x.judge(err) {
			t.Errorf("%s: %v, did %+v, want %+v", x, err, got, want)
		}
	}
}

// world is an application with a collection for each way in which the stages are configured, and a provider.
type world struct {
	*rig
	provider string
	asked    atomic.Int64 // how often the provider was
}

func newWorld(t *testing.T) *world {
	w := &world{rig: newRig(t, nil)}
	mux := http.NewServeMux()
	mux.HandleFunc("/token", func(rw http.ResponseWriter, r *http.Request) {
		w.asked.Add(1)
		rw.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(rw, `{"access_token":%q,"token_type":"Bearer"}`, r.PostFormValue("code"))
	})
	mux.HandleFunc("/user", func(rw http.ResponseWriter, r *http.Request) {
		email := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		if email == "wrong" {
			rw.WriteHeader(http.StatusForbidden)
			return
		}
		user := map[string]any{"sub": email, "email": email, "email_verified": true}
		if err := json.NewEncoder(rw).Encode(user); err != nil {
			t.Error(err)
		}
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	w.provider = server.URL
	for _, mfa := range []bool{false, true} {
		for _, rule := range []bool{false, true} {
			for _, alerts := range []bool{false, true} {
				w.collection(mfa, rule, alerts)
			}
		}
	}
	return w
}

func collectionName(mfa, rule, alerts bool) string {
	return fmt.Sprintf("mfa_%v_rule_%v_alerts_%v", mfa, rule, alerts)
}

// collection makes an auth collection; rule tells that its auth rule refuses everybody.
func (w *world) collection(mfa, rule, alerts bool) {
	w.t.Helper()
	authRule := ""
	if rule {
		authRule = "verified = false" // all are
	}
	definition := fmt.Sprintf(`{"name":%q,"type":"auth","authRule":%q,"mfa":{"enabled":%v,"duration":600},"authAlert":{"enabled":%v},
		"otp":{"enabled":true,"duration":600,"length":6},
		"oauth2":{"enabled":true,"providers":[{"name":"oidc","clientId":"c","clientSecret":"s","authURL":"%[5]s/a","tokenURL":"%[5]s/token","userInfoURL":"%[5]s/user"}]}}`,
		collectionName(mfa, rule, alerts), authRule, mfa, alerts, w.provider)
	err := w.Catalogue.ChangeFunc(context.Background(), func(ch *schema.Change) error {
		c, err := schema.DecodeNew([]byte(definition))
		if err != nil {
			return err
		}
		return ch.Create(c)
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// run makes an attempt of a new record, the i-th, and tells what it did.
func (w *world) run(i int, x try) (effects, error) {
	w.t.Helper()
	ctx := context.Background()
	email := fmt.Sprintf("user%d@x.test", i)
	r := w.create(collectionName(x.second != "", x.rule, x.alerts), map[string]any{"email": email, "password": "12345678", "verified": true})
	refs := func(more map[string]any) map[string]any {
		more["collectionRef"], more["recordRef"] = r.Collection.ID, r.ID()
		return more
	}
	credential := w.credential(x, r)
	a := from(r.Collection, credential)
	switch x.second {
	case "wrong":
		a.MFASession = "missingmissing1"
	case "met":
		a.MFASession = w.create("_mfas", refs(map[string]any{"method": "another"})).ID()
	}
	switch x.origin {
	case "known":
		w.create("_authOrigins", refs(map[string]any{"fingerprint": a.Origin.Fingerprint()}))
	case "new":
		w.create("_authOrigins", refs(map[string]any{"fingerprint": "another"}))
	}
	if x.token {
		w.blankTokenKey(r)
	}
	looked := w.looked()
	out, err := w.service.SignIn(ctx, a)
	links, codes := len(w.column("_externalAuths", "id", r.ID())), len(w.column("_otps", "id", r.ID()))
	got := effects{
		looked: w.looked() - looked, used: links == 1 || x.kind == "otp" && codes == 0,
		sessions: len(w.column("_mfas", "id", r.ID())), origins: len(w.column("_authOrigins", "id", r.ID())),
		token: out.Token != "" && out.Record.ID() == r.ID(),
	}
	for {
		if _, ok := w.mails.Take(nil, 0); !ok {
			break
		}
		got.alerts++
	}
	if x.token { // one blank key only is allowed
		if err := w.data.Delete(ctx, r.Collection, r.ID()); err != nil {
			w.t.Fatal(err)
		}
	}
	return got, err
}

// looked is how often a secret was compared so far.
func (w *world) looked() int64 { return w.hashed.Load() + w.asked.Load() }

// credential is one that the try speaks of, for a record.
func (w *world) credential(x try, r *records.Record) signin.Credential {
	w.t.Helper()
	secret := func(right string) string {
		switch {
		case x.form:
			return ""
		case x.secret:
			return "wrong"
		}
		return right
	}
	switch x.kind {
	case "password":
		p := w.service.Password()
		p.Identity, p.Password = r.Text("email"), secret("12345678")
		return p
	case "otp":
		otp := w.otp(r)
		p := w.service.OTP()
		p.ID, p.Code = otp.ID, secret(otp.Code)
		return p
	}
	p := w.service.OAuth2(func(*schema.Collection) error { return nil })
	p.Provider, p.Code = "oidc", secret(r.Text("email"))
	return p
}

// blankTokenKey makes a record for which no token can be signed, as an opened data directory may hold one.
func (w *world) blankTokenKey(r *records.Record) {
	w.t.Helper()
	err := w.DB.Do(context.Background(), sqlite.WorkFunc(func(tx *sqlite.Tx) error {
		tx.Touch(r.Collection.Name)
		return tx.Exec("UPDATE "+sqlite.QuoteName(r.Collection.Name)+" SET tokenKey = '' WHERE id = ?", r.ID())
	}))
	if err != nil {
		w.t.Fatal(err)
	}
}
