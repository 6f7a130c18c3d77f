package filter

import "strings"

// OrderBy adds the entries of a sort parameter: field paths separated by commas, each with an optional "-" or "+" in
// front, "@random", or "@rowid". It fails with an *[Error].
func (b *Builder) OrderBy(sort string, t Trust) error {
	entries := strings.Split(sort, ",")
	if len(entries) > maxSorts {
		return errorf("max sort fields limit reached")
	}
	r := &resolver{b: b, scope: b.base, trust: t}
	for _, entry := range entries {
		entry = strings.TrimSpace(entry)
		if len(entry) > maxSort {
			return errorf("max sort field length limit reached")
		}
		f, err := r.sortEntry(entry)
		if err != nil {
			return err
		}
		b.order = append(b.order, f)
	}
	return nil
}

func (r *resolver) sortEntry(entry string) (frag, error) {
	direction := ""
	switch {
	case strings.HasPrefix(entry, "-"):
		entry, direction = entry[1:], " DESC"
	case strings.HasPrefix(entry, "+"):
		entry = entry[1:]
	}
	switch {
	case entry == "@random":
		r.b.random = true
		return raw("RANDOM()"), nil
	case entry == "@rowid":
		if r.b.base.collection.IsView() {
			return frag{}, errorf("invalid sort field %q", entry)
		}
		return raw(r.b.base.alias + "._rowid_" + direction), nil
	case strings.HasPrefix(entry, "@request."):
		return frag{}, errorf("invalid sort field %q", entry)
	}
	o, err := r.path(entry)
	if err != nil {
		return frag{}, errorf("invalid sort field %q - %v", entry, err)
	}
	if o.guard.sql != "" {
		// An order would tell an email as well as a comparison does.
		return join("(CASE WHEN %s THEN %s END)"+direction, o.guard, o.sql), nil
	}
	return join("%s"+direction, o.sql), nil
}
