package schema_test

import (
	"path/filepath"
	"reflect"
	"testing"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/troupebase/troupe/storage/schema"
)

// testConn opens a database file with one table t that has one column v of that definition.
func testConn(t testing.TB, column string) *sqlite.Conn {
	t.Helper()
	conn, err := sqlite.OpenConn(filepath.Join(t.TempDir(), "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := sqlitex.ExecuteTransient(conn, "CREATE TABLE t (v "+column+")", nil); err != nil {
		t.Fatal(err)
	}
	return conn
}

// storeSQL replaces the row of t by the value of an SQL expression and returns a statement that stands on it.
func storeSQL(t testing.TB, conn *sqlite.Conn, expression string) *sqlite.Stmt {
	t.Helper()
	for _, sql := range []string{"DELETE FROM t", "INSERT INTO t (v) VALUES (" + expression + ")"} {
		if err := sqlitex.ExecuteTransient(conn, sql, nil); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	return firstRow(t, conn, "SELECT v FROM t")
}

func firstRow(t testing.TB, conn *sqlite.Conn, sql string) *sqlite.Stmt {
	t.Helper()
	stmt, _, err := conn.PrepareTransient(sql)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stmt.Finalize() })
	if ok, err := stmt.Step(); err != nil || !ok {
		t.Fatalf("no row: %v", err)
	}
	return stmt
}

// checkColumn reads the row in both ways and compares them with want; "" wants a scan error.
func checkColumn(t *testing.T, f schema.Field, stmt *sqlite.Stmt, want string) {
	t.Helper()
	value, err := f.Scan(stmt, 0)
	if want == "" {
		if err == nil {
			t.Errorf("Scan returned %v, want an error", value)
		}
		dst, err := f.AppendColumn([]byte("x"), stmt, 0)
		if err == nil || string(dst) != "x" {
			t.Errorf("AppendColumn returned %q and %v, want an error and what was there", dst, err)
		}
		return
	}
	if err != nil {
		t.Fatalf("Scan: %v", err)
	}
	if got, zero := reflect.TypeOf(value), reflect.TypeOf(f.Zero()); got != zero {
		t.Errorf("Scan returned a %v, want the form %v", got, zero)
	}
	if got := string(f.AppendValue([]byte("x"), value)); got != "x"+want {
		t.Errorf("AppendValue of Scan = %s, want x%s", got, want)
	}
	got, err := f.AppendColumn([]byte("x"), stmt, 0)
	if err != nil {
		t.Fatalf("AppendColumn: %v", err)
	}
	if string(got) != "x"+want {
		t.Errorf("AppendColumn = %s, want x%s", got, want)
	}
}

