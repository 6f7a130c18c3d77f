package schema

import (
	"strconv"
	"strings"
)

// normalise completes c before it is validated, the way clients rely on: ids, the fields and indexes that its type
// needs, index texts that name its table. stored is nil for a new collection. taken tells whether a collection has that
// id. Fields of views are not touched.
func normalise(c, stored *Collection, taken func(id string) bool) {
	c.index = nil
	if c.Type == "" {
		c.Type = Base
	}
	indexSuffix := c.ID
	if stored == nil {
		indexSuffix = checksumID(c.Type, c.Name)
		if c.ID == "" {
			c.ID = generateID(c.Type, c.Name, taken)
			indexSuffix = c.ID
		}
	}
	if c.Type == View {
		return
	}
	c.Fields = listFields(c.Fields)
	normaliseID(c)
	if c.Type == Auth {
		if c.Auth == nil {
			c.Auth = &AuthOptions{}
		}
		normaliseAuthFields(c)
		addAuthIndexes(c, indexSuffix)
		clearMappedFields(c)
	}
	for i, text := range c.Indexes {
		if ix := ParseIndex(text); ix.Name != "" && len(ix.Columns) > 0 && ix.Table != c.Name {
			ix.Table = c.Name
			c.Indexes[i] = ix.String()
		}
	}
}

// listFields builds the list from left to right: a field without an id takes the place of an earlier one of its name,
// a field with the id of an earlier one takes its place, and every other is appended with an id of its own.
func listFields(sent []Field) []Field {
	list := make([]Field, 0, len(sent))
	for _, f := range sent {
		b := f.Base()
		if b.ID == "" {
			if i := indexByName(list, b.Name); i >= 0 {
				b.ID = list[i].Base().ID
			} else {
				b.ID = freeFieldID(list, f.Type(), b.Name)
			}
		}
		if i := indexByID(list, b.ID); i >= 0 {
			list[i] = f
			continue
		}
		list = append(list, f)
	}
	return list
}

func freeFieldID(list []Field, typ, name string) string {
	base := generateFieldID(typ, name)
	id := base
	for n := 2; indexByID(list, id) >= 0; n++ {
		id = base + strconv.Itoa(n)
	}
	return id
}

func indexByName(list []Field, name string) int {
	for i, f := range list {
		if f.Base().Name == name {
			return i
		}
	}
	return -1
}

func indexByID(list []Field, id string) int {
	for i, f := range list {
		if f.Base().ID == id {
			return i
		}
	}
	return -1
}

// normaliseID corrects the field "id" or puts it first. Where another field has its id it is left to the validation,
// which then misses it.
func normaliseID(c *Collection) {
	for _, f := range c.Fields {
		id, ok := f.(*TextField)
		if !ok || id.Name != "id" {
			continue
		}
		id.System, id.Required, id.PrimaryKey, id.Hidden = true, true, true, false
		if id.Pattern == "" {
			id.Pattern = defaultIDPattern
		}
		return
	}
	if indexByID(c.Fields, idFieldID) < 0 {
		c.Fields = append([]Field{newIDField()}, c.Fields...)
	}
}

// normaliseAuthFields appends the fields of an auth collection that are missing, replaces those of a wrong type and
// forces the flags that sign-in depends on.
func normaliseAuthFields(c *Collection) {
	for _, want := range newAuthFields() {
		w := want.Base()
		i := indexByName(c.Fields, w.Name)
		switch {
		case i < 0:
			if j := indexByID(c.Fields, w.ID); j >= 0 {
				c.Fields[j] = want
			} else {
				c.Fields = append(c.Fields, want)
			}
			continue
		case c.Fields[i].Type() != want.Type():
			w.ID = c.Fields[i].Base().ID
			c.Fields[i] = want
			continue
		}
		forceAuthFlags(c.Fields[i])
	}
}

func forceAuthFlags(f Field) {
	b := f.Base()
	b.System = true
	switch f := f.(type) {
	case *PasswordField:
		b.Hidden, f.Required = true, true
	case *TextField:
		b.Hidden, f.Required = true, true
	case *EmailField:
		b.Hidden = false
	}
}

// clearMappedFields forgets OAuth2 mappings to fields that do not exist.
func clearMappedFields(c *Collection) {
	m := &c.Auth.OAuth2.MappedFields
	for _, name := range []*string{&m.ID, &m.Name, &m.Username, &m.AvatarURL} {
		if indexByName(c.Fields, *name) < 0 {
			*name = ""
		}
	}
}

// finish makes the silent corrections that come after the validation.
func finish(c, stored *Collection) {
	if c.Type != Auth {
		return
	}
	if stored != nil && stored.Auth != nil && ruleText(stored.Auth.AuthRule) != ruleText(c.Auth.AuthRule) {
		c.Auth.AuthToken.Secret = NewSecret()
	}
	if !c.IsSuperusers() {
		return
	}
	c.Auth.OAuth2.Enabled = false
	c.Auth.OAuth2.Providers = nil
	c.Auth.PasswordAuth.Enabled = true
	if c.Auth.OTP.Enabled {
		c.Auth.MFA.Enabled = true
	}
}

// ruleText makes nil and the empty rule equal.
func ruleText(rule *string) string {
	if rule == nil {
		return ""
	}
	return *rule
}

// sameRule compares rules, nil and the empty one apart.
func sameRule(a, b *string) bool {
	return (a == nil) == (b == nil) && ruleText(a) == ruleText(b)
}

// sameName compares names of tables and collections as SQLite does.
func sameName(a, b string) bool { return strings.EqualFold(a, b) }
