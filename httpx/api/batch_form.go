package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/troupebase/troupe/storage/validation"
)

// maxBatchURL is how many characters the url of a batch item may have (records.md 13).
const maxBatchURL = 2000

// batchMethods are the methods a batch item may name; which of them do something depends on the url.
var batchMethods = []string{"GET", "POST", "PUT", "PATCH", "DELETE"}

// batchItem is one request inside a batch.
type batchItem struct {
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
	Body    map[string]any    `json:"body"`
}

// batchForm is the body of POST /api/batch.
type batchForm struct {
	Requests []*batchItem `json:"requests"`
}

// errNullItem says that an element of a batch is null.
var errNullItem = errors.New("a batch element is null")

// decodeBatch reads the JSON of a batch. Text after the first value is ignored, as in every JSON body.
func decodeBatch(raw []byte) (*batchForm, error) {
	form := new(batchForm)
	if len(bytes.TrimSpace(raw)) == 0 {
		return form, nil
	}
	if err := json.NewDecoder(bytes.NewReader(raw)).Decode(form); err != nil {
		return nil, fmt.Errorf("read batch: %w", err)
	}
	if slices.Contains(form.Requests, nil) {
		return nil, errNullItem
	}
	return form, nil
}

// validate checks the form before anything is run. Failures are keyed as the client sent them.
func (f *batchForm) validate(maxRequests int) validation.Errors {
	if len(f.Requests) == 0 {
		return validation.Errors{"requests": validation.Required}
	}
	if len(f.Requests) > maxRequests {
		return validation.Errors{"requests": tooLong(maxRequests)}
	}
	items := validation.Errors{}
	for i, r := range f.Requests {
		items.Set(strconv.Itoa(i), r.validate())
	}
	if len(items) == 0 {
		return nil
	}
	return validation.Errors{"requests": items}
}

func (r *batchItem) validate() validation.Errors {
	errs := validation.Errors{}
	switch {
	case r.Method == "":
		errs["method"] = validation.Required
	case !slices.Contains(batchMethods, r.Method):
		errs["method"] = validation.New("validation_in_invalid", "Must be a valid value.")
	}
	switch {
	case r.URL == "":
		errs["url"] = validation.Required
	case len(r.URL) > maxBatchURL:
		errs["url"] = tooLong(maxBatchURL)
	}
	return errs
}

func tooLong(limit int) *validation.Error {
	return validation.New("validation_length_too_long", fmt.Sprintf("The length must be no more than %d.", limit)).
		With(map[string]any{"min": 0, "max": limit})
}

// batchTarget is what the url of a batch item points at.
type batchTarget struct {
	collection string
	id         string // "" for the collection's records as a whole; not percent-decoded
	query      url.Values
}

// target takes the url of an item apart. ok is false when method and url together are no supported action.
func (r *batchItem) target() (t batchTarget, ok bool) {
	path, query, _ := strings.Cut(r.URL, "?")
	parts := strings.Split(path, "/")
	if len(parts) < 5 || parts[0] != "" || parts[1] != "api" || parts[2] != "collections" || parts[3] == "" || parts[4] != "records" {
		return t, false
	}
	t.collection = parts[3]
	if name, err := url.PathUnescape(t.collection); err == nil {
		t.collection = name
	}
	// A pair with broken escaping is left out, as in the query of a single request.
	t.query, _ = url.ParseQuery(query)
	switch r.Method {
	case "POST", "PUT":
		return t, len(parts) == 5
	case "PATCH", "DELETE":
		if len(parts) == 6 && parts[5] != "" {
			t.id = parts[5]
			return t, true
		}
	}
	return t, false
}

// uploadTarget takes the part name of an upload in a batch apart: requests.N.field or requests[N].field.
func uploadTarget(part string) (item int, field string, ok bool) {
	rest, found := strings.CutPrefix(part, "requests")
	if !found {
		return 0, "", false
	}
	var number string
	switch {
	case strings.HasPrefix(rest, "."):
		number, field, found = strings.Cut(rest[1:], ".")
	case strings.HasPrefix(rest, "["):
		number, field, found = strings.Cut(rest[1:], "].")
	default:
		return 0, "", false
	}
	item, err := strconv.Atoi(number)
	if !found || err != nil || item < 0 || field == "" {
		return 0, "", false
	}
	return item, field, true
}
