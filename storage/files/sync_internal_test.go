package files

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// syncedDisk notes what was synced before what: "write", "sync", "rename" and "syncdir" with paths below the root.
type syncedDisk struct {
	OS
	root  string
	steps []string
}

func (d *syncedDisk) note(step, path string) {
	rel, err := filepath.Rel(d.root, path)
	if err != nil {
		rel = path
	}
	d.steps = append(d.steps, step+" "+filepath.ToSlash(rel))
}

func (d *syncedDisk) Create(path string, flag int) (DiskFile, error) {
	f, err := d.OS.Create(path, flag)
	return &syncedFile{f, d, path}, err
}

func (d *syncedDisk) Rename(from, to string) error {
	d.note("rename", to)
	return d.OS.Rename(from, to)
}

func (d *syncedDisk) SyncDir(path string) error {
	d.note("syncdir", path)
	return d.OS.SyncDir(path)
}

type syncedFile struct {
	DiskFile
	d    *syncedDisk
	path string
}

func (f *syncedFile) Write(p []byte) (int, error) {
	f.d.note("write", f.path)
	return f.DiskFile.Write(p)
}

func (f *syncedFile) Sync() error {
	f.d.note("sync", f.path)
	return f.DiskFile.Sync()
}

// Law 10: a file gets its name when its bytes and its sidecar are synced, and the directories above are synced after that; a
// note is synced, and so are the directory that it is in and, for the first one, the one above.
func TestLaw10WhatIsStoredIsSynced(t *testing.T) {
	d := &syncedDisk{root: t.TempDir()}
	if err := NewPending(filepath.Join(d.root, "notes"), d).makeDir(); err != nil {
		t.Fatal(err)
	}
	if _, err := NewPending(filepath.Join(d.root, "notes"), d).Note([]string{"c/r/a"}); err != nil {
		t.Fatal(err)
	}
	note := d.steps
	if len(note) != 4 || note[0] != "syncdir ." || !strings.HasPrefix(note[1], "write notes/") || note[2] != "sync"+note[1][5:] || note[3] != "syncdir notes" {
		t.Errorf("a note: %q", note)
	}
	d.steps = nil
	if err := NewLocal(filepath.Join(d.root, "storage"), d).Put("c/r/a", strings.NewReader("x"), Attributes{}); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"write storage/c/r/.a.tmp", "sync storage/c/r/.a.tmp", "write storage/c/r/a.attrs", "sync storage/c/r/a.attrs",
		"rename storage/c/r/a", "syncdir storage/c/r", "syncdir storage/c", "syncdir storage", "syncdir .",
	}
	if !slices.Equal(d.steps, want) {
		t.Errorf("a file:\n got %q\nwant %q", d.steps, want)
	}
}

// The first note makes its directory by itself.
func TestTheFirstNoteMakesTheDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data", "notes")
	if err := os.MkdirAll(filepath.Dir(dir), DirMode); err != nil {
		t.Fatal(err)
	}
	d := &syncedDisk{root: filepath.Dir(dir)}
	if _, err := NewPending(dir, d).Note(nil); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(d.steps, "syncdir .") {
		t.Errorf("the directory's name is not synced: %q", d.steps)
	}
}
