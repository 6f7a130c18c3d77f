package mailer_test

import (
	"strings"
	"testing"

	"github.com/troupebase/troupe/actors/mailer"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/settings"
)

func TestCompose(t *testing.T) {
	c, err := schema.DecodeNew([]byte(`{"name":"folk","type":"auth","fields":[
		{"name":"nick","type":"text"},{"name":"pin","type":"text","hidden":true},{"name":"age","type":"number"},
		{"name":"ok","type":"bool"},{"name":"on","type":"date"},{"name":"tag","type":"select","values":["a","b"],"maxSelect":1},
		{"name":"tags","type":"select","values":["a","b"],"maxSelect":2},{"name":"extra","type":"json"},{"name":"site","type":"url"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	r := records.NewRecord(c)
	for name, v := range map[string]any{
		"nick": `<b>"N"&'x'</b> {TOKEN}`, "pin": "secret", "age": 4.5, "ok": true, "on": "2020-01-02 03:04:05.678Z", "tag": "a",
		"tags": []string{"a", "b"}, "extra": map[string]any{"k": []any{1.0, "x"}}, "site": "https://x.test/?a&b",
	} {
		r.Set(name, v)
	}
	meta := &settings.Meta{AppName: "A & B <i>", AppURL: "https://app.test/", SenderName: "R", SenderAddress: "r@app.test"}
	for template, want := range map[string]string{
		"{APP_NAME}|{APP_URL}|{APP_NAME}":   "A & B <i>|https://app.test/|A & B <i>",
		"{RECORD:nick}":                     "&lt;b&gt;&#34;N&#34;&amp;&#39;x&#39;&lt;/b&gt; {TOKEN}",
		"{RECORD:age}{RECORD:ok}":           "4.5true",
		"{RECORD:on}":                       "2020-01-02 03:04:05.678Z",
		"[{RECORD:tag}][{RECORD:tags}]":     "[a][]",
		"{RECORD:extra}":                    "{&#34;k&#34;:[1,&#34;x&#34;]}",
		"{RECORD:site}":                     "https://x.test/?a&amp;b",
		"{RECORD:pin}{RECORD:password}":     "{RECORD:pin}{RECORD:password}",
		"{RECORD:tokenKey}{RECORD:missing}": "{RECORD:tokenKey}{RECORD:missing}",
		"{RECORD:collectionId}{OTP}{TOKEN}": "{RECORD:collectionId}{OTP}t<>",
		"{token}{ TOKEN }{":                 "{token}{ TOKEN }{",
	} {
		m := mailer.Compose(meta, schema.EmailTemplate{Subject: template, Body: "[[" + template + "]]"}, r, "a@x.test", map[string]string{"{TOKEN}": "t<>"})
		if m.Subject != want || !strings.Contains(m.HTML, "[["+want+"]]") {
			t.Errorf("%s: subject %q, want %q; html %s", template, m.Subject, want, m.HTML)
		}
	}
}

// FuzzText: whatever a page holds, its message can be built.
func FuzzText(f *testing.F) {
	f.Add("<p>a <a href='x'>b</a>", "subject\r\nBcc: x@y.z")
	f.Add(strings.Repeat("<div>", 2000)+"x", "é")
	f.Fuzz(func(t *testing.T, html, subject string) {
		m := message()
		m.HTML, m.Subject = html, subject
		raw, err := mailer.Wire(m)
		if err != nil {
			t.Fatal(err)
		}
		head, _, _ := strings.Cut(raw, "\r\n\r\n")
		for _, line := range strings.Split(head, "\r\n") {
			if strings.HasPrefix(strings.ToLower(line), "bcc:") {
				t.Fatalf("%q adds a header", subject)
			}
		}
	})
}
