package wasmhost

import (
	"fmt"
	"slices"
	"strings"
)

// features are what a description may say that it requires: what was added to version 1 of the ABI after guests had been made for it. A server
// that does not know one of them refuses the file, where it would otherwise do without what the author relies on.
var features = []string{"atomic", "transactions", "pass_on", "error_status"}

// maxRequires is how many features a description may name, and maxFeature how long a name may be that is repeated in an error.
const (
	maxRequires = 64
	maxFeature  = 80
)

// checkRequires accepts the features that this server has, and names those that it does not.
func checkRequires(names []string) error {
	if len(names) > maxRequires {
		return fmt.Errorf("it requires %d features, more than %d", len(names), maxRequires)
	}
	var unknown []string
	for _, name := range names {
		if !slices.Contains(features, name) {
			unknown = append(unknown, fmt.Sprintf("%q", cut(name, maxFeature)))
		}
	}
	if unknown == nil {
		return nil
	}
	return fmt.Errorf("it requires %s, which this server does not have (it has %s)", strings.Join(unknown, ", "), strings.Join(features, ", "))
}
