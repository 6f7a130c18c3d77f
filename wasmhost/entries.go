package wasmhost

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/troupebase/troupe/wasmhost/abi"
	"github.com/troupebase/troupe/wasmhost/rewrite"
)

// entries is what is kept of modules beside their compiled code, named by the checksum of their files: what they say of themselves, so that a start only
// has to read that; the module as it was rewritten, so that a version can be called whose file is gone; and why one was refused. The zero value keeps
// nothing. Each entry begins with its own checksum: one that was damaged is as good as none. Safe for concurrent use.
type entries struct {
	dir string
}

// The kinds of entries.
const (
	describedEntry = ".description"
	moduleEntry    = ".module"
	failedEntry    = ".failed"
)

// openEntries opens what is below the directory of compiled code, "" for nothing.
func openEntries(cacheDir string) (*entries, error) {
	if cacheDir == "" {
		return &entries{}, nil
	}
	dir := filepath.Join(cacheDir, "modules-"+entriesVersion())
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("wasmhost: make the cache: %w", err)
	}
	return &entries{dir: dir}, nil
}

// entriesVersion tells apart servers that make something else of the same file.
func entriesVersion() string {
	h := sha256.New()
	fmt.Fprintln(h, "entries 1", rewrite.Version, guestDepth, abi.Module)
	for _, f := range abi.Functions {
		fmt.Fprintln(h, f.Name, f.Values(), f.Wide)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// said is what a module said of itself, and what is known of its memory.
type said struct {
	Description []byte `json:"description"`
	Pages       uint32 `json:"pages"`
}

func (c *entries) path(sum checksum, kind string) string {
	return filepath.Join(c.dir, hex.EncodeToString(sum[:])+kind)
}

// errNoEntry means that there is none, or one that is damaged.
var errNoEntry = errors.New("not in the cache")

// read returns an entry, or [errNoEntry].
func (c *entries) read(sum checksum, kind string) ([]byte, error) {
	if c.dir == "" {
		return nil, errNoEntry
	}
	b, err := os.ReadFile(c.path(sum, kind))
	if err != nil {
		return nil, errors.Join(errNoEntry, err)
	}
	if len(b) < sha256.Size {
		return nil, errNoEntry
	}
	if own := sha256.Sum256(b[sha256.Size:]); !bytes.Equal(own[:], b[:sha256.Size]) {
		return nil, errNoEntry
	}
	return b[sha256.Size:], nil
}

// write keeps an entry. It appears complete or not at all; a crash may damage it, which its checksum shows.
func (c *entries) write(sum checksum, kind string, content []byte) error {
	if c.dir == "" {
		return nil
	}
	f, err := os.CreateTemp(c.dir, "new-*")
	if err != nil {
		return fmt.Errorf("keep a module in the cache: %w", err)
	}
	own := sha256.Sum256(content)
	_, first := f.Write(own[:])
	_, second := f.Write(content)
	if err = errors.Join(first, second, f.Close()); err == nil {
		err = os.Rename(f.Name(), c.path(sum, kind))
	}
	if err != nil {
		return fmt.Errorf("keep a module in the cache: %w", errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}

// keep keeps what is needed to load a module again without its file.
func (c *entries) keep(sum checksum, s said, module []byte) error {
	b, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("keep a description: %w", err)
	}
	if err := c.write(sum, moduleEntry, module); err != nil {
		return err
	}
	return c.write(sum, describedEntry, b)
}

// described returns what a module said of itself, or [errNoEntry].
func (c *entries) described(sum checksum) (s said, err error) {
	b, err := c.read(sum, describedEntry)
	if err != nil {
		return s, err
	}
	if json.Unmarshal(b, &s) != nil {
		return s, errNoEntry
	}
	return s, nil
}

// failed returns why a file was refused when it was tried last, nil when it was not.
func (c *entries) failed(sum checksum) *refusal {
	b, err := c.read(sum, failedEntry)
	if err != nil {
		return nil
	}
	f := &refusal{}
	if json.Unmarshal(b, f) != nil {
		return nil
	}
	f.sum = sum
	if now := time.Now(); f.Next.Sub(now) > retryMost {
		f.Next = now // the clock was set back
	}
	return f
}

// note keeps why a file was refused, for the next start.
func (c *entries) note(f *refusal) error {
	b, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("keep a failure: %w", err)
	}
	return c.write(f.sum, failedEntry, b)
}

// forget removes what note kept.
func (c *entries) forget(sum checksum) {
	if c.dir != "" {
		_ = os.Remove(c.path(sum, failedEntry)) // which is not there, mostly; a file that stays costs one attempt less
	}
}
