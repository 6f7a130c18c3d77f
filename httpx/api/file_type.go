package api

import (
	"path"
	"slices"
	"strings"
)

// unknownType is sent where name and content of a file contradict one another.
const unknownType = "application/octet-stream"

// namedTypes are sent by extension, because sniffing does not tell them apart from what they are written in. Those that a
// browser runs or applies list the types that such a file may look like.
var namedTypes = map[string]struct {
	served string
	looks  []string // nil for any
}{
	".svg":  {"image/svg+xml", []string{"image/svg+xml", "text/xml", "text/plain"}},
	".css":  {"text/css", []string{"text/plain", "text/css"}},
	".js":   {"text/javascript", scriptLooks},
	".mjs":  {"text/javascript", scriptLooks},
	".xlsx": {"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", nil},
	".docx": {"application/vnd.openxmlformats-officedocument.wordprocessingml.document", nil},
	".pptx": {"application/vnd.openxmlformats-officedocument.presentationml.presentation", nil},
}

var scriptLooks = []string{"text/plain", "text/javascript", "application/javascript"}

// activeTypes are those of content that a browser runs, or that may hold what it runs.
var activeTypes = []string{"text/html", "application/xhtml+xml", "image/svg+xml", "text/javascript", "application/javascript"}

// inertNames are extensions that promise a picture, a sound, a film or plain data.
var inertNames = []string{
	".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".ico", ".avif", ".tif", ".tiff", ".mp3", ".wav", ".ogg", ".flac", ".m4a", ".aac",
	".mp4", ".webm", ".mov", ".avi", ".mkv", ".pdf", ".zip", ".gz", ".json", ".csv",
}

// servedType is the content type that a stored file is sent with: by extension or else as its content looked when it was
// stored, and none in particular where one of the two says that a browser may run it and the other that there is nothing to
// run. A picture that is also a script passes as neither.
func servedType(name, stored string) string {
	look, _, _ := strings.Cut(stored, ";")
	ext := path.Ext(name)
	if named, ok := namedTypes[ext]; ok {
		if named.looks != nil && !slices.Contains(named.looks, look) {
			return unknownType
		}
		return named.served
	}
	if slices.Contains(activeTypes, look) && slices.Contains(inertNames, strings.ToLower(ext)) {
		return unknownType
	}
	return stored
}
