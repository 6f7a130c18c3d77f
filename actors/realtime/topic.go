package realtime

import (
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/troupebase/troupe/storage/filter"
)

// topic is a text that clients listen to, and who does. What it says never changes; who listens belongs to the index.
type topic struct {
	text string // as it was sent: the name of its events
	base string // what is in front of the tail
	// all tells that it is about every record of a collection, and so goes by the list rule.
	all     bool
	options options

	members map[*client]struct{}
	built   *builtAudiences // nil when somebody came or went since
}

// options are what the tail of a topic asks for. The zero value asks for nothing.
type options struct {
	query, headers         map[string]string
	expand, fields, filter string
}

// parseTopic takes a subscription apart. Every text is a topic, one that matches nothing never fires.
func parseTopic(text string) *topic {
	base, tail, _ := strings.Cut(text, "?")
	_, record, split := strings.Cut(base, "/")
	t := &topic{text: text, base: base, all: !split || record == "*", members: make(map[*client]struct{})}
	if tail != "" {
		t.options = parseOptions(tail)
	}
	return t
}

// parseOptions reads the key "options" of a query. What cannot be read asks for nothing.
func parseOptions(tail string) options {
	values, err := url.ParseQuery(tail)
	if err != nil && values == nil {
		return options{}
	}
	var raw struct {
		Query   json.RawMessage `json:"query"`
		Headers json.RawMessage `json:"headers"`
	}
	if json.Unmarshal([]byte(values.Get("options")), &raw) != nil {
		return options{}
	}
	o := options{query: texts(raw.Query, strings.Clone), headers: texts(raw.Headers, filter.HeaderName)}
	o.expand, o.fields, o.filter = o.query["expand"], o.query["fields"], o.query["filter"]
	return o
}

// texts reads an object of scalars as texts. Anything else than an object is none.
func texts(raw json.RawMessage, name func(string) string) map[string]string {
	var object map[string]any
	if json.Unmarshal(raw, &object) != nil || len(object) == 0 {
		return nil
	}
	out := make(map[string]string, len(object))
	for key, v := range object {
		out[name(key)] = text(v)
	}
	return out
}

func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}

// plain tells that the topic's message depends on nothing but the record and the rule.
func (t *topic) plain() bool { return t.options.expand == "" && t.options.filter == "" }

// request is what rules and filters see when a change is judged for somebody.
func (t *topic) request(who *filter.Identity, now time.Time) *filter.Request {
	return &filter.Request{
		Context: "realtime", Method: "GET", Auth: who, Now: now,
		Query:  lookUp(t.options.query),
		Header: lookUp(t.options.headers),
	}
}

func lookUp(values map[string]string) func(string) (string, bool) {
	if len(values) == 0 {
		return nil
	}
	return func(name string) (string, bool) {
		v, ok := values[name]
		return v, ok
	}
}
