package schema

import (
	"encoding/json"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/troupebase/troupe/storage/validation"
)

// plainCodes are the general checks. Inside other messages their sentences appear as a phrase, those of the checks
// that know collections as they are.
var plainCodes = map[string]bool{
	"validation_required": true, "validation_empty": true, "validation_nil": true,
	"validation_nil_or_not_empty_required": true, "validation_match_invalid": true, "validation_in_invalid": true,
	"validation_not_in_invalid": true, "validation_length_out_of_range": true, "validation_length_too_long": true,
	"validation_min_greater_equal_than_required": true, "validation_max_less_equal_than_required": true,
	"validation_is_domain": true, "validation_is_url": true, "validation_is_email": true,
}

// rawText returns a message as it reads inside another one.
func rawText(err error) string {
	var failure *validation.Error
	if !errors.As(err, &failure) || !plainCodes[failure.Code] {
		return err.Error()
	}
	text := strings.TrimSuffix(failure.Message, ".")
	r, n := utf8.DecodeRuneInString(text)
	return string(unicode.ToLower(r)) + text[n:]
}

// rawTree returns all messages of a tree as indented JSON.
func rawTree(errs validation.Errors) string {
	raw, err := json.MarshalIndent(rawValues(errs), "", "  ")
	if err != nil {
		return errs.Error()
	}
	return string(raw)
}

func rawValues(errs validation.Errors) map[string]any {
	out := make(map[string]any, len(errs))
	for key, err := range errs {
		if tree, ok := err.(validation.Errors); ok {
			out[key] = rawValues(tree)
		} else {
			out[key] = rawText(err)
		}
	}
	return out
}