// storedValues are what columns hold and what is read of them.
var storedValues = []struct {
	field  schema.Field
	stored string // SQL
	want   string // JSON, "" is a scan error
}{
	{&schema.TextField{}, `'abc'`, `"abc"`},
	{&schema.TextField{}, `''`, `""`},
	{&schema.TextField{}, `5`, `"5"`},
	{&schema.TextField{}, `x'616263'`, `"abc"`},
	{&schema.TextField{}, `x'61ff62'`, `"a\ufffdb"`},
	{&schema.TextField{}, `'<a href="x">&'||char(10)||char(1)||char(8232)||'é'`, `"\u003ca href=\"x\"\u003e\u0026\n\u0001\u2028é"`},
	{&schema.EmailField{}, `'a@b.co'`, `"a@b.co"`},
	{&schema.URLField{}, `'http://a.co?a&b'`, `"http://a.co?a\u0026b"`},
	{&schema.EditorField{}, `'<p>x</p>'`, `"\u003cp\u003ex\u003c/p\u003e"`},
	{&schema.PasswordField{}, `'$2a$10$x'`, `""`},

	{&schema.NumberField{}, `5`, `5`},
	{&schema.NumberField{}, `-5.25`, `-5.25`},
	{&schema.NumberField{}, `1e20`, `100000000000000000000`},
	{&schema.NumberField{}, `1e21`, `1e+21`},
	{&schema.NumberField{}, `0.0000001`, `1e-7`},
	{&schema.NumberField{}, `9007199254740993`, `9007199254740992`},
	{&schema.NumberField{}, `-9223372036854775808`, `-9223372036854776000`},
	{&schema.NumberField{}, `'12'`, `12`},
	{&schema.NumberField{}, `x'312e35'`, `1.5`},
	{&schema.NumberField{}, `'abc'`, `0`},
	{&schema.NumberField{}, `''`, `0`},
	{&schema.NumberField{}, `-0.0`, `0`},
	{&schema.NumberField{}, `9e999`, `null`},

	{&schema.BoolField{}, `0`, `false`},
	{&schema.BoolField{}, `1`, `true`},
	{&schema.BoolField{}, `TRUE`, `true`},
	{&schema.BoolField{}, `2`, `false`},
	{&schema.BoolField{}, `-1`, `false`},
	{&schema.BoolField{}, `0.5`, `false`},
	{&schema.BoolField{}, `'true'`, `true`},
	{&schema.BoolField{}, `'TRUE'`, `true`},
	{&schema.BoolField{}, `'yes'`, `false`},
	{&schema.BoolField{}, `x'74'`, `true`},

	{&schema.DateField{}, `'2024-01-02 03:04:05.678Z'`, `"2024-01-02 03:04:05.678Z"`},
	{&schema.DateField{}, `''`, `""`},
	{&schema.DateField{}, `'2024-01-02T03:04:05Z'`, `"2024-01-02 03:04:05.000Z"`},
	{&schema.DateField{}, `'2024-01-02'`, `"2024-01-02 00:00:00.000Z"`},
	{&schema.DateField{}, `'2024-01-02 03:04:05 +02:00'`, `"2024-01-02 01:04:05.000Z"`},
	{&schema.DateField{}, `'2024-01-02 03:04:05.123456Z'`, `"2024-01-02 03:04:05.123Z"`},
	{&schema.DateField{}, `'2024-02-30 03:04:05.678Z'`, `""`},
	{&schema.DateField{}, `'0001-01-01 00:00:00.000Z'`, `""`},
	{&schema.DateField{}, `1704164645`, `""`},
	{&schema.AutodateField{}, `'2024-01-02 03:04:05.678Z'`, `"2024-01-02 03:04:05.678Z"`},
	{&schema.AutodateField{}, `'"<&'`, `""`},

	{&schema.SelectField{}, `'a'`, `"a"`},
	{&schema.SelectField{}, `''`, `""`},
	{&schema.SelectField{}, `'["a","b"]'`, `"b"`},
	{&schema.SelectField{}, `'[]'`, `""`},
	{&schema.SelectField{}, `'[1]'`, `"[1]"`},
	{&schema.SelectField{}, `'null'`, `"null"`},
	{&schema.SelectField{}, `'<'`, `"\u003c"`},
	{&schema.RelationField{MaxSelect: 1}, `'abcdefghijklmno'`, `"abcdefghijklmno"`},
	{&schema.FileField{MaxSelect: 1}, `'a[1].txt'`, `"a[1].txt"`},

	{&schema.SelectField{MaxSelect: 2}, `'[]'`, `[]`},
	{&schema.SelectField{MaxSelect: 2}, `'["a"]'`, `["a"]`},
	{&schema.SelectField{MaxSelect: 2}, `'["a","b"]'`, `["a","b"]`},
	{&schema.SelectField{MaxSelect: 2}, `'[ "a", "b" ]'`, `["a","b"]`},
	{&schema.SelectField{MaxSelect: 2}, `'["a","","a","b"]'`, `["a","b"]`},
	{&schema.SelectField{MaxSelect: 2}, `'[""]'`, `[]`},
	{&schema.SelectField{MaxSelect: 2}, `'["a",]'`, `["[\"a\",]"]`},
	{&schema.SelectField{MaxSelect: 2}, `'["a"'`, `["[\"a\""]`},
	{&schema.SelectField{MaxSelect: 2}, `'["]'`, `["[\"]"]`},
	{&schema.SelectField{MaxSelect: 2}, `'["a"]"]'`, `["[\"a\"]\"]"]`},
	{&schema.SelectField{MaxSelect: 2}, `'["a\"b","<"]'`, `["a\"b","\u003c"]`},
	{&schema.SelectField{MaxSelect: 2}, `''`, `[]`},
	{&schema.SelectField{MaxSelect: 2}, `'a'`, `["a"]`},
	{&schema.SelectField{MaxSelect: 2}, `5`, `["5"]`},
	{&schema.SelectField{MaxSelect: 2}, `'{"a":1}'`, `["{\"a\":1}"]`},
	{&schema.SelectField{MaxSelect: 2}, `'["a",1]'`, `["a","[\"a\",1]"]`},
	{&schema.SelectField{MaxSelect: 2}, `'[null,"a"]'`, `["a"]`},
	{&schema.SelectField{MaxSelect: 20}, `'["01","02","03","04","05","06","07","08","09","10","11","12","13","14","15","16","17","01"]'`,
		`["01","02","03","04","05","06","07","08","09","10","11","12","13","14","15","16","17"]`},

	{&schema.JSONField{}, `NULL`, `null`},
	{&schema.JSONField{}, `'null'`, `null`},
	{&schema.JSONField{}, `'true'`, `true`},
	{&schema.JSONField{}, `5`, `5`},
	{&schema.JSONField{}, `9007199254740993`, `9007199254740993`},
	{&schema.JSONField{}, `1.50`, `1.5`},
	{&schema.JSONField{}, `1e300`, `1e+300`},
	{&schema.JSONField{}, `'"a"'`, `"a"`},
	{&schema.JSONField{}, `'""'`, `""`},
	{&schema.JSONField{}, `''`, `""`},
	{&schema.JSONField{}, `'{"a": [1, "b c\" "], "b":{ }}'`, `{"a":[1,"b c\" "],"b":{}}`},
	{&schema.JSONField{}, `'[1, 2]'`, `[1,2]`},
	{&schema.JSONField{}, `' [1]'`, `" [1]"`},
	{&schema.JSONField{}, `'abc <'`, `"abc \u003c"`},
	{&schema.JSONField{}, `'{"a"'`, `"{\"a\""`},
	{&schema.JSONField{}, `x'225b22'`, `"["`},
	{&schema.JSONField{}, `x'22ff22'`, "\"\ufffd\""},

	{&schema.GeoPointField{}, `'{"lon":1,"lat":2}'`, `{"lon":1,"lat":2}`},
	{&schema.GeoPointField{}, `'{"lon":-1.5,"lat":0.25}'`, `{"lon":-1.5,"lat":0.25}`},
	{&schema.GeoPointField{}, `'{"lat":2,"lon":1}'`, `{"lon":1,"lat":2}`},
	{&schema.GeoPointField{}, `'{"lon":1.0,"lat":02}'`, ``},
	{&schema.GeoPointField{}, `'{"lon":1.0,"lat":-0}'`, `{"lon":1,"lat":-0}`},
	{&schema.GeoPointField{}, `'{"lon":0.0000001,"lat":1e2}'`, `{"lon":1e-7,"lat":100}`},
	{&schema.GeoPointField{}, `'{"lon":500,"lat":2}'`, `{"lon":500,"lat":2}`},
	{&schema.GeoPointField{}, `'{ "LON":1, "x":2 }'`, `{"lon":1,"lat":0}`},
	{&schema.GeoPointField{}, `''`, `{"lon":0,"lat":0}`},
	{&schema.GeoPointField{}, `'null'`, `{"lon":0,"lat":0}`},
	{&schema.GeoPointField{}, `'{}'`, `{"lon":0,"lat":0}`},
	{&schema.GeoPointField{}, `'abc'`, ``},
	{&schema.GeoPointField{}, `'[1,2]'`, ``},
	{&schema.GeoPointField{}, `'{"lon":"1","lat":2}'`, ``},
	{&schema.GeoPointField{}, `5`, ``},
}

