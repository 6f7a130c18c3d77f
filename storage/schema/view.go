package schema

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	engine "github.com/troupebase/troupe/storage/sqlite"
	"github.com/troupebase/troupe/storage/validation"
)

// Bounds of view queries.
const (
	// viewSample is how many rows are looked at to find ids that are empty or not unique.
	viewSample = 10
	// maxViewError is where the text of a refused query is cut.
	maxViewError = 500
)

// Reasons to refuse a view query.
var (
	errMultipleStatements = errors.New("multiple statements are not supported")
	errWildcard           = errors.New("wildcard columns (*) are not supported - manually type the collection field names you want the view query to have")
	errNoID               = errors.New("missing required id column (you can use `(ROW_NUMBER() OVER()) as id` if you don't have one)")
	errEmptyIDs           = errors.New("the query could return records with empty or invalid ids")
	errRepeatedIDs        = errors.New("the query could return records with non-unique ids")
)

var castPattern = regexp.MustCompile(`(?is)^cast\s*\(.*\sas\s+(\w+)\s*\)$`)

// deriveView returns the fields of the view that query makes. It needs no write access. The error says why the query
// is refused and is meant for clients; fields are returned beside it as far as they could be derived.
func deriveView(conn *sqlite.Conn, query string, collections []*Collection) ([]Field, error) {
	fields, err := deriveFields(conn, trimQuery(query), collections)
	if err != nil {
		return fields, err
	}
	for i, f := range fields {
		if err := checkFieldName(f.Base().Name); err != nil {
			return fields, fmt.Errorf("invalid field %q (%d): name: %s", f.Base().Name, i, rawText(err)+".")
		}
	}
	return fields, checkViewIDs(conn, trimQuery(query))
}

// deriveFields compiles the query but does not run it.
func deriveFields(conn *sqlite.Conn, query string, collections []*Collection) ([]Field, error) {
	if statements, err := splitOutside(stripComments(query), ";"); err == nil && len(statements) > 1 {
		return nil, errMultipleStatements
	}
	src, err := parseQuery(query)
	if err != nil {
		return nil, err
	}
	derived := make(map[string]Field, len(src.columns))
	resolve := sourceTables(src.tables, collections)
	for _, id := range src.columns {
		name := bareName(id.expression)
		if name == "*" || strings.HasSuffix(name, ".*") {
			return nil, errWildcard
		}
		derived[id.alias] = deriveField(id, src.tables, resolve)
	}
	columns, err := resultColumns(conn, query)
	if err != nil {
		return nil, err
	}
	fields := make([]Field, len(columns))
	for i, name := range columns {
		fields[i] = derived[name]
		if fields[i] == nil {
			fields[i] = deriveField(identifier{"", name}, nil, resolve)
		}
	}
	if indexByName(fields, "id") < 0 {
		return fields, errNoID
	}
	return fields, nil
}

func trimQuery(query string) string { return strings.Trim(query, "; \t\r\n") }

// resultColumns compiles the query and returns the names of its columns as a view has them.
func resultColumns(conn *sqlite.Conn, query string) ([]string, error) {
	stmt, trailing, err := conn.PrepareTransient("SELECT * FROM (" + query + "\n)")
	if err != nil {
		return nil, engine.Told(err)
	}
	defer stmt.Finalize()
	if trailing > 0 {
		return nil, errMultipleStatements
	}
	names := make([]string, stmt.ColumnCount())
	for i := range names {
		names[i] = stmt.ColumnName(i)
	}
	return names, nil
}

// checkViewIDs looks at the first rows.
func checkViewIDs(conn *sqlite.Conn, query string) error {
	ids, err := queryTexts(conn, fmt.Sprintf("SELECT CAST(id AS TEXT) FROM (%s\n) LIMIT %d", query, viewSample))
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, id := range ids {
		if id == "" {
			return errEmptyIDs
		}
		if seen[id] {
			return errRepeatedIDs
		}
		seen[id] = true
	}
	return nil
}

// sourceTables returns the collection behind the name of a table in the query. Spelling counts.
func sourceTables(tables []identifier, collections []*Collection) func(alias string) *Collection {
	known := map[string]*Collection{}
	for _, t := range tables {
		name := bareName(t.expression)
		for _, c := range collections {
			if c.Name == name {
				known[t.alias] = c
			}
		}
	}
	return func(alias string) *Collection { return known[alias] }
}

// deriveField returns the field of one result column.
func deriveField(id identifier, tables []identifier, resolve func(string) *Collection) Field {
	common := func(typ string) Common {
		return Common{ID: generateFieldID(typ, id.alias), Name: id.alias}
	}
	if id.alias == "id" {
		return &TextField{
			Common:   Common{ID: idFieldID, Name: "id", System: true},
			Required: true, PrimaryKey: true, Pattern: defaultIDPattern,
		}
	}
	expression := strings.ToLower(id.expression)
	switch {
	case strings.HasPrefix(expression, "count("):
		return &NumberField{Common: common("number"), OnlyInt: true}
	case strings.HasPrefix(expression, "total("):
		return &NumberField{Common: common("number")}
	}
	if m := castPattern.FindStringSubmatch(expression); m != nil {
		switch m[1] {
		case "real", "decimal", "numeric":
			return &NumberField{Common: common("number")}
		case "int", "integer":
			return &NumberField{Common: common("number"), OnlyInt: true}
		case "text":
			return &TextField{Common: common("text")}
		case "bool", "boolean":
			return &BoolField{Common: common("bool")}
		}
	}
	if f := sourceField(id, tables, resolve, common); f != nil {
		return f
	}
	return &JSONField{Common: common("json"), MaxSize: 1}
}

