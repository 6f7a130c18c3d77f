package mailer

import (
	_ "embed"
	"html"
	netmail "net/mail"
	"strings"

	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/settings"
)

// page is what bodies of templates are put into.
//
//go:embed page.html
var page string

// pageBody marks the place of the body in the page.
const pageBody = "{{body}}"

// Compose makes a message to an address of a template: placeholders are replaced by what the settings say of the server,
// by the visible fields of the record, and by values, whose keys are placeholders with their braces and which win over
// the others. Values are put in as they are, also those that look like placeholders; text fields are escaped for HTML.
func Compose(meta *settings.Meta, t schema.EmailTemplate, r *records.Record, to string, values map[string]string) *Message {
	all := map[string]string{"{APP_NAME}": meta.AppName, "{APP_URL}": meta.AppURL}
	for i, f := range r.Collection.Fields {
		if b := f.Base(); !b.Hidden {
			all[Field(b.Name)] = fieldText(f, r.Values[i])
		}
	}
	for name, v := range values {
		all[name] = v
	}
	pairs := make([]string, 0, 2*len(all))
	for name, v := range all {
		pairs = append(pairs, name, v)
	}
	// One pass over the template: a value that looks like a placeholder does not become one.
	fill := strings.NewReplacer(pairs...)
	return &Message{
		From:    netmail.Address{Name: meta.SenderName, Address: meta.SenderAddress},
		To:      netmail.Address{Address: to},
		Subject: fill.Replace(t.Subject),
		HTML:    strings.Replace(page, pageBody, fill.Replace(t.Body), 1),
	}
}

// Field is the placeholder of a field of the record.
func Field(name string) string { return "{RECORD:" + name + "}" }

// fieldText is the value of a field as it stands in a mail.
func fieldText(f schema.Field, v schema.Value) string {
	return html.EscapeString(f.Text(v))
}
