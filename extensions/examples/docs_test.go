package examples

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// sample is a code block of the documentation that is followed by the command that builds it.
var sample = regexp.MustCompile("(?s)```(go|c|ts)\n(.*?)```\n\n```sh\n(.*?)```")

// TestDocumentation builds the samples of docs/extensions.md with the commands that stand there, and loads them.
func TestDocumentation(t *testing.T) {
	doc, err := os.ReadFile("../../docs/extensions.md")
	if err != nil {
		t.Fatal(err)
	}
	sdk, err := filepath.Abs("../sdk")
	if err != nil {
		t.Fatal(err)
	}
	samples := sample.FindAllStringSubmatch(string(doc), -1)
	if len(samples) != 3 {
		t.Fatalf("%d samples", len(samples))
	}
	for _, s := range samples {
		t.Run(s[1], func(t *testing.T) { checkSample(t, sdk, s[1], s[2], s[3]) })
	}
}

func checkSample(t *testing.T, sdk, kind, source, command string) {
	language := map[string]string{"go": "go", "c": "c", "ts": "assemblyscript"}[kind]
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "greeter."+kind)
	if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	where := dir
	switch language {
	case "go": // a file of its own, in a module that has the SDK
		where, command = "go", strings.Replace(command, "-o greeter.wasm", "-o \"$1\" "+file, 1)
	case "c":
		command = strings.Replace(command, "path/to/extensions/sdk/c", sdk+"/c", 1)
	case "assemblyscript":
		if err := os.CopyFS(filepath.Join(dir, "troupe"), os.DirFS(sdk+"/assemblyscript")); err != nil {
			t.Fatal(err)
		}
		command = strings.Replace(command, "npx asc", filepath.Join(sdk, "../examples/assemblyscript/node_modules/.bin/asc"), 1)
	}
	command = strings.Replace(command, "-o greeter.wasm", `-o "$1"`, 1)
	x, _ := load(t, build(t, language, where, []string{"sh", "-c", command, "sh"}), newStore())
	if len(x.Hooks()) != 1 || len(x.Routes()) != 1 || x.Name() != "greeter" {
		t.Errorf("%s: hooks %v, routes %v", x.Name(), x.Hooks(), x.Routes())
	}
}
