package main

import "testing"

func TestParse(t *testing.T) {
	const head = "What this is.\n\n"
	all, err := parse(head + "== law 1: a\nfile a.go\ntest ./a TestA\n<<<\nx\n\ty\n>>>\nz\n\n== law 2: b\nfile b.go\ntest ./b 'B|C'\n<<<\nx\n>>>\n")
	if err != nil {
		t.Fatal(err)
	}
	want := []mutation{
		{"law 1: a", "a.go", "./a", "TestA", "x\n\ty", "z"},
		{"law 2: b", "b.go", "./b", "'B|C'", "x", ""},
	}
	if len(all) != 2 || all[0] != want[0] || all[1] != want[1] {
		t.Errorf("%q, want %q", all, want)
	}
	for name, text := range map[string]string{
		"no change":    head + "== a\nfile a.go\ntest ./a A\n",
		"no file":      head + "== a\ntest ./a A\n<<<\nx\n>>>\ny\n",
		"no test":      head + "== a\nfile a.go\n<<<\nx\n>>>\ny\n",
		"nothing new":  head + "== a\nfile a.go\ntest ./a A\n<<<\nx\n>>>\nx\n",
		"unknown line": head + "== a\nfile a.go\ntst ./a A\n<<<\nx\n>>>\ny\n",
	} {
		if _, err := parse(text); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

// Each law has at least two mutations.
func TestEachLawIsBroken(t *testing.T) {
	all, err := parse(list)
	if err != nil {
		t.Fatal(err)
	}
	count := make(map[string]int)
	for _, m := range all {
		for i := range len(m.name) {
			if m.name[i] == ':' {
				count[m.name[:i]]++
				break
			}
		}
	}
	for _, law := range []string{"law 1", "law 2", "law 3", "law 4", "law 5", "law 6", "law 7", "law 8", "law 9", "law 10", "law 11", "law 12", "law 13"} {
		if count[law] < 2 {
			t.Errorf("%s has %d mutations", law, count[law])
		}
	}
}

// TestEntriesFollowTheCode: each mutation can be applied, and the tests that it names are there.
func TestEntriesFollowTheCode(t *testing.T) {
	all, err := parse(list)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir("../..")
	if err := applicable(all); err != nil {
		t.Error(err)
	}
}