// TestStoredValues reads what older versions, other programs and views leave in columns (data-dir.md 5.3).
func TestStoredValues(t *testing.T) {
	for _, test := range storedValues {
		t.Run(test.field.Type()+" "+test.stored, func(t *testing.T) {
			conn := testConn(t, test.field.Column())
			checkColumn(t, test.field, storeSQL(t, conn, test.stored), test.want)
		})
	}
}

// TestViewColumns reads values that a column of the field's own definition could not hold, as a view returns them.
func TestViewColumns(t *testing.T) {
	tests := []struct {
		field schema.Field
		sql   string
		want  string
	}{
		{&schema.TextField{}, "SELECT 5", `"5"`},
		{&schema.TextField{}, "SELECT 1e20", `"100000000000000000000"`},
		{&schema.TextField{}, "SELECT NULL", `""`},
		{&schema.NumberField{}, "SELECT NULL", `0`},
		{&schema.NumberField{}, "SELECT 2.0", `2`},
		{&schema.BoolField{}, "SELECT NULL", `false`},
		{&schema.DateField{}, "SELECT NULL", `""`},
		{&schema.SelectField{}, "SELECT NULL", `""`},
		{&schema.SelectField{MaxSelect: 2}, "SELECT NULL", `[]`},
		{&schema.SelectField{MaxSelect: 2}, "SELECT 1.5", `["1.5"]`},
		{&schema.JSONField{}, "SELECT '5'", `5`},
		{&schema.GeoPointField{}, "SELECT NULL", `{"lon":0,"lat":0}`},
	}
	for _, test := range tests {
		t.Run(test.field.Type()+" "+test.sql, func(t *testing.T) {
			conn := testConn(t, test.field.Column())
			checkColumn(t, test.field, firstRow(t, conn, test.sql), test.want)
		})
	}
}

