package schema

import (
	"bytes"
	"path"
	"strings"
	"unicode"

	"github.com/gabriel-vasile/mimetype"
)

// Bounds of file names, in bytes.
const (
	maxOriginalName = 300
	maxNameBase     = 100
	minNameBase     = 3
	maxNameExt      = 20 // without the dot
	randomPart      = 10
)

// attributesSuffix is the end of the names under which the file store keeps what it knows of files, beside them. No file of a
// client may have such a name, in any case: there are file systems that do not tell them apart.
const attributesSuffix = ".attrs"

// StoredFileName returns a new name for an uploaded file: what is left of the original name in snake case, ten random
// characters, and the extension, which is found from head, the beginning of the content, when the original name has
// none. No two calls return the same name.
func StoredFileName(original string, head []byte) string {
	original = path.Base(original)
	if len(original) > maxOriginalName {
		original = original[len(original)-maxOriginalName:]
	}
	base, ext := splitExtension(original)
	if ext = cleanExtension(ext); ext == "" {
		ext = DetectType(head).Extension()
	}
	if strings.HasSuffix(strings.ToLower(ext), attributesSuffix) {
		ext += "_"
	}
	base = snakeCase(strings.Trim(base, "."))
	if len(base) < minNameBase {
		base += randomName(randomPart)
	} else if len(base) > maxNameBase {
		base = base[:maxNameBase]
	}
	return base + "_" + randomName(randomPart) + ext
}

// DetectType returns the type that a file looks like by the beginning of its content. An MP3 file may begin with a tag of any
// length, so that there is no sound in what is looked at.
func DetectType(head []byte) *mimetype.MIME {
	found := mimetype.Detect(head)
	if found.Is("application/octet-stream") && bytes.HasPrefix(head, []byte("ID3")) {
		return mimetype.Lookup("audio/mpeg")
	}
	return found
}

// splitExtension cuts off the last dot and what follows, or the last two of them when there are as many.
func splitExtension(name string) (base, ext string) {
	i := strings.LastIndexByte(name, '.')
	if i < 0 {
		return name, ""
	}
	if j := strings.LastIndexByte(name[:i], '.'); j >= 0 {
		i = j
	}
	return name[:i], name[i:]
}

// cleanExtension drops all characters but a few and the dots at both ends, and puts one dot in front of what is left, if
// anything is.
func cleanExtension(ext string) string {
	ext = strings.Map(func(r rune) rune {
		if isWordCharacter(r) || strings.ContainsRune(".*-+=#", r) {
			return r
		}
		return -1
	}, ext)
	ext = strings.Trim(ext, ".")
	if len(ext) >= maxNameExt {
		ext = strings.Trim(ext[len(ext)-maxNameExt:], ".")
	}
	if ext == "" {
		return ""
	}
	return "." + ext
}

func isWordCharacter(r rune) bool {
	return r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

// snakeCase joins the words of s by underscores, in lower case. A word ends before everything that is no ASCII letter or
// digit, and before an upper-case letter that follows one that is none.
func snakeCase(s string) string {
	var b strings.Builder
	var last rune // of the word so far, 0 at its start
	for _, r := range s {
		if !isWordCharacter(r) || r == '_' {
			last = 0
			continue
		}
		if b.Len() > 0 && (last == 0 || unicode.IsUpper(r) && !unicode.IsUpper(last)) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
		last = r
	}
	return b.String()
}
