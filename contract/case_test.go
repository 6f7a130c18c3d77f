package contract_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
)

// recorded is one case: a conversation from an empty data directory on.
type recorded struct {
	Name  string  `json:"name"`
	About string  `json:"about"`
	Steps []*step `json:"steps"`
}

// step is one thing that a client does, and what came of it. One of Request to Sleep is set.
type step struct {
	Name    string        `json:"name"`
	Request *request      `json:"request"`
	SSE     *streamAction `json:"sse"`
	Mail    *mailAction   `json:"mail"`
	OIDC    *providerAct  `json:"oidc"`
	SleepMS int           `json:"sleep_ms"`

	// Save names values of the answer for later steps: a JSON path, "re:" and an expression, or "header:" and a name.
	Save map[string]string `json:"save"`
	// CheckHeaders says which headers were recorded; the test compares those that the expectation has.
	CheckHeaders []string `json:"check_headers"`
	// Ignore are JSON paths that are left out, Unordered those of arrays that are sets.
	Ignore     []string `json:"ignore"`
	Unordered  []string `json:"unordered"`
	OnlyStatus bool     `json:"only_status"`
	Expect     *expect  `json:"expect"`
}

type request struct {
	Method    string            `json:"method"`
	Path      string            `json:"path"`
	Headers   map[string]string `json:"headers"`
	Auth      string            `json:"auth"`
	JSON      json.RawMessage   `json:"json"`
	Body      *string           `json:"body"`
	Multipart []part            `json:"multipart"`
}

// part is one of a multipart body: a file where it has a file name.
type part struct {
	Name        string `json:"name"`
	Value       string `json:"value"`
	Filename    string `json:"filename"`
	Content     string `json:"content"`
	Base64      []byte `json:"base64"`
	ContentType string `json:"content_type"`
}

// streamAction opens, reads or closes the event stream of that name.
type streamAction struct {
	Open  string `json:"open"`
	Read  string `json:"read"`
	Close string `json:"close"`
	// Count is how many events are read; 0 means that none may come within WithinMS.
	Count    int `json:"count"`
	WithinMS int `json:"within_ms"`
}

// mailAction reads the oldest mail to somebody, or makes sure that there is none.
type mailAction struct {
	To       string `json:"to"`
	None     bool   `json:"none"`
	WithinMS int    `json:"within_ms"`
}

// providerAct says what the OpenID provider answers next.
type providerAct struct {
	User  map[string]any `json:"user"`
	Token map[string]any `json:"token"`
	Fail  string         `json:"fail"`
}

// expect is the recorded answer.
type expect struct {
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    any               `json:"body"`
}

// load reads a case. What the test does not know is an error, so that nothing is passed over.
func load(file string) (*recorded, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("load case: %w", err)
	}
	c := new(recorded)
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	d.UseNumber()
	if err := d.Decode(c); err != nil {
		return nil, fmt.Errorf("load case %s: %w", file, err)
	}
	return c, nil
}

// String tells steps apart in messages.
func (s *step) String() string {
	what := "sleep"
	switch {
	case s.Request != nil:
		what = s.Request.Method + " " + s.Request.Path
	case s.SSE != nil:
		what = "stream " + s.SSE.Open + s.SSE.Read + s.SSE.Close
	case s.Mail != nil:
		what = "mail " + s.Mail.To
	case s.OIDC != nil:
		what = "provider"
	}
	if s.Name != "" {
		return what + " (" + s.Name + ")"
	}
	return what
}
