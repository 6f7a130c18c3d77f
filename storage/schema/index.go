package schema

import (
	"regexp"
	"strings"

	engine "github.com/troupebase/troupe/storage/sqlite"
)

// Index is a CREATE INDEX statement taken apart. The zero value is the index of a text that is none.
type Index struct {
	Unique  bool
	IfNot   bool // IF NOT EXISTS was given
	Schema  string
	Name    string
	Table   string
	Columns []IndexColumn
	Where   string
}

// IndexColumn is one column of an [Index]. Name is an expression when it holds a bracket or a blank.
type IndexColumn struct {
	Name    string
	Collate string
	Order   string // "", "ASC" or "DESC"
}

var (
	indexPattern      = regexp.MustCompile(`(?is)create\s+(unique\s+)?index\s+(if\s+not\s+exists\s+)?(\S+)\s+on\s+([^\s(]*)\s*\(`)
	indexWherePattern = regexp.MustCompile(`(?is)^\s*where\s+(.*)$`)

	indexColumnPattern = regexp.MustCompile(`(?is)^(.+?)(?:\s+collate\s+(\w+))?(?:\s+(asc|desc))?$`)
)

// quoteMarks may stand around names in index texts.
const quoteMarks = "`\"'[] \t\r\n"

// ParseIndex takes an index text apart as far as it is one; see [Index.Valid].
func ParseIndex(text string) Index {
	at := indexPattern.FindStringIndex(text)
	if at == nil {
		return Index{}
	}
	m := indexPattern.FindStringSubmatch(text)
	list, rest, closed := bracketed(text[at[1]:])
	ix := Index{Unique: m[1] != "", IfNot: m[2] != "", Table: trimQuotes(m[4])}
	if w := indexWherePattern.FindStringSubmatch(rest); w != nil {
		ix.Where = strings.TrimSpace(w[1])
	}
	parts := strings.Split(m[3], ".")
	if len(parts) == 2 {
		ix.Schema, ix.Name = trimQuotes(parts[0]), trimQuotes(parts[1])
	} else {
		ix.Name = trimQuotes(parts[0])
	}
	columns, err := splitOutside(list, ",")
	if err != nil || !closed {
		return ix
	}
	for _, part := range columns {
		c := indexColumnPattern.FindStringSubmatch(strings.TrimSpace(part))
		if c == nil {
			continue
		}
		if name := trimQuotes(c[1]); name != "" {
			ix.Columns = append(ix.Columns, IndexColumn{Name: name, Collate: c[2], Order: strings.ToUpper(c[3])})
		}
	}
	return ix
}

func trimQuotes(s string) string { return strings.Trim(s, quoteMarks) }

// Valid tells whether name, table and columns are there.
func (ix Index) Valid() bool { return ix.Name != "" && ix.Table != "" && len(ix.Columns) > 0 }

// String returns the normal form of the statement.
func (ix Index) String() string {
	var b strings.Builder
	b.WriteString("CREATE ")
	if ix.Unique {
		b.WriteString("UNIQUE ")
	}
	b.WriteString("INDEX ")
	if ix.IfNot {
		b.WriteString("IF NOT EXISTS ")
	}
	if ix.Schema != "" {
		b.WriteString(engine.QuoteName(ix.Schema) + ".")
	}
	b.WriteString(engine.QuoteName(ix.Name) + " ON " + engine.QuoteName(ix.Table) + " (")
	for i, c := range ix.Columns {
		switch {
		case i > 0:
			b.WriteString(",\n  ")
		case len(ix.Columns) > 1:
			b.WriteString("\n  ")
		}
		c.write(&b)
	}
	if len(ix.Columns) > 1 {
		b.WriteString("\n")
	}
	b.WriteString(")")
	if ix.Where != "" {
		b.WriteString(" WHERE " + ix.Where)
	}
	return b.String()
}

func (c IndexColumn) write(b *strings.Builder) {
	if strings.ContainsAny(c.Name, "( \t\r\n") {
		b.WriteString(c.Name)
	} else {
		b.WriteString(engine.QuoteName(c.Name))
	}
	if c.Collate != "" {
		b.WriteString(" COLLATE " + c.Collate)
	}
	if c.Order != "" {
		b.WriteString(" " + c.Order)
	}
}

// definition returns what the index does, whatever its name.
func (ix Index) definition() string {
	ix.Schema, ix.Name, ix.IfNot = "", "", false
	return ix.String()
}

// sameColumns tells whether both index the same columns in the same order.
func (ix Index) sameColumns(other Index) bool {
	if len(ix.Columns) != len(other.Columns) {
		return false
	}
	for i, c := range ix.Columns {
		if !strings.EqualFold(c.Name, other.Columns[i].Name) {
			return false
		}
	}
	return true
}

// UniqueIndex returns the first unique index on nothing but that column, whose name is compared in any case.
func (c *Collection) UniqueIndex(column string) (Index, bool) {
	for _, text := range c.Indexes {
		ix := ParseIndex(text)
		if ix.Unique && len(ix.Columns) == 1 && strings.EqualFold(ix.Columns[0].Name, column) {
			return ix, true
		}
	}
	return Index{}, false
}

// maxIndexName is where the names of automatic indexes are cut.
const maxIndexName = 64

// addAuthIndexes appends the unique indexes that an auth collection must have and c has not.
func addAuthIndexes(c *Collection, suffix string) {
	for _, column := range []string{"tokenKey", "email"} {
		if _, ok := c.UniqueIndex(column); ok {
			continue
		}
		name := "idx_" + column + "_" + suffix
		ix := Index{
			Unique: true, Name: name[:min(len(name), maxIndexName)], Table: c.Name,
			Columns: []IndexColumn{{Name: column}},
		}
		if column == "email" {
			ix.Where = "`email` != ''"
		}
		c.Indexes = append(c.Indexes, ix.String())
	}
}
