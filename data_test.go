package troupe_test

import (
	"context"
	"errors"
	"net/mail"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/troupebase/troupe"
)

// TestFilesOfRecords: what a field for several files gets is added, what one for one gets takes the place of what was there, and
// nothing is left where the record is refused.
func TestFilesOfRecords(t *testing.T) {
	app, ctx := opened(t), t.Context()
	album := `[{"name": "albums", "type": "base", "fields": [{"name": "title", "type": "text", "max": 5},
		{"name": "cover", "type": "file", "maxSelect": 1}, {"name": "pages", "type": "file", "maxSelect": 5}]}]`
	if err := app.ImportCollections(ctx, []byte(album), false); err != nil {
		t.Fatal(err)
	}
	r, err := app.NewRecord("albums")
	if err != nil {
		t.Fatal(err)
	}
	save := func(files ...*troupe.File) {
		t.Helper()
		if err := app.SaveWithFiles(ctx, r, files...); err != nil {
			t.Fatal(err)
		}
	}
	read := func(name string) string {
		t.Helper()
		f, err := app.OpenFile(r, name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		content := make([]byte, f.Size)
		if _, err := f.Read(content); err != nil {
			t.Fatal(err)
		}
		return f.Name + ":" + string(content)
	}
	save(troupe.FileOf("cover", "a.txt", []byte("A")), troupe.FileOf("pages", "1.txt", []byte("one")))
	first := r.Text("cover")
	save(troupe.FileOf("cover", "b.txt", []byte("B")), troupe.FileOf("pages", "2.txt", []byte("two")))
	if got := read(r.Text("cover")); got != "b.txt:B" {
		t.Errorf("the cover is %q", got)
	}
	if _, err := app.OpenFile(r, first); !errors.Is(err, troupe.ErrNoFile) {
		t.Errorf("the first cover: %v", err)
	}
	if pages := r.Texts("pages"); len(pages) != 2 || read(pages[0]) != "1.txt:one" || read(pages[1]) != "2.txt:two" {
		t.Errorf("the pages are %q", pages)
	}
	before := stored(t, app, r)
	r.Set("title", "too long")
	var refused troupe.FieldErrors
	if err := app.SaveWithFiles(ctx, r, troupe.FileOf("pages", "3.txt", []byte("three"))); !errors.As(err, &refused) {
		t.Errorf("a record that is refused: %v", err)
	}
	if n := stored(t, app, r); n != before || len(r.Texts("pages")) != 2 {
		t.Errorf("%d files are stored, %d were; the record names %q", n, before, r.Texts("pages"))
	}
	if err := app.SaveWithFiles(ctx, r, troupe.FileOf("title", "x", nil)); err == nil {
		t.Error("a text holds a file")
	}
	for _, name := range []string{"nothing", "../" + r.Text("cover"), ""} {
		if _, err := app.OpenFile(r, name); !errors.Is(err, troupe.ErrNoFile) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// stored counts the files of a record on the disk.
func stored(t *testing.T, app *troupe.App, r *troupe.Record) int {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(app.Dir(), "storage", r.Collection.ID, r.ID(), "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// TestCollectionsOfPrograms: collections come and go by code, and what is refused changes nothing.
func TestCollectionsOfPrograms(t *testing.T) {
	early := troupe.New(troupe.Options{Dir: filepath.Join(t.TempDir(), "data")})
	app, ctx := opened(t), t.Context()
	notes, err := troupe.ParseCollection([]byte(`{"name": "notes", "type": "base"}`))
	if err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{
		"save":   early.SaveCollection(ctx, notes),
		"delete": early.DeleteCollection(ctx, "notes"),
		"settings": func() error {
			_, err := early.SaveSettings(ctx, func(*troupe.Settings) error { return nil })
			return err
		}(),
		"token":   func() error { _, err := early.InstallerToken(ctx); return err }(),
		"mail":    early.SendMail(ctx, &troupe.Message{}),
		"changes": func() error { _, err := early.Subscribe("posts"); return err }(),
	} {
		if !errors.Is(err, troupe.ErrNotOpen) {
			t.Errorf("%s before it is open: %v", what, err)
		}
	}
	if _, err := troupe.ParseCollection([]byte(`{"name": 1}`)); err == nil {
		t.Error("a number is a name")
	}
	if err := app.SaveCollection(ctx, notes); err != nil {
		t.Fatal(err)
	}
	var refused troupe.FieldErrors
	if err := app.SaveCollection(ctx, notes); !errors.As(err, &refused) {
		t.Errorf("a second one of that name: %v", err)
	}
	err = app.RunInTransaction(ctx, func(ctx context.Context) error { return app.DeleteCollection(ctx, "notes") })
	if !errors.Is(err, troupe.ErrInTransaction) {
		t.Errorf("in a transaction: %v", err)
	}
	if err := app.DeleteCollection(ctx, "notes"); err != nil {
		t.Error(err)
	}
	if err := app.DeleteCollection(ctx, "notes"); !errors.Is(err, troupe.ErrNoCollection) {
		t.Errorf("again: %v", err)
	}
	if err := app.DeleteCollection(ctx, troupe.SuperusersCollection); err == nil {
		t.Error("superusers are deleted")
	}
}

// TestInstallerToken: there is one as long as there is no superuser.
func TestInstallerToken(t *testing.T) {
	app := opened(t)
	if token, err := app.InstallerToken(t.Context()); token == "" || err != nil {
		t.Errorf("without a superuser: %q, %v", token, err)
	}
	superuserToken(app)
	if token, err := app.InstallerToken(t.Context()); token != "" || err != nil {
		t.Errorf("with one: %q, %v", token, err)
	}
}

// TestSendMail: a mail has the sender of the settings where it names none.
func TestSendMail(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the program is a shell script")
	}
	if _, err := os.Stat("/usr/sbin/sendmail"); err == nil {
		t.Skip("this machine has a sendmail")
	}
	dir := t.TempDir()
	sent := filepath.Join(dir, "sent")
	if err := os.WriteFile(filepath.Join(dir, "sendmail"), []byte("#!/bin/sh\ncat > '"+sent+"'\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	app := opened(t)
	_, err := app.SaveSettings(t.Context(), func(s *troupe.Settings) error {
		s.Meta.SenderName, s.Meta.SenderAddress = "Notes", "notes@example.com"
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	err = app.SendMail(ctx, &troupe.Message{To: mail.Address{Address: "ann@example.com"}, Subject: "News", HTML: "<p>There is some.</p>"})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(sent)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"notes@example.com", "ann@example.com", "Subject: News", "There is some."} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the mail has no %q:\n%s", want, text)
		}
	}
}
