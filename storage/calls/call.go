package calls

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"
)

// State is what becomes of a call.
type State string

const (
	// Waiting means that it is tried again.
	Waiting State = "waiting"
	// GivenUp means that it is not tried again before somebody asks for it.
	GivenUp State = "givenUp"
)

// Valid tells whether there is such a state.
func (s State) Valid() bool { return s == Waiting || s == GivenUp }

const (
	// MaxRecord is how many bytes of a record a call keeps. Of a longer one nothing is kept, and the call is made with what is stored then.
	MaxRecord = 256 << 10
	// MaxError is how many bytes of the last failure's text are kept.
	MaxError = 1 << 10
	// maxAsker is how many bytes a stored asker may have: a path as long as a head may be, and ids.
	maxAsker = 512 << 10
)

// Asker is on whose behalf a call is made: what of a request outlives it. There are no headers, no query and no body in it, which may hold secrets.
type Asker struct {
	// Method, Path and IP are those of the request, Situation says where it came from: "default", "batch", …
	Method    string `json:"method"`
	Path      string `json:"path"`
	IP        string `json:"ip"`
	Situation string `json:"situation"`
	// Collection and Record are the ids of who was signed in; "" for a guest.
	Collection string `json:"collection"`
	Record     string `json:"record"`
	// Superuser tells that no rule was asked.
	Superuser bool `json:"superuser"`
}

// Call is one call. It is a value; whoever has it may change it.
type Call struct {
	// Number orders calls. It is given by [Insert], and may be given again to another call once this one is removed; ID is not.
	Number int64
	ID     string
	// Extension is its name, Hook which one of its hooks, in a form that means the same in another version of it.
	Extension, Hook string
	// Event is the name of the event, for whoever looks.
	Event string
	// Collection and Record are the ids of what it is about.
	Collection, Record string
	// Data is the record as it was stored, as JSON without the secrets of auth records; nil when it is longer than [MaxRecord].
	Data []byte
	// Asker is nil where the server itself wrote.
	Asker *Asker
	// Depth is how deeply the write was nested.
	Depth int
	// Attempts is how often it was tried, Next when it is tried again.
	Attempts int
	Next     time.Time
	// Error is why it did not come to its end.
	Error   string
	Created time.Time
	State   State
}

// Bytes is about what the call takes of the file.
func (c *Call) Bytes() int {
	n := 256 + len(c.Data) + len(c.Error) + len(c.Hook) + len(c.Extension) + len(c.Record)
	if c.Asker != nil {
		n += len(c.Asker.Path) + 256
	}
	return n
}

// cut shortens s to at most n bytes, between characters.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// asker is the stored form of an asker, nil for none.
func (c *Call) asker() (any, error) {
	if c.Asker == nil {
		return nil, nil
	}
	text, err := json.Marshal(c.Asker)
	if err != nil {
		return nil, fmt.Errorf("store who asked: %w", err)
	}
	return text, nil
}

// parseAsker reads what asker made.
func parseAsker(text []byte) (*Asker, error) {
	if len(text) > maxAsker {
		return nil, errors.New("who asked: too long")
	}
	a := new(Asker)
	if err := json.Unmarshal(text, a); err != nil {
		return nil, fmt.Errorf("who asked: %w", err)
	}
	return a, nil
}
