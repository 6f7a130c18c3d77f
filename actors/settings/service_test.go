package settings_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/troupebase/troupe/actors/app"
	"github.com/troupebase/troupe/actors/app/apptest"
	"github.com/troupebase/troupe/actors/authority"
	"github.com/troupebase/troupe/actors/catalogue"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/settings"
	"github.com/troupebase/troupe/storage/sqlite"
)

// save stores what change makes of the settings.
func save(t testing.TB, a *app.App, change func(s *settings.Settings)) {
	t.Helper()
	_, err := a.Settings.Save(t.Context(), func(s *settings.Settings) error { change(s); return nil })
	if err != nil {
		t.Fatal(err)
	}
}

// storedUnpublished puts settings into the file as a change does that is committed and not published yet.
func storedUnpublished(t testing.TB, a *app.App, change func(s *settings.Settings)) {
	t.Helper()
	err := a.DB.Do(t.Context(), sqlite.WorkFunc(func(tx *sqlite.Tx) error {
		s, err := settings.Load(tx.Conn(), settings.Key{})
		if err != nil {
			return err
		}
		change(s)
		return settings.Save(tx.Conn(), s, settings.Key{}, time.Now())
	}))
	if err != nil {
		t.Fatal(err)
	}
}

// rename gives a collection another name.
func rename(t testing.TB, a *app.App, from, to string) {
	t.Helper()
	c := a.Catalogue.Current().Find(from).Clone()
	c.Name = to
	if err := a.Catalogue.Change(t.Context(), catalogue.Change{Put: c}); err != nil {
		t.Fatal(err)
	}
}

// TestChangesOfSettingsAreLaidOverTheStoredOnes: a change that is committed is not undone by the next one because that began with what
// was published before.
func TestChangesOfSettingsAreLaidOverTheStoredOnes(t *testing.T) {
	for name, next := range map[string]func(t *testing.T, a *app.App){
		"save":   func(t *testing.T, a *app.App) { save(t, a, func(s *settings.Settings) { s.Meta.SenderName = "next" }) },
		"rename": func(t *testing.T, a *app.App) { rename(t, a, "users", "people") },
	} {
		t.Run(name, func(t *testing.T) {
			a := apptest.Open(t)
			save(t, a, func(s *settings.Settings) {
				s.RateLimits.Rules = []settings.RateLimitRule{{Label: "users:list", Duration: 1, MaxRequests: 10}}
			})
			storedUnpublished(t, a, func(s *settings.Settings) { s.Meta.AppName = "before" })
			next(t, a)
			if got := a.Settings.Current().Meta.AppName; got != "before" {
				t.Errorf("the name is %q", got)
			}
		})
	}
}

// TestConcurrentChangesOfSettings: none undoes another one, and what is published in the end is what is stored.
func TestConcurrentChangesOfSettings(t *testing.T) {
	const changes = 20
	a := apptest.Open(t)
	save(t, a, func(s *settings.Settings) {
		s.RateLimits.Rules = []settings.RateLimitRule{{Label: "users:list", Duration: 1, MaxRequests: 10}}
	})
	var all sync.WaitGroup
	for i := range changes {
		all.Go(func() {
			save(t, a, func(s *settings.Settings) { s.SuperuserIPs = append(s.SuperuserIPs, fmt.Sprintf("10.0.0.%d", i)) })
		})
	}
	name := "users"
	for i := range changes {
		to := fmt.Sprintf("users%d", i)
		rename(t, a, name, to)
		name = to
	}
	all.Wait()
	now := a.Settings.Current()
	if len(now.SuperuserIPs) != changes || now.RateLimits.Rules[0].Label != name+":list" {
		t.Errorf("%d addresses, and a limit of %q", len(now.SuperuserIPs), now.RateLimits.Rules[0].Label)
	}
	err := a.DB.Do(t.Context(), sqlite.WorkFunc(func(tx *sqlite.Tx) error {
		stored, err := settings.Load(tx.Conn(), settings.Key{})
		if err == nil && !reflect.DeepEqual(stored, now) {
			t.Errorf("stored is %+v, published %+v", stored, now)
		}
		return err
	}))
	if err != nil {
		t.Fatal(err)
	}
}

// TestLaterRevisionsStay: a change that is published late does not take the place of one that was committed after it.
func TestLaterRevisionsStay(t *testing.T) {
	a := apptest.Open(t)
	err := a.DB.Do(t.Context(), sqlite.WorkFunc(func(tx *sqlite.Tx) error {
		earlier, err := a.Settings.Read(tx.Conn())
		if err != nil {
			return err
		}
		later, err := a.Settings.Read(tx.Conn())
		if err != nil {
			return err
		}
		a.Settings.Publish(later)
		now := a.Settings.Current()
		a.Settings.Publish(earlier)
		if a.Settings.Current() != now {
			t.Error("the earlier settings have come back")
		}
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
}

// TestWhoMaySaveSettings: the server itself and superusers; inside of a transaction nobody.
func TestWhoMaySaveSettings(t *testing.T) {
	a := apptest.Open(t)
	nothing := func(*settings.Settings) error { return nil }
	guest := authority.ActingAs(t.Context(), records.Caller{Request: &filter.Request{}})
	if _, err := a.Settings.Save(guest, nothing); !errors.Is(err, records.ErrForbidden) {
		t.Errorf("a guest: %v", err)
	}
	err := a.Writes.RunInTransaction(t.Context(), func(ctx context.Context) error {
		_, err := a.Settings.Save(ctx, nothing)
		return err
	})
	if !errors.Is(err, writes.ErrInTransaction) {
		t.Errorf("in a transaction: %v", err)
	}
}

// TestWatchedSettings: who watches is told of a change, also of one that follows a collection, and not of a refused one.
func TestWatchedSettings(t *testing.T) {
	a := apptest.Open(t)
	told := 0
	a.Settings.Watch(func() { told++ })
	save(t, a, func(s *settings.Settings) {
		s.RateLimits.Rules = []settings.RateLimitRule{{Label: "users:list", Duration: 1, MaxRequests: 10}}
	})
	rename(t, a, "users", "people")
	refused := errors.New("refused")
	if _, err := a.Settings.Save(t.Context(), func(*settings.Settings) error { return refused }); !errors.Is(err, refused) {
		t.Error(err)
	}
	if told != 2 || a.Settings.Current().RateLimits.Rules[0].Label != "people:list" {
		t.Errorf("told %d times of %+v", told, a.Settings.Current().RateLimits.Rules)
	}
}
