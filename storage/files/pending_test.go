package files

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestPendingNotes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data", "notes")
	p := NewPending(dir, OS{})
	if left, err := p.Left(); err != nil || len(left) != 0 {
		t.Fatalf("before the first note: %v, %v", left, err)
	}
	first, err := p.Note([]string{"c/r/a", "c/r/b"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Note([]string{"c/r/c"}); err != nil {
		t.Fatal(err)
	}
	if err := first.Done(); err != nil {
		t.Fatal(err)
	}
	if err := first.Done(); err != nil {
		t.Errorf("a second time: %v", err)
	}
	left, err := NewPending(dir, OS{}).Left()
	if err != nil || len(left) != 1 || !slices.Equal(left[0].Keys, []string{"c/r/c"}) {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestATornNoteNamesNothing(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "torn.json"), []byte(`["c/r/a","c/`), 0o666); err != nil {
		t.Fatal(err)
	}
	left, err := NewPending(dir, OS{}).Left()
	if err != nil || len(left) != 1 || len(left[0].Keys) != 0 {
		t.Fatalf("left: %v, %v", left, err)
	}
	if err := left[0].Done(); err != nil {
		t.Error(err)
	}
}

// Whoever stores a file under a directory that was discarded begins with an empty one.
func TestDiscardedDirectoriesComeBackEmpty(t *testing.T) {
	root := t.TempDir()
	store := NewLocal(root, OS{})
	put := func(key string) {
		t.Helper()
		if err := store.Put(key, strings.NewReader("x"), Attributes{}); err != nil {
			t.Fatal(err)
		}
	}
	put("c/r/a")
	for range 2 {
		if err := store.Discard("c/"); err != nil {
			t.Fatal(err)
		}
	}
	put("c/r/b")
	if err := store.Empty(); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open("c/r/a"); err == nil {
		t.Error("a discarded file is there")
	}
	if f, err := store.Open("c/r/b"); err != nil {
		t.Error(err)
	} else if err := f.Close(); err != nil {
		t.Error(err)
	}
	if err := store.Delete("c/r/b"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "c", "r")); !os.IsNotExist(err) {
		t.Errorf("an empty directory of a record is left: %v", err)
	}
}
