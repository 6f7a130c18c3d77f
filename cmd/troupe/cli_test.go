package main_test

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"
)

// TestCommandLine follows one data directory through the commands: answers go to stdout with status 0, failures to stderr
// with another status, and flags may stand before and after a command.
func TestCommandLine(t *testing.T) {
	dir := t.TempDir() + "/data"
	for _, tt := range []struct {
		line         string
		stdout, fail string // the beginning of what is printed; fail is on stderr
	}{
		{"superuser create a@x.test 12345678 --dir=DIR", `Successfully created new superuser "a@x.test"!`, ""},
		{"--dir DIR superuser create a@x.test 12345678", "", "Error: failed to create new superuser account: email: Value must be unique."},
		{"--dir DIR superuser upsert a@x.test 87654321", `Successfully saved superuser "a@x.test"!`, ""},
		{"superuser update a@x.test 1 --dir DIR", "", `Error: failed to change superuser "a@x.test" password: password: Must be at least 8 character(s).`},
		{"superuser update b@x.test 12345678 --dir DIR", "", `Error: superuser with email "b@x.test" doesn't exist`},
		{"superuser upsert a@x.test --dir DIR", "", "Error: missing email and password arguments"},
		{"superuser upsert a 12345678 --dir DIR", "", "Error: missing or invalid email address"},
		{"superuser delete --dir DIR", "", "Error: invalid or missing email address"},
		{"superuser delete b@x.test --dir DIR", "", `Error: superuser "b@x.test" is missing or already deleted`},
		{"superuser delete a@x.test --dir DIR", "", `Error: failed to delete superuser "a@x.test": You can't delete the only existing superuser.`},
		{"superuser otp a@x.test --dir DIR", "", "Error: OTP auth is not enabled for the _superusers collection"},
		{"superuser otp b@x.test --dir DIR", "", `Error: superuser with email "b@x.test" doesn't exist`},
		{"superuser otp a --dir DIR", "", "Error: invalid or missing email address"},
		{"superuser ips 10.0.0.1 10.1.0.0/16 --dir DIR", "Successfully updated SuperuserIPs setting:\n├─ 10.0.0.1\n└─ 10.1.0.0/16\n", ""},
		{"superuser ips nope --dir DIR", "", "Error: superuserIPs: (0: invalid IP or CIDR subnet.)."},
		{"superuser ips --dir DIR", "Successfully cleared SuperuserIPs setting!", ""},
		{"superuser nope --dir DIR", "", `Error: unknown command "nope"`},
		{"nope", "", `Error: unknown command "nope"`},
		{"srve", "", "Error: unknown command \"srve\" for \"troupe\"\n\nDid you mean this?\n\tserve\n"},
		{"srve --http 127.0.0.1:1", "", "Error: unknown command \"srve\" for \"troupe\"\n\nDid you mean this?\n\tserve\n"},
		{"superuser updat", "", "Error: unknown command \"updat\" for \"troupe superuser\"\n\nDid you mean this?\n\tupdate\n"},
		{"--nope", "", "Error: unknown flag: --nope\n"},
		{"serve --htp=1", "", "Error: unknown flag: --htp\n\nDid you mean this?\n\t--help\n\t--http\n"},
		{"serve --no-expandall", "", "Error: unknown flag: --no-expandall\n\nDid you mean this?\n\t--no-expand-all\n"},
		{"superuser ips --dri=DIR", "", "Error: unknown flag: --dri\n\nDid you mean this?\n\t--dev\n\t--dir\n"},
		{"serve -dir DIR", "", "Error: unknown shorthand flag: 'd' in -dir\n\nDid you mean this?\n\t--dir\n"},
		{"serve --queryTimeout abc", "", `Error: invalid argument "abc" for "--queryTimeout" flag`},
		{"--no-expand-all serve --sync=half --dir DIR", "", `Error: invalid argument "half" for "--sync" flag`},
		{"version", "troupe version ", ""},
		{"--version", "troupe version ", ""},
	} {
		var stdout, stderr bytes.Buffer
		cmd := exec.Command(binary(t), strings.Fields(strings.ReplaceAll(tt.line, "DIR", dir))...)
		cmd.Dir = t.TempDir()
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		err := cmd.Run()
		if (err == nil) != (tt.fail == "") {
			t.Errorf("%s: %v\n%s", tt.line, err, stderr.String())
		}
		if !strings.HasPrefix(stdout.String(), tt.stdout) || tt.stdout == "" && stdout.Len() > 0 {
			t.Errorf("%s: stdout %q", tt.line, stdout.String())
		}
		if !strings.HasPrefix(stderr.String(), tt.fail) || tt.fail == "" && stderr.Len() > 0 {
			t.Errorf("%s: stderr %q", tt.line, stderr.String())
		}
	}
}
