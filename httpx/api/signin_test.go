package api_test

import (
	"testing"

	"github.com/troupebase/troupe/storage/schema"
)

// TestRulesThatCannotBeEvaluated: a rule of a sign-in that asks for what is gone refuses everybody, in the words of its stage.
func TestRulesThatCannotBeEvaluated(t *testing.T) {
	const lost = "@collection.lost.id != ''"
	for name, tt := range map[string]struct {
		edit    func(o *schema.AuthOptions)
		status  int
		message string
	}{
		"auth rule": {func(o *schema.AuthOptions) { rule := lost; o.AuthRule = &rule }, 403, "The request doesn't satisfy the collection requirements to authenticate."},
		"MFA rule":  {func(o *schema.AuthOptions) { o.OTP.Enabled, o.MFA.Enabled, o.MFA.Rule = true, true, lost }, 400, "Failed to authenticate."},
	} {
		t.Run(name, func(t *testing.T) {
			g := newRig(t, nil)
			g.token("users", "a@x.test")
			gone := g.collection(`{"name":"lost","type":"base"}`)
			users := g.app.Catalogue.Current().Find("users").Clone()
			tt.edit(users.Auth)
			for _, change := range []func(ch *schema.Change) error{
				func(ch *schema.Change) error { return ch.Update(users.ID, users) },
				func(ch *schema.Change) error { return ch.Delete(gone.ID) },
			} {
				if err := g.app.Catalogue.ChangeFunc(t.Context(), change); err != nil {
					t.Fatal(err)
				}
			}
			status, out := g.send("POST", "/api/collections/users/auth-with-password", `{"identity":"a@x.test","password":"a-password-1234"}`)
			if status != tt.status || out["message"] != tt.message {
				t.Errorf("%d %v", status, out)
			}
		})
	}
}
