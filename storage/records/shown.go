package records

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/troupebase/troupe/storage/records/expand"
	"github.com/troupebase/troupe/storage/schema"
)

// maxCustomKeys is how many keys may be added to a record: more is a mistake in a loop.
const maxCustomKeys = 256

// Shown is a copy of one record on its way to one caller, for the time of [Enricher.Enrich]. One goroutine may use it.
//
// The secrets of auth records are not shown whatever is done to it. Whether an email is shown is decided after everything
// else: by [Shown.Hide] and [Shown.Show] if they name it, by who may see it otherwise.
type Shown struct {
	record *Record
	id     string // as it is stored
	who    audience
	trusts bool   // the caller sees hidden fields
	hidden []bool // by position of the field
	seen   bool   // the caller may see the email although it is not visible to all
	forced bool   // user code shows the email
	custom []customKey
	// withheld shows nothing but whose record it is.
	withheld bool
}

// customKey is a key that is no field.
type customKey struct {
	key  string // `"title":`
	json []byte
}

func newShown(r *Record, who audience, trusts bool) Shown {
	v := Shown{record: r, id: r.ID(), who: who, trusts: trusts, hidden: make([]bool, len(r.Collection.Fields))}
	for i, f := range r.Collection.Fields {
		v.hidden[i] = f.Base().Hidden
	}
	return v
}

// Record returns the copy. Its values may be replaced; nobody else sees that.
func (v *Shown) Record() *Record { return v.record }

// Withhold leaves everything out but id and collection, the expand included, whatever else is done to the record before or after. It is for code that should
// have said what is shown and could not: nobody puts back what it would have hidden.
func (v *Shown) Withhold() { v.withheld = true }

// Withheld tells whether [Shown.Withhold] was called.
func (v *Shown) Withheld() bool { return v.withheld }

// Hide leaves fields, and keys that were added, out. What is neither is passed over.
func (v *Shown) Hide(names ...string) { v.mark(names, true) }

// Show takes Hide back and shows fields that are hidden by their definition. It shows the email to whoever it is named for.
func (v *Shown) Show(names ...string) { v.mark(names, false) }

func (v *Shown) mark(names []string, hide bool) {
	for _, name := range names {
		i := v.record.Collection.FieldIndex(name)
		if i >= 0 {
			v.hidden[i] = hide
			if name == "email" {
				v.forced = !hide
			}
			continue
		}
		if at, ok := v.find(name); ok && hide {
			v.custom = slices.Delete(v.custom, at, at+1)
		}
	}
}

// Set replaces what is shown under a name: the value of a field, which is cast like one of a request, or a key of its own
// with a value that encoding/json takes. It fails for the names that every record has beside its fields, for values that
// are no JSON and for too many keys.
func (v *Shown) Set(name string, value any) error {
	if i := v.record.Collection.FieldIndex(name); i >= 0 {
		v.record.Values[i] = v.record.Collection.Fields[i].Cast(value)
		return nil
	}
	switch name {
	case "expand", "collectionId", "collectionName":
		return fmt.Errorf("show %q: the name is taken", name)
	}
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("show %q: %w", name, err)
	}
	k := customKey{string(appendKey(name)), text}
	at, found := v.find(name)
	switch {
	case found:
		v.custom[at] = k
	case len(v.custom) >= maxCustomKeys:
		return fmt.Errorf("show %q: more than %d keys are added", name, maxCustomKeys)
	default:
		v.custom = slices.Insert(v.custom, at, k)
	}
	return nil
}

// find returns where a key stands among the added ones, or belongs.
func (v *Shown) find(name string) (at int, found bool) {
	return slices.BinarySearchFunc(v.custom, string(appendKey(name)), func(k customKey, key string) int { return strings.Compare(k.key, key) })
}

// serve is the server's own part.
func (v *Shown) serve() {
	v.unhide()
	v.seen = v.who.sees(v.id)
}

// unhide shows hidden fields to those who see them, once.
func (v *Shown) unhide() {
	if v.trusts {
		v.trusts = false
		clear(v.hidden)
	}
}

// shows tells whether a part of the object is shown.
func (v *Shown) shows(p *part) bool {
	if p.field == nil {
		return true
	}
	if v.hidden[p.index] {
		return false
	}
	return !p.email || v.seen || v.forced || v.record.Bool("emailVisibility")
}

// bare appends id and collection.
func (v *Shown) bare(dst []byte) []byte {
	c := v.record.Collection
	dst = schema.AppendJSONString(append(dst, `{"collectionId":`...), c.ID)
	dst = schema.AppendJSONString(append(dst, `,"collectionName":`...), c.Name)
	dst = schema.AppendJSONString(append(dst, `,"id":`...), v.id)
	return append(dst, '}')
}

// shown appends a record that user code has seen, like encoder.record. Keys that were added stand in their places.
func (e *encoder) shown(dst []byte, v *Shown) (out []byte, split int) {
	const expandKey = `"expand":`
	if v.withheld {
		return v.bare(dst), expand.NoSplit
	}
	start := len(dst)
	dst = append(dst, '{')
	split = -1
	open := func(key string) {
		if split < 0 && key > expandKey {
			split = len(dst) - start
		}
		if len(dst) > start+1 {
			dst = append(dst, ',')
		}
		dst = append(dst, key...)
	}
	custom := v.custom
	for i := range e.parts {
		p := &e.parts[i]
		for len(custom) > 0 && custom[0].key < string(p.key) {
			open(custom[0].key)
			dst, custom = append(dst, custom[0].json...), custom[1:]
		}
		if !v.shows(p) {
			continue
		}
		open(string(p.key))
		if p.constant != nil {
			dst = append(dst, p.constant...)
		} else {
			dst = p.field.AppendValue(dst, v.record.Values[p.index])
		}
	}
	for _, k := range custom {
		open(k.key)
		dst = append(dst, k.json...)
	}
	if split < 0 {
		split = len(dst) - start
	}
	return append(dst, '}'), split
}
