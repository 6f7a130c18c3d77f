package httpx

import "strings"

// spellings are the ways to write one path: as it was sent, and with the collection's name and id in the place of whatever
// text named it. A rule for one of them is a rule for all. Unused ones are "".
type spellings [3]string

// ratePaths returns the spellings of a path as it was sent. Percent-encoding is undone and a slash at the end is dropped, so that
// neither makes another path of it.
func ratePaths(raw string, route *Route, id, name string) (s spellings) {
	s[0] = plain(raw)
	if id == "" || route == nil || route.Collection == "" {
		return s
	}
	at := segmentOf(route.Path, "{"+route.Collection+"}")
	for i, text := range [2]string{name, id} {
		if other, ok := withSegment(raw, at, text); ok && other != s[0] {
			s[i+1] = other
		}
	}
	return s
}

// plain is a path without percent-encoding and without a slash at its end.
func plain(raw string) string {
	text := raw
	if strings.IndexByte(raw, '%') >= 0 {
		if decoded, ok := unescape([]byte(raw), false); ok {
			text = decoded
		}
	}
	if len(text) > 1 {
		text = strings.TrimSuffix(text, "/")
	}
	return text
}

// segmentOf returns the position of a segment of a path, -1 when it has none like it.
func segmentOf(path, segment string) int {
	for i := 0; path != ""; i++ {
		var first string
		if first, path, _ = strings.Cut(path, "/"); first == segment {
			return i
		}
	}
	return -1
}

// withSegment returns a path, made plain, with another text as the segment at a position. The text needs no encoding.
func withSegment(raw string, at int, text string) (string, bool) {
	segments := strings.Split(raw, "/")
	if at < 0 || at >= len(segments) {
		return "", false
	}
	segments[at] = text
	return plain(strings.Join(segments, "/")), true
}
