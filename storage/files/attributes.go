package files

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
)

// maxOriginalName is how many bytes of a client's file name are kept in the sidecar (files.md 1.1).
const maxOriginalName = 255

// sidecarSuffix marks the file that holds the attributes of its neighbour; keys that end in it are refused.
const sidecarSuffix = ".attrs"

// defaultType is the content type of a file without a sidecar.
const defaultType = "application/octet-stream"

// Attributes is what is known of a stored file beside its bytes.
type Attributes struct {
	// ContentType is the sniffed type with its parameters, for example "text/plain; charset=utf-8".
	ContentType string
	// OriginalName is the client's name of the file, cut to 255 bytes; "" when unknown.
	OriginalName string
	// MD5 is the digest of the bytes, nil when unknown.
	MD5 []byte
}

type sidecar struct {
	CacheControl       string            `json:"user.cache_control"`
	ContentDisposition string            `json:"user.content_disposition"`
	ContentEncoding    string            `json:"user.content_encoding"`
	ContentLanguage    string            `json:"user.content_language"`
	ContentType        string            `json:"user.content_type"`
	Metadata           map[string]string `json:"user.metadata"`
	MD5                []byte            `json:"md5"`
}

// originalNameKey is the metadata key under which the client's name is kept.
const originalNameKey = "original-filename"

func (a Attributes) encode() ([]byte, error) {
	side := sidecar{ContentType: a.ContentType, MD5: a.MD5}
	if a.OriginalName != "" {
		name := a.OriginalName
		if len(name) > maxOriginalName {
			name = name[:maxOriginalName]
		}
		side.Metadata = map[string]string{originalNameKey: name}
	}
	b, err := json.Marshal(side)
	if err != nil {
		return nil, fmt.Errorf("encode attributes: %w", err)
	}
	return append(b, '\n'), nil
}

// readAttributes reads the sidecar of path. A missing one gives the default type; one that is no JSON object makes the
// file unreadable, as the data directory's format says.
func readAttributes(path string) (Attributes, error) {
	raw, err := os.ReadFile(path + sidecarSuffix)
	if os.IsNotExist(err) {
		return Attributes{ContentType: defaultType}, nil
	}
	if err != nil {
		return Attributes{}, fmt.Errorf("read attributes: %w", err)
	}
	if !bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) {
		return Attributes{}, fmt.Errorf("%w: attributes of %s are no object", ErrNotFound, path)
	}
	var side struct {
		ContentType string            `json:"user.content_type"`
		Metadata    map[string]string `json:"user.metadata"`
		MD5         string            `json:"md5"`
	}
	if err := json.Unmarshal(raw, &side); err != nil {
		return Attributes{}, fmt.Errorf("%w: attributes of %s: %v", ErrNotFound, path, err)
	}
	sum, err := base64.StdEncoding.DecodeString(side.MD5)
	if err != nil || len(sum) == 0 {
		sum = nil
	}
	return Attributes{ContentType: side.ContentType, OriginalName: side.Metadata[originalNameKey], MD5: sum}, nil
}