// sourceField returns the field of a column that is one of a collection, nil for any other.
func sourceField(id identifier, tables []identifier, resolve func(string) *Collection, common func(string) Common) Field {
	alias, column := sourceColumn(id, tables)
	c := resolve(alias)
	if c == nil {
		return nil
	}
	if sameName(column, "id") {
		return &RelationField{Common: common("relation"), CollectionID: c.ID, MaxSelect: 1}
	}
	for _, f := range c.Fields {
		if !sameName(f.Base().Name, column) {
			continue
		}
		clone := f.Clone()
		b := clone.Base()
		b.Name = id.alias
		b.ID = "_clone_" + randomText(4, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
		return clone
	}
	return nil
}

// sourceColumn splits what a result column shows into the alias of a table and the name of a column, both "" when it is no
// plain column.
func sourceColumn(id identifier, tables []identifier) (alias, column string) {
	parts := strings.Split(bareName(id.expression), ".")
	switch {
	case len(parts) == 2:
		return parts[0], parts[1]
	case len(parts) == 1 && len(tables) > 0:
		return tables[0].alias, parts[0]
	}
	return "", ""
}

// sameDerived compares derived fields without their ids, part of which are random.
func sameDerived(a, b []Field) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		f, g := a[i].Clone(), b[i].Clone()
		f.Base().ID, g.Base().ID = "", ""
		if string(EncodeField(f)) != string(EncodeField(g)) {
			return false
		}
	}
	return true
}

// viewLeaf turns the reason to refuse a query into what a client sees at "viewQuery".
func viewLeaf(query string, err error) error {
	if query == "" {
		return validation.Required
	}
	if err == nil {
		return nil
	}
	text := err.Error()
	if len(text) > maxViewError {
		text = text[:maxViewError]
	}
	return validation.New("validation_invalid_view_query", "Invalid query - "+text)
}

// createView makes the SQL view of c in place of the one of stored. Ids are always texts.
func createView(conn *sqlite.Conn, c, stored *Collection) error {
	if stored != nil {
		if err := exec(conn, "DROP VIEW IF EXISTS "+engine.QuoteName(stored.Name)); err != nil {
			return fmt.Errorf("failed to drop view %s - %w", stored.Name, err)
		}
	}
	query := trimQuery(c.ViewQuery)
	name := engine.QuoteName(c.Name)
	if err := exec(conn, "CREATE VIEW "+name+" AS SELECT * FROM ("+query+"\n)"); err != nil {
		return fmt.Errorf("failed to create view %s - %w", c.Name, err)
	}
	declared := ""
	var columns []string
	err := sqlitex.ExecuteTransient(conn, "PRAGMA table_info("+name+")", &sqlitex.ExecOptions{
		ResultFunc: func(stmt *sqlite.Stmt) error {
			if stmt.ColumnText(1) == "id" {
				declared = stmt.ColumnText(2)
				columns = append(columns, "CAST(`id` as TEXT) `id`")
			} else {
				columns = append(columns, engine.QuoteName(stmt.ColumnText(1)))
			}
			return nil
		},
	})
	if err != nil {
		return fmt.Errorf("failed to read view %s - %w", c.Name, err)
	}
	if strings.EqualFold(declared, "TEXT") {
		return nil
	}
	if err := exec(conn, "DROP VIEW "+name); err != nil {
		return fmt.Errorf("failed to drop view %s - %w", c.Name, err)
	}
	wrapped := "SELECT " + strings.Join(columns, ", ") + " FROM (" + query + "\n)"
	if err := exec(conn, "CREATE VIEW "+name+" AS SELECT * FROM ("+wrapped+")"); err != nil {
		return fmt.Errorf("failed to create view %s - %w", c.Name, err)
	}
	return nil
}

// DryView is a view that is not stored.
type DryView struct {
	// Collection has the derived fields; id and name are made up.
	Collection *Collection
	// From can stand after FROM in a query and gives the rows of the view, ids as texts.
	From string
}

// TryView derives a view without storing anything. The error says why the query is refused, see [deriveView].
func TryView(conn *sqlite.Conn, query string, collections []*Collection) (*DryView, error) {
	fields, err := deriveView(conn, query, collections)
	if err != nil {
		return nil, err
	}
	name := "temp_view_" + randomText(5, "abcdefghijklmnopqrstuvwxyz0123456789")
	c := &Collection{ID: checksumID(View, name), Name: name, Type: View, Fields: fields, ViewQuery: query}
	columns := make([]string, len(fields))
	for i, f := range fields {
		columns[i] = engine.QuoteName(f.Base().Name)
		if f.Base().Name == "id" {
			columns[i] = "CAST(`id` as TEXT) `id`"
		}
	}
	from := "(SELECT " + strings.Join(columns, ", ") + " FROM (" + trimQuery(query) + "\n)) " + engine.QuoteName(name)
	return &DryView{Collection: c, From: from}, nil
}
