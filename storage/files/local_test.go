package files

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPutOpenDelete(t *testing.T) {
	root := t.TempDir()
	store := NewLocal(root, OS{})
	if err := store.Put("c/r/a.txt", strings.NewReader("hello"), Attributes{ContentType: "text/plain; charset=utf-8", OriginalName: "A.txt"}); err != nil {
		t.Fatal(err)
	}
	side, err := os.ReadFile(filepath.Join(root, "c", "r", "a.txt.attrs"))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"user.cache_control":"","user.content_disposition":"","user.content_encoding":"","user.content_language":"","user.content_type":"text/plain; charset=utf-8","user.metadata":{"original-filename":"A.txt"},"md5":"XUFAKrxLKna5cZ2REBfFkg=="}` + "\n"
	if string(side) != want {
		t.Errorf("sidecar\n got %s\nwant %s", side, want)
	}
	f, err := store.Open("c/r/a.txt")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(f)
	if err != nil || string(body) != "hello" || f.Size != 5 || f.ContentType != "text/plain; charset=utf-8" || f.OriginalName != "A.txt" {
		t.Errorf("got %q %d %+v, %v", body, f.Size, f.Attributes, err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if err := store.Delete("c/r/a.txt"); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open("c/r/a.txt"); !errors.Is(err, ErrNotFound) {
		t.Errorf("after Delete: %v", err)
	}
	left, err := filepath.Glob(filepath.Join(root, "c", "r", "*"))
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("broken upload") }

func TestPutLeavesNothingWhenTheUploadFails(t *testing.T) {
	root := t.TempDir()
	if err := NewLocal(root, OS{}).Put("c/r/a.txt", failing{}, Attributes{}); err == nil {
		t.Fatal("no error")
	}
	left, err := filepath.Glob(filepath.Join(root, "c", "r", "*"))
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestKeysStayBelowTheRoot(t *testing.T) {
	root := filepath.Join(t.TempDir(), "storage")
	store := NewLocal(root, OS{})
	for _, key := range []string{"", "..", "../x", "a/../../x", "a//b", "a/b/", "a\x00b", "x.attrs", "/abs", "a/./b", "./a", "a/.."} {
		path, err := store.path(key)
		if err != nil {
			if !errors.Is(err, ErrNotFound) {
				t.Errorf("%q: %v", key, err)
			}
			continue
		}
		if rel, err := filepath.Rel(root, path); err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
			t.Errorf("%q leaves the root: %s", key, path)
		}
	}
}

func TestOddSidecars(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "c", "r")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, side, wantType string }{
		{"none", "", "application/octet-stream"},
		{"empty-object", "{}", ""},
		{"null-digest", `{"user.content_type":"image/png","md5":null}`, "image/png"},
		{"list", "[]", "missing"},
		{"broken", "{", "missing"},
	} {
		if err := os.WriteFile(filepath.Join(dir, c.name), []byte("x"), 0o666); err != nil {
			t.Fatal(err)
		}
		if c.side != "" {
			if err := os.WriteFile(filepath.Join(dir, c.name+".attrs"), []byte(c.side), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		f, err := NewLocal(root, OS{}).Open("c/r/" + c.name)
		if c.wantType == "missing" {
			if !errors.Is(err, ErrNotFound) {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		if err != nil || f.ContentType != c.wantType {
			t.Errorf("%s: %+v, %v", c.name, f, err)
			continue
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}

func FuzzKey(f *testing.F) {
	for _, key := range []string{"c/r/a.txt", "../../x", "a//b", "..", "a/..\x00/b"} {
		f.Add(key)
	}
	store := NewLocal("/root/of/files", OS{})
	f.Fuzz(func(t *testing.T, key string) {
		path, err := store.path(key)
		if err != nil {
			return
		}
		if !strings.HasPrefix(path, "/root/of/files/") {
			t.Errorf("%q leaves the root: %s", key, path)
		}
	})
}
