package writes_test

import (
	"context"
	"log/slog"
	"testing"

	"github.com/troupebase/troupe/actors/app"
	"github.com/troupebase/troupe/actors/hooks"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/storage/records"
)

// TestLaw9_PasswordsDoNotHoldTheWriter: the work on passwords is done before the transaction of atomic hooks and of batches begins, and only once.
func TestLaw9_PasswordsDoNotHoldTheWriter(t *testing.T) {
	work, held := 0, 0
	a := openCounting(t, &work, &held)
	members := define(t, a, `{"name":"members","type":"auth","fields":[]}`)
	a.Hooks.OnRecordValidate("members").Bind(&hooks.Handler[*writes.RecordEvent]{Atomic: true, Func: func(e *writes.RecordEvent) error { return e.Next() }})
	request := func(action records.Action, id string, body map[string]any) *writes.Write {
		return &writes.Write{Collection: members, Action: action, ID: id, Input: input(a, members, body), Client: "test",
			Info: func() *writes.RequestInfo { return &writes.RequestInfo{} }}
	}
	do := func(w *writes.Write) func() error {
		return func() error { _, err := a.Writes.Do(t.Context(), w); return err }
	}
	const id = "member000000001"
	for _, step := range []struct {
		name string
		work int
		do   func() error
	}{
		{"create", 1, do(request(records.Created, "", map[string]any{"id": id, "email": "a@example.com", "password": "12345678", "passwordConfirm": "12345678"}))},
		{"update", 2, do(request(records.Updated, id, map[string]any{"oldPassword": "12345678", "password": "abcdefgh", "passwordConfirm": "abcdefgh"}))},
		{"batch", 1, do(&writes.Write{Parts: []*writes.Write{
			request(records.Created, "", map[string]any{"email": "b@example.com", "password": "12345678", "passwordConfirm": "12345678"}),
		}})},
		{"program", 1, func() error {
			r, err := a.Records.FindByID(t.Context(), "members", id)
			if err != nil {
				return err
			}
			r.Set("password", "changed99")
			return a.Records.Save(t.Context(), r)
		}},
		{"command", 1, func() error {
			return change(t.Context(), a, members, id, map[string]any{"password": "changed00", "passwordConfirm": "changed00"})
		}},
	} {
		work, held = 0, 0
		if err := step.do(); err != nil {
			t.Errorf("%s: %v", step.name, err)
		}
		if work != step.work || held != 0 {
			t.Errorf("%s: %d times work on passwords, %d of them in the transaction; want %d and none", step.name, work, held, step.work)
		}
	}
}

// openCounting opens a server that counts how often it works on passwords, and how often of that inside of a transaction.
func openCounting(t *testing.T, work, held *int) *app.App {
	t.Helper()
	a := app.New(app.Options{Dir: t.TempDir(), Logger: slog.New(slog.DiscardHandler)})
	count := func(ctx context.Context) {
		*work++
		if writes.InTransaction(ctx) {
			*held++
		}
	}
	a.Passwords = records.Passwords{
		Hash: func(ctx context.Context, plain string, _ int) (string, error) {
			count(ctx)
			return "stored:" + plain, nil
		},
		Matches: func(ctx context.Context, hash, plain string) (bool, error) {
			count(ctx)
			return hash == "stored:"+plain, nil
		},
	}
	if err := a.Bootstrap(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a
}
