package writes_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/troupebase/troupe/actors/app"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/internal/eventually"
	"github.com/troupebase/troupe/storage/files/filestest"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/sqlite"
)

func upload(t testing.TB, text string) []*records.PendingFile {
	t.Helper()
	f := &records.PendingFile{Key: "f", Original: "a.txt", Size: int64(len(text)), Content: strings.NewReader(text)}
	if err := f.Identify(); err != nil {
		t.Fatal(err)
	}
	return []*records.PendingFile{f}
}

// TestUploadsOfWritesThatFail: wherever a hook or a transaction takes a write back, its files go, and those that are still
// named stay.
func TestUploadsOfWritesThatFail(t *testing.T) {
	plain := func(_ *app.App, write func(ctx context.Context) error) error { return write(context.Background()) }
	no := func(*writes.RecordEvent) error { return errNo }
	late := func(e *writes.RecordEvent) error { return errors.Join(e.Next(), errNo) }
	nobody := func(*app.App) {}
	for _, c := range []struct {
		uploadStep
		stays bool
	}{
		{uploadStep{"success", func(a *app.App) {
			a.Hooks.OnRecordValidate().BindFunc(func(e *writes.RecordEvent) error { return e.Next() })
		}, plain}, true},
		{uploadStep{"rejected before", func(a *app.App) { a.Hooks.OnRecordCreate().BindFunc(no); a.Hooks.OnRecordUpdate().BindFunc(no) }, plain}, false},
		{uploadStep{"rejected by validate", func(a *app.App) { a.Hooks.OnRecordValidate().BindFunc(no) }, plain}, false},
		{uploadStep{"rejected by execute", func(a *app.App) {
			a.Hooks.OnRecordCreateExecute().BindFunc(no)
			a.Hooks.OnRecordUpdateExecute().BindFunc(no)
		}, plain}, false},
		{uploadStep{"rejected too late", func(a *app.App) {
			a.Hooks.OnRecordCreateExecute().BindFunc(late)
			a.Hooks.OnRecordUpdateExecute().BindFunc(late)
		}, plain}, true},
		{uploadStep{"the hook takes the file out", func(a *app.App) {
			out := func(e *writes.RecordEvent) error { e.Record.Set("f", ""); return e.Next() }
			a.Hooks.OnRecordCreateExecute().BindFunc(out)
			a.Hooks.OnRecordUpdateExecute().BindFunc(out)
		}, plain}, false},
		{uploadStep{"transaction", nobody, func(a *app.App, write func(ctx context.Context) error) error {
			return a.Records.RunInTransaction(context.Background(), write)
		}}, true},
		{uploadStep{"transaction rolled back", nobody, func(a *app.App, write func(ctx context.Context) error) error {
			err := a.Records.RunInTransaction(context.Background(), func(ctx context.Context) error { return errors.Join(write(ctx), errNo) })
			if errors.Is(err, errNo) {
				err = nil
			}
			return err
		}}, false},
		{uploadStep{"part rolled back", nobody, func(a *app.App, write func(ctx context.Context) error) error {
			return a.Records.RunInTransaction(context.Background(), func(ctx context.Context) error {
				_ = a.Records.RunInTransaction(ctx, func(ctx context.Context) error { return errors.Join(write(ctx), errNo) })
				return nil
			})
		}}, false},
	} {
		for _, update := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/update %v", c.name, update), func(t *testing.T) { c.run(t, update, c.stays) })
		}
	}
}

// uploadStep is what hooks and transactions do around a write with a file.
type uploadStep struct {
	name string
	bind func(a *app.App) // hooks
	wrap func(a *app.App, write func(ctx context.Context) error) error
}

// run writes a record with a file, and waits until there is one file or none.
func (c uploadStep) run(t *testing.T, update, stays bool) {
	a := open(t)
	col := define(t, a, `{"name":"docs","type":"base","fields":[{"name":"t","type":"text"},{"name":"f","type":"file","maxSelect":1}]}`)
	id := ""
	if update {
		id = mustAdd(t, a, col, nil)
	}
	c.bind(a)
	write := func(ctx context.Context) error {
		in := input(a, col, map[string]any{"t": "x"})
		in.Files = upload(t, "text")
		if update {
			cmd, err := a.Store.PrepareUpdate(ctx, id, in)
			if err != nil {
				return err
			}
			return a.Writes.DoCommand(ctx, col, cmd, "test")
		}
		cmd, err := a.Store.PrepareCreate(ctx, in)
		if err != nil {
			return err
		}
		return a.Writes.DoCommand(ctx, col, cmd, "test")
	}
	if err := c.wrap(a, write); err != nil && !errors.Is(err, errNo) {
		t.Fatal(err)
	}
	want := 0
	if stays {
		want = 1
	}
	eventually.True(t, fmt.Sprintf("%d files", want), func() bool { return len(filestest.KeysOf(t, a.Dir(), col.ID)) == want })
}

// TestUploadsOfAnUnknownOutcome stay: a record may name them.
func TestUploadsOfAnUnknownOutcome(t *testing.T) {
	a := open(t)
	col := define(t, a, `{"name":"docs","type":"base","fields":[{"name":"f","type":"file","maxSelect":1}]}`)
	in := input(a, col, nil)
	in.Files = upload(t, "text")
	cmd, err := a.Store.PrepareCreate(context.Background(), in)
	if err == nil {
		err = a.Writes.DoCommand(context.Background(), col, cmd, "test")
	}
	if err != nil {
		t.Fatal(err)
	}
	a.Writes.SettleUploads(uploadsOf(cmd), nil, fmt.Errorf("commit: %w", sqlite.ErrOutcomeUnknown))
	if len(filestest.KeysOf(t, a.Dir(), col.ID)) != 1 {
		t.Error("an unknown outcome dropped the file")
	}
	a.Writes.SettleUploads(uploadsOf(cmd), nil, errNo)
	if len(filestest.KeysOf(t, a.Dir(), col.ID)) != 0 {
		t.Error("a failure kept the file")
	}
}
