package httpx

import "bytes"

// splitURI separates a request target into its raw path and raw query. The absolute form (http://host/path) loses scheme
// and host; "*" and other targets without a path get the path "/".
func splitURI(uri []byte) (path, query []byte) {
	if len(uri) == 0 || uri[0] != '/' {
		if i := bytes.Index(uri, []byte("://")); i >= 0 {
			uri = uri[i+3:]
			if j := bytes.IndexAny(uri, "/?"); j >= 0 {
				uri = uri[j:]
			} else {
				uri = nil
			}
		} else {
			uri = nil
		}
	}
	if i := bytes.IndexByte(uri, '#'); i >= 0 {
		uri = uri[:i]
	}
	path, query, _ = bytes.Cut(uri, []byte{'?'})
	if len(path) == 0 {
		path = slash
	}
	return path, query
}

// clean tells whether path has no empty, "." or ".." segment; a trailing slash is no empty segment. Encoded dots and
// slashes are ordinary characters.
func clean(path []byte) bool {
	start := 1
	for i := 1; i <= len(path); i++ {
		if i < len(path) && path[i] != '/' {
			continue
		}
		switch segment := path[start:i]; {
		case len(segment) == 0 && i < len(path),
			len(segment) == 1 && segment[0] == '.',
			len(segment) == 2 && segment[0] == '.' && segment[1] == '.':
			return false
		}
		start = i + 1
	}
	return true
}

// cleaned resolves empty, "." and ".." segments without leaving the root and keeps a trailing slash.
func cleaned(path []byte) []byte {
	out := make([]byte, 0, len(path)+1)
	segments := bytes.Split(path, slash)
	for i, segment := range segments {
		switch string(segment) {
		case "", ".":
		case "..":
			if j := bytes.LastIndexByte(out, '/'); j >= 0 {
				out = out[:j]
			}
		default:
			out = append(append(out, '/'), segment...)
			continue
		}
		if i == len(segments)-1 && len(segment) == 0 {
			out = append(out, '/')
		}
	}
	if len(out) == 0 {
		return []byte{'/'}
	}
	return out
}

// wellFormed tells whether every % in s is followed by two hexadecimal digits.
func wellFormed(s []byte) bool {
	for i := bytes.IndexByte(s, '%'); i >= 0; {
		if i+2 >= len(s) || unhex(s[i+1]) < 0 || unhex(s[i+2]) < 0 {
			return false
		}
		s = s[i+3:]
		i = bytes.IndexByte(s, '%')
	}
	return true
}

// unescape decodes percent-encoding once, and with plus also '+' as a blank. The result is a copy.
func unescape(s []byte, plus bool) (string, bool) {
	if bytes.IndexByte(s, '%') < 0 && (!plus || bytes.IndexByte(s, '+') < 0) {
		return string(s), true
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '%':
			if i+2 >= len(s) {
				return "", false
			}
			hi, lo := unhex(s[i+1]), unhex(s[i+2])
			if hi < 0 || lo < 0 {
				return "", false
			}
			out = append(out, byte(hi<<4|lo))
			i += 2
		case plus && s[i] == '+':
			out = append(out, ' ')
		default:
			out = append(out, s[i])
		}
	}
	return string(out), true
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// nextPair cuts the first pair off a raw query or urlencoded body. ok is false for a pair that is empty, holds a
// semicolon or is not well encoded; such a pair has no meaning.
func nextPair(raw []byte) (key, value, rest []byte, ok bool) {
	pair, rest, _ := bytes.Cut(raw, []byte{'&'})
	if len(pair) == 0 || bytes.IndexByte(pair, ';') >= 0 {
		return nil, nil, rest, false
	}
	key, value, _ = bytes.Cut(pair, []byte{'='})
	return key, value, rest, wellFormed(pair)
}

// lookup returns the first value of name in a raw query.
func lookup(raw []byte, name string) (string, bool) {
	for len(raw) > 0 {
		var key, value []byte
		var ok bool
		if key, value, raw, ok = nextPair(raw); !ok {
			continue
		}
		if string(key) != name {
			if bytes.IndexByte(key, '%') < 0 && bytes.IndexByte(key, '+') < 0 {
				continue
			}
			if text, _ := unescape(key, true); text != name {
				continue
			}
		}
		text, _ := unescape(value, true)
		return text, true
	}
	return "", false
}
