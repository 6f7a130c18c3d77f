package troupe_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/troupebase/troupe"
)

// What the comments of the aliases promise: a program that uses it as here compiles.
var (
	_ func(*troupe.Record) string                               = (*troupe.Record).ID
	_ func(*troupe.Record, string) string                       = (*troupe.Record).Text
	_ func(*troupe.Record, string) []string                     = (*troupe.Record).Texts
	_ func(*troupe.Record, string) float64                      = (*troupe.Record).Number
	_ func(*troupe.Record, string) bool                         = (*troupe.Record).Bool
	_ func(*troupe.Record, string) troupe.Value                 = (*troupe.Record).Get
	_ func(*troupe.Record, string, any) bool                    = (*troupe.Record).Set
	_ func(*troupe.Record) bool                                 = (*troupe.Record).IsNew
	_ func(*troupe.Record) *troupe.Record                       = (*troupe.Record).Original
	_ func(*troupe.Record) *troupe.Record                       = (*troupe.Record).Clone
	_ func(*troupe.Shown) *troupe.Record                        = (*troupe.Shown).Record
	_ func(*troupe.Shown, string, any) error                    = (*troupe.Shown).Set
	_ func(*troupe.Shown, ...string)                            = (*troupe.Shown).Hide
	_ func(*troupe.Shown, ...string)                            = (*troupe.Shown).Show
	_ func(*troupe.Collection) *troupe.Collection               = (*troupe.Collection).Clone
	_ func(*troupe.Collection, []byte) error                    = (*troupe.Collection).Decode
	_ func(*troupe.Collection, string) troupe.Field             = (*troupe.Collection).Field
	_ func(*troupe.Collection) bool                             = (*troupe.Collection).IsAuth
	_ func(*troupe.Collection) bool                             = (*troupe.Collection).IsView
	_ json.Marshaler                                            = (*troupe.Collection)(nil)
	_ func(troupe.Field) string                                 = troupe.Field.Type
	_ func(troupe.Field) bool                                   = troupe.Field.Multiple
	_ func(troupe.Ref, any)                                     = troupe.Ref.Send
	_ func(troupe.Ref)                                          = troupe.Ref.Stop
	_ func(troupe.Ref)                                          = troupe.Ref.Drain
	_ func(*troupe.Context) context.Context                     = (*troupe.Context).Context
	_ func(*troupe.Context) error                               = (*troupe.Context).Next
	_ func(*troupe.Context, int, any) error                     = (*troupe.Context).SendJSON
	_ func(*troupe.Context, string) string                      = (*troupe.Context).Param
	_ func(*troupe.Context, *http.Cookie)                       = (*troupe.Context).SetCookie
	_ func(*troupe.Router, string) *troupe.Router               = (*troupe.Router).Group
	_ func(*troupe.Router, ...troupe.Middleware) *troupe.Router = (*troupe.Router).Bind
	_ error                                                     = troupe.FieldErrors(nil)
	_ error                                                     = &troupe.Error{Status: 400, Message: "", Data: nil, Cause: nil}
)

// TestAliases: the fields that the comments of the aliases name are there.
func TestAliases(t *testing.T) {
	app := opened(t)
	users, err := app.FindCollection("users")
	if err != nil {
		t.Fatal(err)
	}
	if users.ID == "" || users.Name != "users" || users.Type != "auth" || users.System || users.Auth == nil || len(users.Fields) == 0 {
		t.Errorf("users are %+v", users)
	}
	for _, rule := range []*string{users.ListRule, users.ViewRule, users.CreateRule, users.UpdateRule, users.DeleteRule} {
		if rule == nil {
			t.Error("a rule of the users is for superusers only")
		}
	}
	if id := users.Field("id").Base(); id.ID == "" || id.Name != "id" || !id.System || id.Hidden || id.Presentable {
		t.Errorf("the field is %+v", id)
	}
	s := app.Settings()
	if s.Meta.AppName == "" || s.SMTP.Enabled || s.RateLimits.Enabled || s.Batch.Timeout < 0 || len(s.TrustedProxy.Headers) != 0 ||
		len(s.SuperuserIPs) != 0 || s.Logs.MaxDays < 0 || s.Backups.CronMaxKeep < 0 || s.S3.Enabled {
		t.Errorf("the settings are %+v", s)
	}
	if m := (troupe.Middleware{ID: "a", Priority: 1, Func: func(c *troupe.Context) error { return c.Next() }}); m.ID != "a" {
		t.Error(m.ID)
	}
}
