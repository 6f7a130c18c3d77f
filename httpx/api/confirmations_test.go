package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/troupebase/troupe/actors/app"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/httpx/api"
	"github.com/troupebase/troupe/storage/records"
)

func TestVerification(t *testing.T) {
	g := newMailRig(t, nil)
	_, token := g.signIn("12345678")
	g.must(204, "", "POST", usersPath+"request-verification", `{"email":"nobody@x.test"}`)
	g.must(204, "", "POST", usersPath+"request-verification", `{"email":"ann@x.test"}`)
	link := g.sink.next().find(t, `https://app\.test/_/#/auth/confirm-verification/([\w.-]+)`)
	g.must(204, "", "POST", usersPath+"request-verification", `{"email":"ann@x.test"}`) // too soon
	g.must(204, "", "POST", usersPath+"confirm-verification", `{"token":"`+link+`"}`)
	g.must(204, "", "POST", usersPath+"confirm-verification", `{"token":"`+link+`"}`)
	if ann := g.ann(); ann["verified"] != true {
		t.Error("not verified")
	}
	g.must(200, token, "POST", usersPath+"auth-refresh", "")
	g.must(204, "", "POST", usersPath+"request-verification", `{"email":"ann@x.test"}`) // is verified
	g.drained("unknown, asked a moment ago, or verified")
}

// TestVerificationWithoutPasswords: where passwords are off nobody is left who could know one.
func TestVerificationWithoutPasswords(t *testing.T) {
	g := newMailRig(t, nil)
	_, token := g.signIn("12345678")
	g.options(`{"passwordAuth":{"enabled":false}}`)
	g.must(204, "", "POST", usersPath+"request-verification", `{"email":"ann@x.test"}`)
	link := g.sink.next().find(t, `confirm-verification/([\w.-]+)`)
	g.must(204, "", "POST", usersPath+"confirm-verification", `{"token":"`+link+`"}`)
	g.must(401, token, "POST", usersPath+"auth-refresh", "")
	g.options(`{"passwordAuth":{"enabled":true}}`)
	if status, _ := g.signIn("12345678"); status != 400 {
		t.Errorf("the old password signs in: %d", status)
	}
}

func (g *mailRig) resetLink() string {
	g.t.Helper()
	g.must(204, "", "POST", usersPath+"request-password-reset", `{"email":"ann@x.test"}`)
	return g.sink.next().find(g.t, `https://app\.test/_/#/auth/confirm-password-reset/([\w.-]+)`)
}

func TestPasswordReset(t *testing.T) {
	g := newMailRig(t, nil)
	_, token := g.signIn("12345678")
	link := g.resetLink()
	out := g.must(400, "", "POST", usersPath+"confirm-password-reset", `{"token":"x","password":"short","passwordConfirm":"other"}`)
	if code(out, "token") != "validation_invalid_token" || code(out, "password") != "validation_length_out_of_range" || code(out, "passwordConfirm") != "validation_values_mismatch" {
		t.Error(out)
	}
	long := strings.Repeat("é", 40) // 80 bytes
	out = g.must(400, "", "POST", usersPath+"confirm-password-reset", `{"token":"`+link+`","password":"`+long+`","passwordConfirm":"`+long+`"}`)
	if out["message"] != "Failed to set new password." || code(out, "password") != "validation_invalid_value" {
		t.Error(out)
	}
	confirm := `{"token":"` + link + `","password":"87654321","passwordConfirm":"87654321"}`
	g.must(204, "", "POST", usersPath+"confirm-password-reset", confirm)
	g.must(400, "", "POST", usersPath+"confirm-password-reset", confirm)
	g.must(401, token, "POST", usersPath+"auth-refresh", "")
	if status, _ := g.signIn("87654321"); status != 200 {
		t.Errorf("the new password does not sign in: %d", status)
	}
	if ann := g.ann(); ann["verified"] != true {
		t.Error("the link was read where it had been sent, and the address is not verified")
	}
	g.resetLink() // a password that was reset may be forgotten at once
}

// TestPasswordResetOnce: of many that come with one link at once, one sets its password.
func TestPasswordResetOnce(t *testing.T) {
	g := newMailRig(t, nil)
	link := g.resetLink()
	var done atomic.Int64
	var won atomic.Value
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() {
			password := fmt.Sprint("password-", i)
			status, _ := g.send("POST", usersPath+"confirm-password-reset", `{"token":"`+link+`","password":"`+password+`","passwordConfirm":"`+password+`"}`)
			if status == 204 {
				done.Add(1)
				won.Store(password)
			}
		})
	}
	all.Wait()
	if done.Load() != 1 {
		t.Fatalf("%d passwords were set", done.Load())
	}
	if status, _ := g.signIn(won.Load().(string)); status != 200 {
		t.Errorf("the password that was set does not sign in: %d", status)
	}
}

