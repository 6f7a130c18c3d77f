package schema

import (
	"regexp"
	"slices"
	"strconv"

	"github.com/troupebase/troupe/storage/validation"
)

// Email and URL fields have the same two lists of domains.

// domainPattern is the reference's idea of a domain, its oddities included.
var domainPattern = regexp.MustCompile(
	`^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-z0-9])?\.)+(?:[a-zA-Z]{1,63}| xn--[a-z0-9]{1,59})$`)

var errDomain = validation.New("validation_is_domain", "Must be a valid domain.")

func domainAllowed(domain string, except, only []string) bool {
	if len(only) > 0 && !slices.Contains(only, domain) {
		return false
	}
	return !slices.Contains(except, domain)
}

func checkDomainLists(except, only []string, errs validation.Errors) {
	if len(except) > 0 && len(only) > 0 {
		errs.Set("exceptDomains", errEmpty)
		errs.Set("onlyDomains", errEmpty)
		return
	}
	errs.Set("exceptDomains", checkDomains(except))
	errs.Set("onlyDomains", checkDomains(only))
}

func checkDomains(list []string) validation.Errors {
	errs := validation.Errors{}
	for i, domain := range list {
		if domain != "" && (len(domain) > 255 || !domainPattern.MatchString(domain)) {
			errs.Set(strconv.Itoa(i), errDomain)
		}
	}
	return errs
}