// TestBindWrites checks the written form and that it is read back as the same value.
func TestBindWrites(t *testing.T) {
	tests := []struct {
		field  schema.Field
		raw    any
		stored string // as SQL's quote() and typeof() show it
	}{
		{&schema.TextField{}, "it's", `'it''s' text`},
		{&schema.NumberField{}, 5.0, `5 integer`},
		{&schema.NumberField{}, 5.5, `5.5 real`},
		{&schema.NumberField{}, 1e20, `1.0e+20 real`},
		{&schema.NumberField{}, "-0", `0 integer`},
		{&schema.NumberField{}, "NaN", `0 integer`},
		{&schema.NumberField{}, "Infinity", `0 integer`},
		{&schema.BoolField{}, true, `1 integer`},
		{&schema.DateField{}, "2024-01-02", `'2024-01-02 00:00:00.000Z' text`},
		{&schema.SelectField{}, []any{"a", "b"}, `'b' text`},
		{&schema.SelectField{MaxSelect: 2}, []any{"a", "b<"}, `'["a","b\u003c"]' text`},
		{&schema.SelectField{MaxSelect: 2}, nil, `'[]' text`},
		{&schema.JSONField{}, nil, `NULL null`},
		{&schema.JSONField{}, "null", `'null' text`},
		{&schema.JSONField{}, true, `'true' text`},
		{&schema.JSONField{}, 1.5, `1.5 real`},
		{&schema.JSONField{}, 1e5, `100000 integer`},
		{&schema.JSONField{}, "5", `5 integer`},
		{&schema.JSONField{}, "a<", `'"a<"' text`},
		{&schema.JSONField{}, "", `'""' text`},
		{&schema.JSONField{}, "[1, 2]", `'[1, 2]' text`},
		{&schema.JSONField{}, map[string]any{"b": 1.0, "a": "<"}, `'{"a":"\u003c","b":1}' text`},
		{&schema.GeoPointField{}, map[string]any{"lon": 1.0, "lat": 2.0}, `'{"lon":1,"lat":2}' text`},
		{&schema.PasswordField{}, "plain", `'' text`},
		{&schema.PasswordField{}, schema.Password{Hash: "$2a$"}, `'$2a$' text`},
	}
	for _, test := range tests {
		t.Run(test.field.Type()+" "+test.stored, func(t *testing.T) {
			conn := testConn(t, test.field.Column())
			value := test.field.Cast(test.raw)
			insert, err := conn.Prepare("INSERT INTO t (v) VALUES (?)")
			if err != nil {
				t.Fatal(err)
			}
			test.field.Bind(insert, 1, value)
			if _, err := insert.Step(); err != nil {
				t.Fatal(err)
			}
			stmt := firstRow(t, conn, "SELECT quote(v) || ' ' || typeof(v) FROM t")
			if got := stmt.ColumnText(0); got != test.stored {
				t.Errorf("stored %s, want %s", got, test.stored)
			}
		})
	}
}

