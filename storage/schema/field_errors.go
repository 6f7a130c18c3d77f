package schema

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/troupebase/troupe/storage/validation"
)

// maxSafeInt is the largest number that a JavaScript client keeps exactly, and the bound of settings that are sizes.
const maxSafeInt = 1<<53 - 1

// Failures that checks of settings share.
var (
	errEmpty = validation.New("validation_empty", "Must be blank.")
	errMatch = validation.New("validation_match_invalid", "Must be in a valid format.")
	errNotIn = validation.New("validation_not_in_invalid", "Must not be in list.")
	errIn    = validation.New("validation_in_invalid", "Must be a valid value.")
	errVia   = validation.New("validation_found_via", `The value cannot contain "_via_".`)
)

// wordPattern is what names and ids of collections and names of fields match.
var wordPattern = regexp.MustCompile(`^\w+$`)

func errLength(min, max int) *validation.Error {
	return validation.New("validation_length_out_of_range", fmt.Sprintf("The length must be between %d and %d.", min, max)).
		With(map[string]any{"min": min, "max": max})
}

// errMin and errMax take a number or the text of a moment in the message, and its form in the params.
func errMin(n, param any) *validation.Error {
	return validation.New("validation_min_greater_equal_than_required", fmt.Sprintf("Must be no less than %v.", n)).
		With(map[string]any{"threshold": param})
}

func errMax(n, param any) *validation.Error {
	return validation.New("validation_max_less_equal_than_required", fmt.Sprintf("Must be no greater than %v.", n)).
		With(map[string]any{"threshold": param})
}

// within checks a size or a count: 0 passes, as everywhere where 0 means "not set".
func within(n, min, max int64) error {
	switch {
	case n == 0:
		return nil
	case n < min:
		return errMin(min, min)
	case n > max:
		return errMax(max, max)
	}
	return nil
}

// checkRegexp returns the failure of an expression that does not compile.
func checkRegexp(pattern string) error {
	if _, err := regexp.Compile(pattern); err != nil {
		return validation.New("validation_invalid_regex", err.Error())
	}
	return nil
}

// validateCommon checks the settings that all field types have, "id", "name" and "help". The ValidateOptions of every
// field type begins with it. The result is never nil.
func validateCommon(f Field) validation.Errors {
	c := f.Base()
	errs := validation.Errors{}
	switch {
	case c.ID == "":
		errs.Set("id", validation.Required)
	case len(c.ID) > 100:
		errs.Set("id", errLength(1, 100))
	}
	errs.Set("name", checkFieldName(c.Name))
	if len(c.Help) > 300 {
		errs.Set("help", errLength(1, 300))
	}
	return errs
}

func checkFieldName(name string) error {
	switch {
	case name == "":
		return validation.Required
	case len(name) > 100:
		return errLength(1, 100)
	case !wordPattern.MatchString(name):
		return errMatch
	}
	switch name {
	case "null", "true", "false", "_rowid_", "collectionId", "collectionName", "expand":
		return errNotIn
	}
	if strings.Contains(strings.ToLower(name), "_via_") {
		return errVia
	}
	return nil
}