// TestPasswordResetPause: after a mail that was sent the next one waits, after one that failed it does not.
func TestPasswordResetPause(t *testing.T) {
	g := newMailRig(t, nil)
	failed := make(chan struct{})
	g.sink.refuse("550 nobody")
	g.must(204, "", "POST", usersPath+"request-password-reset", `{"email":"ann@x.test"}`)
	go func() {
		defer close(failed)
		for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			g.sink.refuse("")
			if status, _ := g.send("POST", usersPath+"request-password-reset", `{"email":"ann@x.test"}`); status != 204 || g.sink.Unread() > 0 {
				return
			}
		}
	}()
	<-failed
	g.sink.next()
	g.must(204, "", "POST", usersPath+"request-password-reset", `{"email":"ann@x.test"}`)
	g.drained("asked a moment ago")
}

// TestNoResetForTheInstaller: the account that stands in for the first superuser gets no mail.
func TestNoResetForTheInstaller(t *testing.T) {
	g := newMailRig(t, nil)
	g.must(200, g.root, "POST", "/api/collections/_superusers/records",
		`{"email":"`+records.InstallerEmail+`","password":"12345678","passwordConfirm":"12345678"}`)
	g.must(204, "", "POST", "/api/collections/_superusers/request-password-reset", `{"email":"`+records.InstallerEmail+`"}`)
	g.drained("the installer")
}

func TestEmailChange(t *testing.T) {
	g := newMailRig(t, nil)
	_, token := g.signIn("12345678")
	for body, want := range map[string]string{
		`{}`:                                 "validation_required",
		`{"newEmail":"x"}`:                   "validation_is_email",
		`{"newEmail":"ann@x.test"}`:          "validation_not_in_invalid",
		`{"newEmail":"bob@x.test"}`:          "validation_invalid_new_email",
		`{"newEmail":"` + longAddress + `"}`: "validation_length_out_of_range",
	} {
		if out := g.must(400, token, "POST", usersPath+"request-email-change", body); code(out, "newEmail") != want {
			t.Errorf("%s: %v", body, out)
		}
	}
	g.must(204, token, "POST", usersPath+"request-email-change", `{"newEmail":"new@x.test"}`)
	m := g.sink.next()
	link := m.find(t, `https://app\.test/_/#/auth/confirm-email-change/([\w.-]+)`)
	if m.to != "new@x.test" {
		t.Errorf("mailed to %s", m.to)
	}
	out := g.must(400, "", "POST", usersPath+"confirm-email-change", `{"token":"`+link+`","password":"wrong"}`)
	if code(out, "password") != "validation_invalid_password" || code(out, "token") != nil {
		t.Error(out)
	}
	confirm := `{"token":"` + link + `","password":"12345678"}`
	taker := g.must(200, g.root, "POST", usersPath+"records", `{"email":"new@x.test","password":"12345678","passwordConfirm":"12345678"}`)
	out = g.must(400, "", "POST", usersPath+"confirm-email-change", confirm)
	if code(out, "token") != "validation_invalid_token_email" {
		t.Errorf("an address that somebody has by now: %v", out)
	}
	g.must(204, g.root, "DELETE", usersPath+"records/"+taker["id"].(string), "")
	g.must(204, "", "POST", usersPath+"confirm-email-change", confirm)
	g.must(400, "", "POST", usersPath+"confirm-email-change", confirm)
	g.must(401, token, "POST", usersPath+"auth-refresh", "")
	if ann := g.ann(); ann["email"] != "new@x.test" || ann["verified"] != true {
		t.Error(ann)
	}
}

var longAddress = strings.Repeat("a", 250) + "@x.test"

// TestEmailChangeSaysThatTheMailFailed: here somebody waits for the mail.
func TestEmailChangeSaysThatTheMailFailed(t *testing.T) {
	g := newMailRig(t, nil)
	_, token := g.signIn("12345678")
	g.sink.refuse("451 later")
	out := g.must(400, token, "POST", usersPath+"request-email-change", `{"newEmail":"new@x.test"}`)
	if out["message"] != "Failed to request email change." {
		t.Error(out)
	}
	out = g.must(400, g.root, "POST", "/api/settings/test/email", `{"email":"a@x.test","template":"otp"}`)
	if message, _ := out["message"].(string); !strings.HasPrefix(message, "Failed to send the test email. Raw error: \n") || !strings.Contains(message, "451") {
		t.Error(out)
	}
}

// TestAlert: a sign-in from a new place is told by mail before it is answered, and succeeds also when the mail fails.
func TestAlert(t *testing.T) {
	g := newMailRig(t, nil)
	if status, _ := g.signIn("12345678"); status != 200 {
		t.Fatal(status)
	}
	g.sink.none("the first sign-in")
	origins := func() int {
		out := g.must(200, g.root, "GET", "/api/collections/_authOrigins/records", "")
		return int(out["totalItems"].(float64))
	}
	g.must(200, g.root, "PATCH", "/api/settings", `{"trustedProxy":{"headers":["X-Address"]}}`)
	g.sink.refuse("550 nobody")
	g.fromElsewhere("10.0.0.1")
	if n := origins(); n != 1 {
		t.Errorf("%d origins after a mail that failed", n)
	}
	g.sink.refuse("")
	g.fromElsewhere("10.0.0.1")
	if m := g.sink.next(); !strings.Contains(m.html, "10.0.0.1") || m.to != "ann@x.test" {
		t.Error(m)
	}
	if n := origins(); n != 2 {
		t.Errorf("%d origins", n)
	}
	g.fromElsewhere("10.0.0.1")
	g.drained("a place that is known")
}