// TestBindRoundTrip writes and reads one value per type in its written form, which must not change it.
func TestBindRoundTrip(t *testing.T) {
	tests := []struct {
		field schema.Field
		value schema.Value
	}{
		{&schema.TextField{}, "é\x00\"<"},
		{&schema.NumberField{}, 0.1},
		{&schema.BoolField{}, true},
		{&schema.DateField{}, "2024-01-02 03:04:05.678Z"},
		{&schema.SelectField{}, "a"},
		{&schema.RelationField{MaxSelect: 3}, []string{"a", "\"b\"", "日本"}},
		{&schema.FileField{MaxSelect: 3}, []string{}},
		{&schema.JSONField{}, schema.JSON(`{"a":[1,2]}`)},
		{&schema.JSONField{}, schema.JSON(nil)},
		{&schema.GeoPointField{}, schema.GeoPoint{Lon: -179.999999999999, Lat: 1e-9}},
		{&schema.PasswordField{}, schema.Password{Hash: "x"}},
	}
	for _, test := range tests {
		conn := testConn(t, test.field.Column())
		insert, err := conn.Prepare("INSERT INTO t (v) VALUES (?)")
		if err != nil {
			t.Fatal(err)
		}
		test.field.Bind(insert, 1, test.value)
		if _, err := insert.Step(); err != nil {
			t.Fatal(err)
		}
		got, err := test.field.Scan(firstRow(t, conn, "SELECT v FROM t"), 0)
		if err != nil || !reflect.DeepEqual(got, test.value) {
			t.Errorf("%s: read back %#v (%v), want %#v", test.field.Type(), got, err, test.value)
		}
	}
}

// TestColumnDefaults reads what a row inserted without the column holds: the zero value.
func TestColumnDefaults(t *testing.T) {
	fields := everyField()
	for _, f := range append(fields, &schema.SelectField{MaxSelect: 2}, &schema.FileField{MaxSelect: 2}, &schema.RelationField{MaxSelect: 2}) {
		conn := testConn(t, f.Column())
		if err := sqlitex.ExecuteTransient(conn, "INSERT INTO t DEFAULT VALUES", nil); err != nil {
			t.Fatal(err)
		}
		checkColumn(t, f, firstRow(t, conn, "SELECT v FROM t"), string(f.AppendValue(nil, f.Zero())))
	}
	id := &schema.TextField{PrimaryKey: true}
	conn := testConn(t, id.Column())
	if err := sqlitex.ExecuteTransient(conn, "INSERT INTO t DEFAULT VALUES", nil); err != nil {
		t.Fatal(err)
	}
	if v, _ := id.Scan(firstRow(t, conn, "SELECT v FROM t"), 0); len(v.(string)) != 15 || v.(string)[0] != 'r' {
		t.Errorf("default id %q, want r and 14 hex digits", v)
	}
}
