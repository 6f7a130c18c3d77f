package contract_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"slices"
	"strings"
)

// maxShown is how much of a value stands in a message.
const maxShown = 300

// comparison is that of one answer with what was recorded.
type comparison struct {
	world       *world
	unordered   []string
	differences []string
}

// compare returns how an answer differs from what a step expects.
func (w *world) compare(s *step, got *answer) []string {
	if s.Expect == nil {
		return nil
	}
	c := &comparison{world: w, unordered: s.Unordered}
	if s.Expect.Status != got.status {
		c.differ("status", s.Expect.Status, got.status)
	}
	if s.OnlyStatus {
		return c.differences
	}
	for name, want := range s.Expect.Headers {
		have := got.header.Get(name)
		if strings.EqualFold(name, "Content-Type") {
			want, have = mediaType(want), mediaType(have)
		}
		if !w.bound.matchText(w.fill(want), have) {
			c.differ("header "+name, want, have)
		}
	}
	body := got.body
	for _, path := range s.Ignore {
		body = without(body, pathSteps(path))
	}
	c.match("$", s.Expect.Body, body)
	return c.differences
}

// mediaType is a Content-Type without its parameters.
func mediaType(s string) string {
	kind, _, _ := mime.ParseMediaType(s)
	return kind
}

func (c *comparison) differ(at string, want, got any) {
	c.differences = append(c.differences, fmt.Sprintf("%s: want %s, got %s", at, shown(want), shown(got)))
}

func shown(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return clip(string(text))
}

func clip(s string) string {
	if len(s) > maxShown {
		return s[:maxShown] + "…"
	}
	return s
}

func (c *comparison) match(at string, want, got any) {
	equal := false
	switch w := want.(type) {
	case map[string]any:
		if g, ok := got.(map[string]any); ok {
			c.matchObject(at, w, g)
			return
		}
	case []any:
		if g, ok := got.([]any); ok && len(g) == len(w) {
			c.matchArray(at, w, g)
			return
		}
	case string:
		g, ok := got.(string)
		equal = ok && c.world.bound.matchText(c.world.fill(w), g)
	case json.Number:
		g, ok := got.(json.Number)
		equal = ok && sameNumber(w, g)
	default:
		equal = want == got
	}
	if !equal {
		c.differ(at, want, got)
	}
}

func sameNumber(a, b json.Number) bool {
	x, errX := a.Float64()
	y, errY := b.Float64()
	return errX == nil && errY == nil && x == y
}

// matchObject pairs keys that are equal first; a key with a placeholder takes the first of the others whose name fits.
func (c *comparison) matchObject(at string, want, got map[string]any) {
	left := maps.Clone(got)
	var shaped []string
	for _, name := range slices.Sorted(maps.Keys(want)) {
		key := c.world.fill(name)
		value, ok := left[key]
		switch {
		case ok:
			delete(left, key)
			c.match(at+"."+key, want[name], value)
		case shape.MatchString(key):
			shaped = append(shaped, name)
		default:
			c.differences = append(c.differences, fmt.Sprintf("%s.%s is missing, want %s", at, key, shown(want[name])))
		}
	}
	for _, name := range shaped {
		key, found := c.shapedKey(name, left)
		if !found {
			c.differences = append(c.differences, fmt.Sprintf("%s has no key like %s", at, name))
			continue
		}
		c.match(at+"."+key, want[name], left[key])
		delete(left, key)
	}
	for _, key := range slices.Sorted(maps.Keys(left)) {
		c.differences = append(c.differences, fmt.Sprintf("%s.%s is there, it should not: %s", at, key, shown(left[key])))
	}
}

func (c *comparison) shapedKey(name string, left map[string]any) (string, bool) {
	for _, key := range slices.Sorted(maps.Keys(left)) {
		if c.world.bound.matchText(c.world.fill(name), key) {
			return key, true
		}
	}
	return "", false
}

func (c *comparison) matchArray(at string, want, got []any) {
	if !slices.Contains(c.unordered, at) {
		for i := range want {
			c.match(fmt.Sprintf("%s[%d]", at, i), want[i], got[i])
		}
		return
	}
	left := slices.Clone(got)
	for i, element := range want {
		j := slices.IndexFunc(left, func(v any) bool { return c.fits(at, element, v) })
		if j < 0 {
			c.differences = append(c.differences, fmt.Sprintf("%s[%d]: no element like %s", at, i, shown(element)))
			continue
		}
		left = slices.Delete(left, j, j+1)
	}
}

// fits tries an element of a set: what it binds counts only if it matches.
func (c *comparison) fits(at string, want, got any) bool {
	before := maps.Clone(c.world.bound)
	try := &comparison{world: c.world, unordered: c.unordered}
	try.match(at, want, got)
	if len(try.differences) > 0 {
		c.world.bound = before
		return false
	}
	return true
}
