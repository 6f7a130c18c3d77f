package realtime

import (
	"encoding/json"
	"maps"
	"net/url"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/troupebase/troupe/storage/filter"
)

// topic is a text that clients listen to, and who does. What it says never changes; who listens belongs to the index.
type topic struct {
	text string // as it was sent: the name of its events
	// bucket is the key of the topics that fire together: what may name a collection, or with "/" and an id one record.
	bucketKey string
	// all tells that it is about every record of a collection, and so goes by the list rule.
	all     bool
	options options
	work    int   // what judging a change for one audience costs, see workOf
	size    int64 // the bytes that it keeps

	// Under the hub's lock.
	bucket    *bucket // nil while nobody listens
	at        int     // its place in bucket.topics
	division  *division
	audiences []*audience
	byKey     map[string]*audience // of audiences, when there are many
	payer     *client              // who brought the bytes
	account   string               // who is charged for them
}

// options are what the tail of a topic asks for. The zero value asks for nothing.
type options struct {
	query, headers         []pair // by name
	expand, fields, filter string
}

// pair is a value with its name.
type pair struct{ name, value string }

// parseTopic takes a subscription apart. Every text is a topic, one that matches nothing never fires. The topic keeps nothing
// of text.
func parseTopic(text string) *topic {
	text = strings.Clone(text)
	base, tail, _ := strings.Cut(text, "?")
	collection, record, split := strings.Cut(base, "/")
	t := &topic{text: text, bucketKey: base, all: !split || record == "*"}
	if t.all {
		t.bucketKey = collection
	}
	if tail != "" {
		t.options = parseOptions(tail)
	}
	t.work, t.size = workOf(t, tail != ""), sizeOf(t)
	return t
}

// parseTopics returns the topics of a subscription, each once. Empty texts are none.
func parseTopics(texts []string) []*topic {
	list := make([]*topic, 0, len(texts))
	seen := make(map[string]struct{}, len(texts))
	for _, text := range texts {
		if _, again := seen[text]; again || text == "" {
			continue
		}
		seen[text] = struct{}{}
		list = append(list, parseTopic(text))
		if len(list)%32 == 0 {
			runtime.Gosched() // as in judgeOn
		}
	}
	return list
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
	o := options{query: pairsOf(raw.Query, strings.Clone), headers: pairsOf(raw.Headers, filter.HeaderName)}
	o.expand, _ = valueOf(o.query, "expand")
	o.fields, _ = valueOf(o.query, "fields")
	o.filter, _ = valueOf(o.query, "filter")
	return o
}

// pairsOf reads an object of scalars as texts. Anything else than an object is none.
func pairsOf(raw json.RawMessage, name func(string) string) []pair {
	var object map[string]any
	if json.Unmarshal(raw, &object) != nil || len(object) == 0 {
		return nil
	}
	texts := make(map[string]string, len(object))
	for key, v := range object {
		texts[name(key)] = text(v)
	}
	out := make([]pair, 0, len(texts))
	for _, key := range slices.Sorted(maps.Keys(texts)) {
		out = append(out, pair{key, texts[key]})
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

func valueOf(list []pair, name string) (string, bool) {
	i, ok := slices.BinarySearchFunc(list, name, func(p pair, name string) int { return strings.Compare(p.name, name) })
	if !ok {
		return "", false
	}
	return list[i].value, true
}

// plain tells that the topic's message depends on nothing but the record and the rule.
func (t *topic) plain() bool { return t.options.expand == "" && t.options.filter == "" }

// reference is what may name the collection, by name or id.
func (t *topic) reference() string { return referenceOf(t.bucketKey) }

func referenceOf(key string) string {
	collection, _, _ := strings.Cut(key, "/")
	return collection
}

// request is what rules and filters see when a change is judged for somebody.
func (t *topic) request(who *filter.Identity, now time.Time) *filter.Request {
	return &filter.Request{Context: "realtime", Method: "GET", Auth: who, Now: now, Source: &t.options}
}

// Query implements filter.Source.
func (o *options) Query(name string) (string, bool) { return valueOf(o.query, name) }

// Header implements filter.Source.
func (o *options) Header(name string) (string, bool) { return valueOf(o.headers, name) }

// CopyTo implements filter.Source.
func (o *options) CopyTo(s *filter.Snapshot) {
	for _, p := range o.query {
		s.AddQuery(p.name, p.value)
	}
	for _, p := range o.headers {
		s.AddHeader([]byte(p.name), []byte(p.value))
	}
}
