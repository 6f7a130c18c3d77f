package wasmhost

import "testing"

func TestParseGrant(t *testing.T) {
	for text, want := range map[string]Grant{
		"hooks:headers.secret": SecretHeaders, "a-1:auth.credentials": Credentials,
		"": "", "headers.secret": "", "hooks:": "", ":headers.secret": "", "hooks:headers": "", "Hooks:headers.secret": "", "hooks:headers.secret:x": "",
	} {
		name, g, err := ParseGrant(text)
		if g != want || (err == nil) != (want != "") || (name == "") != (want == "") {
			t.Errorf("%q is %q of %q: %v", text, g, name, err)
		}
	}
}

// A grant takes both: the extension's wish and the operator's word.
func TestGrantsTakeBoth(t *testing.T) {
	for _, x := range []struct {
		asked, given []Grant
		want         bool
	}{
		{nil, nil, false}, {[]Grant{Credentials}, nil, false}, {nil, []Grant{Credentials}, false},
		{[]Grant{Credentials}, []Grant{SecretHeaders}, false}, {[]Grant{SecretHeaders, Credentials}, []Grant{Credentials}, true},
	} {
		d := &description{name: "a", permissions: Permissions{Grants: x.asked}}
		if got := len(d.granted(map[string][]Grant{"a": x.given, "b": grants})) == 1; got != x.want {
			t.Errorf("asked for %v, given %v: %v", x.asked, x.given, got)
		}
	}
}