// fromElsewhere signs ann in from an address.
func (g *mailRig) fromElsewhere(address string) {
	g.t.Helper()
	body := strings.NewReader(`{"identity":"ann@x.test","password":"12345678"}`)
	req, err := http.NewRequestWithContext(g.t.Context(), "POST", g.base+usersPath+"auth-with-password", body)
	if err != nil {
		g.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Address", address)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	if res.Body.Close(); res.StatusCode != 200 {
		g.t.Fatalf("sign-in from %s: %d", address, res.StatusCode)
	}
}

// TestMailFlowsRunHooks: what these flows write goes through the hooks around records.
func TestMailFlowsRunHooks(t *testing.T) {
	var mu sync.Mutex
	var seen []string
	note := func(e *writes.RecordEvent) error {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, string(e.Action)+" "+e.Record.Collection.Name)
		return e.Next()
	}
	g := newMailRig(t, func(a *app.App) {
		a.Hooks.OnRecordCreate("_otps").BindFunc(note)
		a.Hooks.OnRecordUpdate("users").BindFunc(note)
		a.Hooks.OnRecordDelete("_otps").BindFunc(note)
	})
	g.options(otpOn)
	id, pass := g.otp()
	g.waitFor("the address is not noted", func() bool { return g.otps("")[0].(map[string]any)["sentTo"] != "" })
	g.must(200, "", "POST", usersPath+"auth-with-otp", `{"otpId":"`+id+`","password":"`+pass+`"}`)
	link := g.resetLink()
	g.must(204, "", "POST", usersPath+"confirm-password-reset", `{"token":"`+link+`","password":"87654321","passwordConfirm":"87654321"}`)
	mu.Lock()
	defer mu.Unlock()
	want := "create _otps, delete _otps, update users, update users"
	if got := strings.Join(seen, ", "); got != want {
		t.Errorf("hooks saw %s, want %s", got, want)
	}
}

// TestHooksThatStoreNothing: a hook that keeps a row from being stored is answered as usual, and nothing follows from it.
func TestHooksThatStoreNothing(t *testing.T) {
	nothing := func(*writes.RecordEvent) error { return nil }
	g := newMailRig(t, func(a *app.App) {
		a.Hooks.OnRecordCreate("_otps", "_mfas").BindFunc(nothing)
		a.Hooks.OnRecordUpdate("users").BindFunc(func(e *writes.RecordEvent) error {
			if e.Record.Bool("verified") {
				return nil
			}
			return e.Next()
		})
	})
	g.options(otpOn)
	out := g.must(200, "", "POST", usersPath+"request-otp", `{"email":"ann@x.test"}`)
	if id, _ := out["otpId"].(string); len(id) != 15 || len(g.otps("")) != 0 {
		t.Error(out)
	}
	g.must(204, "", "POST", usersPath+"request-verification", `{"email":"ann@x.test"}`)
	link := g.sink.next().find(t, `confirm-verification/([\w.-]+)`)
	g.must(204, "", "POST", usersPath+"confirm-verification", `{"token":"`+link+`"}`)
	if ann := g.ann(); ann["verified"] != false {
		t.Error(ann)
	}
	g.options(`{"mfa":{"enabled":true}}`)
	g.must(401, "", "POST", usersPath+"auth-with-password", `{"identity":"ann@x.test","password":"12345678"}`)
	g.drained("a code that was not stored")
}

// TestMailForms are bodies of other kinds than JSON.
func TestMailForms(t *testing.T) {
	g := newMailRig(t, nil)
	for path, message := range map[string]string{
		"request-verification":   "Unsupported Content-Type.",
		"confirm-verification":   "Unsupported Content-Type.",
		"request-password-reset": "Unsupported Content-Type.",
		"confirm-password-reset": api.LoadFailed,
		"confirm-email-change":   "Unsupported Content-Type.",
	} {
		status, out := g.sendTyped("", "text/plain", "POST", usersPath+path, "x")
		if status != 400 || out["message"] != message {
			t.Errorf("%s: %d %v", path, status, out)
		}
		if status, out := g.send("POST", usersPath+path, `{"email":1,"token":1}`); status != 400 || out["message"] != api.LoadFailed {
			t.Errorf("%s: %d %v", path, status, out)
		}
	}
	status, _ := g.sendTyped("", "application/x-www-form-urlencoded", "POST", usersPath+"request-verification", "email=ann%40x.test")
	if status != 204 || g.sink.next().to != "ann@x.test" {
		t.Error(status)
	}
}
