package api_test

import (
	"fmt"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const otpOn = `{"otp":{"enabled":true,"emailTemplate":{"subject":"code","body":"id={OTP_ID} code={OTP}."}}}`

func (g *mailRig) otp() (id, pass string) {
	g.t.Helper()
	out := g.must(200, "", "POST", usersPath+"request-otp", `{"email":"ann@x.test"}`)
	id, _ = out["otpId"].(string)
	m := g.sink.next()
	if got := m.find(g.t, "id=([a-z0-9]{15}) "); got != id || m.to != "ann@x.test" {
		g.t.Fatalf("the mail to %s has the id %s, the answer %s", m.to, got, id)
	}
	g.waitFor("the address is not noted", func() bool {
		list := g.otps("?filter=" + url.QueryEscape(`id="`+id+`"`))
		return len(list) == 0 || list[0].(map[string]any)["sentTo"] == "ann@x.test"
	})
	return id, m.find(g.t, `code=(\d+)\.`)
}

func (g *mailRig) otps(filter string) []any {
	g.t.Helper()
	out := g.must(200, g.root, "GET", "/api/collections/_otps/records"+filter, "")
	list, _ := out["items"].([]any)
	return list
}

func TestOTP(t *testing.T) {
	g := newMailRig(t, nil)
	if out := g.must(403, "", "POST", usersPath+"request-otp", `{"email":"ann@x.test"}`); out["message"] != "The collection is not configured to allow OTP authentication." {
		t.Error(out)
	}
	g.options(otpOn)
	unknown := g.must(200, "", "POST", usersPath+"request-otp", `{"email":"nobody@x.test"}`)
	if id, _ := unknown["otpId"].(string); len(id) != 15 || len(g.otps("")) != 0 {
		t.Errorf("an unknown address: %v", unknown)
	}
	id, pass := g.otp()
	if len(pass) != 8 {
		t.Errorf("a code of %d digits", len(pass))
	}
	g.waitFor("the address is not noted", func() bool {
		list := g.otps("")
		return len(list) == 1 && list[0].(map[string]any)["sentTo"] == "ann@x.test"
	})
	_, old := g.signIn("12345678")
	out := g.must(200, "", "POST", usersPath+"auth-with-otp", `{"otpId":"`+id+`","password":"`+pass+`"}`)
	if r, _ := out["record"].(map[string]any); r["verified"] != true {
		t.Errorf("the record is not verified: %v", out)
	}
	g.must(401, old, "POST", usersPath+"auth-refresh", "")
	g.must(200, out["token"].(string), "POST", usersPath+"auth-refresh", "")
	g.must(400, "", "POST", usersPath+"auth-with-otp", `{"otpId":"`+id+`","password":"`+pass+`"}`)
	if status, _ := g.signIn("12345678"); status != 400 {
		t.Errorf("whoever had set the password still signs in: %d", status)
	}
}

// TestOTPOnce: of many that come with one code at once, one signs in.
func TestOTPOnce(t *testing.T) {
	g := newMailRig(t, nil)
	g.options(otpOn)
	id, pass := g.otp()
	var in, out atomic.Int64
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			status, answer := g.send("POST", usersPath+"auth-with-otp", `{"otpId":"`+id+`","password":"`+pass+`"}`)
			switch {
			case status == 200:
				in.Add(1)
			case status == 400 && answer["message"] == "Invalid or expired OTP.":
				out.Add(1)
			default:
				t.Errorf("%d %v", status, answer)
			}
		})
	}
	all.Wait()
	if in.Load() != 1 || out.Load() != 4 {
		t.Errorf("%d signed in, %d did not", in.Load(), out.Load())
	}
}

// TestOTPsAtOnce: requests at once do not make more codes than a record may have.
func TestOTPsAtOnce(t *testing.T) {
	g := newMailRig(t, nil)
	g.options(otpOn)
	var all sync.WaitGroup
	for range 24 {
		all.Go(func() { g.must(200, "", "POST", usersPath+"request-otp", `{"email":"ann@x.test"}`) })
	}
	all.Wait()
	if n := len(g.otps("?perPage=100")); n != 10 {
		t.Errorf("%d codes", n)
	}
}

// TestOTPWithoutMail: a code that could not be mailed is deleted, and the request is answered all the same.
func TestOTPWithoutMail(t *testing.T) {
	g := newMailRig(t, nil)
	g.options(otpOn)
	g.sink.refuse("550 nobody")
	g.must(200, "", "POST", usersPath+"request-otp", `{"email":"ann@x.test"}`)
	g.waitFor("the code stays", func() bool { return len(g.otps("")) == 0 })
}

// TestExpiredCodesDoNotCount: codes and sessions whose time is over are stored until they are cleaned up, and of no use.
func TestExpiredCodesDoNotCount(t *testing.T) {
	g := newMailRig(t, nil)
	g.options(`{"otp":{"enabled":true},"mfa":{"enabled":true}}`)
	past := time.Now().Add(-time.Hour).UTC().Format("2006-01-02 15:04:05.000Z")
	for _, c := range []struct{ collection, body string }{
		{"_otps", `{"id":"otp000000000001","collectionRef":"_pb_users_auth_","recordRef":"ann000000000000","password":"123456"}`},
		{"_mfas", `{"id":"mfa000000000001","collectionRef":"_pb_users_auth_","recordRef":"ann000000000000","method":"oauth2"}`},
	} {
		g.must(200, g.root, "POST", "/api/collections/"+c.collection+"/records", c.body)
		g.must(200, g.root, "POST", "/api/sql", `{"query":"UPDATE `+c.collection+` SET created = '`+past+`'"}`)
	}
	out := g.must(400, "", "POST", usersPath+"auth-with-otp", `{"otpId":"otp000000000001","password":"123456"}`)
	if out["message"] != "Invalid or expired OTP." {
		t.Error(out)
	}
	out = g.must(400, "", "POST", usersPath+"auth-with-password", `{"identity":"ann@x.test","password":"12345678","mfaId":"mfa000000000001"}`)
	if out["message"] != "Invalid or expired MFA session." {
		t.Error(out)
	}
}

// TestOTPAndPassword are the two steps of a collection that asks for both, in either order.
func TestOTPAndPassword(t *testing.T) {
	g := newMailRig(t, nil)
	g.options(otpOn)
	g.options(`{"mfa":{"enabled":true}}`)
	const byPassword = `{"identity":"ann@x.test","password":"12345678","mfaId":"%s"}`
	first := g.must(401, "", "POST", usersPath+"auth-with-password", fmt.Sprintf(byPassword, ""))
	id, pass := g.otp()
	byCode := `{"otpId":"` + id + `","password":"` + pass + `","mfaId":"%s"}`
	g.must(200, "", "POST", usersPath+"auth-with-otp", fmt.Sprintf(byCode, first["mfaId"]))
	id, pass = g.otp()
	byCode = `{"otpId":"` + id + `","password":"` + pass + `"}`
	first = g.must(401, "", "POST", usersPath+"auth-with-otp", byCode)
	if ann := g.ann(); ann["verified"] != true {
		t.Error("the code did not verify the address")
	}
	g.must(200, "", "POST", usersPath+"auth-with-password", fmt.Sprintf(byPassword, first["mfaId"]))
}
