package wasmhost_test

import (
	"testing"

	"github.com/troupebase/troupe/wasmhost"
)

func TestParseGrant(t *testing.T) {
	for text, want := range map[string]wasmhost.Grant{
		"hooks:headers.secret": wasmhost.SecretHeaders, "a-1:auth.credentials": wasmhost.Credentials,
		"": "", "headers.secret": "", "hooks:": "", ":headers.secret": "", "hooks:headers": "", "Hooks:headers.secret": "", "hooks:headers.secret:x": "",
	} {
		name, g, err := wasmhost.ParseGrant(text)
		if g != want || (err == nil) != (want != "") || (name == "") != (want == "") {
			t.Errorf("%q is %q of %q: %v", text, g, name, err)
		}
	}
}
