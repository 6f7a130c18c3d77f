package schema

import (
	"path/filepath"
	"reflect"
	"testing"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
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
func checkColumn(t *testing.T, f Field, stmt *sqlite.Stmt, want string) {
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
	field  Field
	stored string // SQL
	want   string // JSON, "" is a scan error
}{
	{&TextField{}, `'abc'`, `"abc"`},
	{&TextField{}, `''`, `""`},
	{&TextField{}, `5`, `"5"`},
	{&TextField{}, `x'616263'`, `"abc"`},
	{&TextField{}, `x'61ff62'`, `"a\ufffdb"`},
	{&TextField{}, `'<a href="x">&'||char(10)||char(1)||char(8232)||'é'`, `"\u003ca href=\"x\"\u003e\u0026\n\u0001\u2028é"`},
	{&EmailField{}, `'a@b.co'`, `"a@b.co"`},
	{&URLField{}, `'http://a.co?a&b'`, `"http://a.co?a\u0026b"`},
	{&EditorField{}, `'<p>x</p>'`, `"\u003cp\u003ex\u003c/p\u003e"`},
	{&PasswordField{}, `'$2a$10$x'`, `""`},

	{&NumberField{}, `5`, `5`},
	{&NumberField{}, `-5.25`, `-5.25`},
	{&NumberField{}, `1e20`, `100000000000000000000`},
	{&NumberField{}, `1e21`, `1e+21`},
	{&NumberField{}, `0.0000001`, `1e-7`},
	{&NumberField{}, `9007199254740993`, `9007199254740992`},
	{&NumberField{}, `-9223372036854775808`, `-9223372036854776000`},
	{&NumberField{}, `'12'`, `12`},
	{&NumberField{}, `x'312e35'`, `1.5`},
	{&NumberField{}, `'abc'`, `0`},
	{&NumberField{}, `''`, `0`},
	{&NumberField{}, `-0.0`, `0`},
	{&NumberField{}, `9e999`, `null`},

	{&BoolField{}, `0`, `false`},
	{&BoolField{}, `1`, `true`},
	{&BoolField{}, `TRUE`, `true`},
	{&BoolField{}, `2`, `false`},
	{&BoolField{}, `-1`, `false`},
	{&BoolField{}, `0.5`, `false`},
	{&BoolField{}, `'true'`, `true`},
	{&BoolField{}, `'TRUE'`, `true`},
	{&BoolField{}, `'yes'`, `false`},
	{&BoolField{}, `x'74'`, `true`},

	{&DateField{}, `'2024-01-02 03:04:05.678Z'`, `"2024-01-02 03:04:05.678Z"`},
	{&DateField{}, `''`, `""`},
	{&DateField{}, `'2024-01-02T03:04:05Z'`, `"2024-01-02 03:04:05.000Z"`},
	{&DateField{}, `'2024-01-02'`, `"2024-01-02 00:00:00.000Z"`},
	{&DateField{}, `'2024-01-02 03:04:05 +02:00'`, `"2024-01-02 01:04:05.000Z"`},
	{&DateField{}, `'2024-01-02 03:04:05.123456Z'`, `"2024-01-02 03:04:05.123Z"`},
	{&DateField{}, `'2024-02-30 03:04:05.678Z'`, `""`},
	{&DateField{}, `'0001-01-01 00:00:00.000Z'`, `""`},
	{&DateField{}, `1704164645`, `""`},
	{&AutodateField{}, `'2024-01-02 03:04:05.678Z'`, `"2024-01-02 03:04:05.678Z"`},
	{&AutodateField{}, `'"<&'`, `""`},

	{&SelectField{}, `'a'`, `"a"`},
	{&SelectField{}, `''`, `""`},
	{&SelectField{}, `'["a","b"]'`, `"b"`},
	{&SelectField{}, `'[]'`, `""`},
	{&SelectField{}, `'[1]'`, `"[1]"`},
	{&SelectField{}, `'null'`, `"null"`},
	{&SelectField{}, `'<'`, `"\u003c"`},
	{&RelationField{MaxSelect: 1}, `'abcdefghijklmno'`, `"abcdefghijklmno"`},
	{&FileField{MaxSelect: 1}, `'a[1].txt'`, `"a[1].txt"`},

	{&SelectField{MaxSelect: 2}, `'[]'`, `[]`},
	{&SelectField{MaxSelect: 2}, `'["a"]'`, `["a"]`},
	{&SelectField{MaxSelect: 2}, `'["a","b"]'`, `["a","b"]`},
	{&SelectField{MaxSelect: 2}, `'[ "a", "b" ]'`, `["a","b"]`},
	{&SelectField{MaxSelect: 2}, `'["a","","a","b"]'`, `["a","b"]`},
	{&SelectField{MaxSelect: 2}, `'[""]'`, `[]`},
	{&SelectField{MaxSelect: 2}, `'["a",]'`, `["[\"a\",]"]`},
	{&SelectField{MaxSelect: 2}, `'["a"'`, `["[\"a\""]`},
	{&SelectField{MaxSelect: 2}, `'["]'`, `["[\"]"]`},
	{&SelectField{MaxSelect: 2}, `'["a"]"]'`, `["[\"a\"]\"]"]`},
	{&SelectField{MaxSelect: 2}, `'["a\"b","<"]'`, `["a\"b","\u003c"]`},
	{&SelectField{MaxSelect: 2}, `''`, `[]`},
	{&SelectField{MaxSelect: 2}, `'a'`, `["a"]`},
	{&SelectField{MaxSelect: 2}, `5`, `["5"]`},
	{&SelectField{MaxSelect: 2}, `'{"a":1}'`, `["{\"a\":1}"]`},
	{&SelectField{MaxSelect: 2}, `'["a",1]'`, `["a","[\"a\",1]"]`},
	{&SelectField{MaxSelect: 2}, `'[null,"a"]'`, `["a"]`},
	{&SelectField{MaxSelect: 20}, `'["01","02","03","04","05","06","07","08","09","10","11","12","13","14","15","16","17","01"]'`,
		`["01","02","03","04","05","06","07","08","09","10","11","12","13","14","15","16","17"]`},

	{&JSONField{}, `NULL`, `null`},
	{&JSONField{}, `'null'`, `null`},
	{&JSONField{}, `'true'`, `true`},
	{&JSONField{}, `5`, `5`},
	{&JSONField{}, `9007199254740993`, `9007199254740993`},
	{&JSONField{}, `1.50`, `1.5`},
	{&JSONField{}, `1e300`, `1e+300`},
	{&JSONField{}, `'"a"'`, `"a"`},
	{&JSONField{}, `'""'`, `""`},
	{&JSONField{}, `''`, `""`},
	{&JSONField{}, `'{"a": [1, "b c\" "], "b":{ }}'`, `{"a":[1,"b c\" "],"b":{}}`},
	{&JSONField{}, `'[1, 2]'`, `[1,2]`},
	{&JSONField{}, `' [1]'`, `" [1]"`},
	{&JSONField{}, `'abc <'`, `"abc \u003c"`},
	{&JSONField{}, `'{"a"'`, `"{\"a\""`},
	{&JSONField{}, `x'225b22'`, `"["`},
	{&JSONField{}, `x'22ff22'`, "\"\ufffd\""},

	{&GeoPointField{}, `'{"lon":1,"lat":2}'`, `{"lon":1,"lat":2}`},
	{&GeoPointField{}, `'{"lon":-1.5,"lat":0.25}'`, `{"lon":-1.5,"lat":0.25}`},
	{&GeoPointField{}, `'{"lat":2,"lon":1}'`, `{"lon":1,"lat":2}`},
	{&GeoPointField{}, `'{"lon":1.0,"lat":02}'`, ``},
	{&GeoPointField{}, `'{"lon":1.0,"lat":-0}'`, `{"lon":1,"lat":-0}`},
	{&GeoPointField{}, `'{"lon":0.0000001,"lat":1e2}'`, `{"lon":1e-7,"lat":100}`},
	{&GeoPointField{}, `'{"lon":500,"lat":2}'`, `{"lon":500,"lat":2}`},
	{&GeoPointField{}, `'{ "LON":1, "x":2 }'`, `{"lon":1,"lat":0}`},
	{&GeoPointField{}, `''`, `{"lon":0,"lat":0}`},
	{&GeoPointField{}, `'null'`, `{"lon":0,"lat":0}`},
	{&GeoPointField{}, `'{}'`, `{"lon":0,"lat":0}`},
	{&GeoPointField{}, `'abc'`, ``},
	{&GeoPointField{}, `'[1,2]'`, ``},
	{&GeoPointField{}, `'{"lon":"1","lat":2}'`, ``},
	{&GeoPointField{}, `5`, ``},
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
		field Field
		sql   string
		want  string
	}{
		{&TextField{}, "SELECT 5", `"5"`},
		{&TextField{}, "SELECT 1e20", `"100000000000000000000"`},
		{&TextField{}, "SELECT NULL", `""`},
		{&NumberField{}, "SELECT NULL", `0`},
		{&NumberField{}, "SELECT 2.0", `2`},
		{&BoolField{}, "SELECT NULL", `false`},
		{&DateField{}, "SELECT NULL", `""`},
		{&SelectField{}, "SELECT NULL", `""`},
		{&SelectField{MaxSelect: 2}, "SELECT NULL", `[]`},
		{&SelectField{MaxSelect: 2}, "SELECT 1.5", `["1.5"]`},
		{&JSONField{}, "SELECT '5'", `5`},
		{&GeoPointField{}, "SELECT NULL", `{"lon":0,"lat":0}`},
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
		field  Field
		raw    any
		stored string // as SQL's quote() and typeof() show it
	}{
		{&TextField{}, "it's", `'it''s' text`},
		{&NumberField{}, 5.0, `5 integer`},
		{&NumberField{}, 5.5, `5.5 real`},
		{&NumberField{}, 1e20, `1.0e+20 real`},
		{&NumberField{}, "-0", `0 integer`},
		{&NumberField{}, "NaN", `0 integer`},
		{&NumberField{}, "Infinity", `0 integer`},
		{&BoolField{}, true, `1 integer`},
		{&DateField{}, "2024-01-02", `'2024-01-02 00:00:00.000Z' text`},
		{&SelectField{}, []any{"a", "b"}, `'b' text`},
		{&SelectField{MaxSelect: 2}, []any{"a", "b<"}, `'["a","b\u003c"]' text`},
		{&SelectField{MaxSelect: 2}, nil, `'[]' text`},
		{&JSONField{}, nil, `NULL null`},
		{&JSONField{}, "null", `'null' text`},
		{&JSONField{}, true, `'true' text`},
		{&JSONField{}, 1.5, `1.5 real`},
		{&JSONField{}, 1e5, `100000 integer`},
		{&JSONField{}, "5", `5 integer`},
		{&JSONField{}, "a<", `'"a<"' text`},
		{&JSONField{}, "", `'""' text`},
		{&JSONField{}, "[1, 2]", `'[1, 2]' text`},
		{&JSONField{}, map[string]any{"b": 1.0, "a": "<"}, `'{"a":"\u003c","b":1}' text`},
		{&GeoPointField{}, map[string]any{"lon": 1.0, "lat": 2.0}, `'{"lon":1,"lat":2}' text`},
		{&PasswordField{}, "plain", `'' text`},
		{&PasswordField{}, Password{Hash: "$2a$"}, `'$2a$' text`},
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
		field Field
		value Value
	}{
		{&TextField{}, "é\x00\"<"},
		{&NumberField{}, 0.1},
		{&BoolField{}, true},
		{&DateField{}, "2024-01-02 03:04:05.678Z"},
		{&SelectField{}, "a"},
		{&RelationField{MaxSelect: 3}, []string{"a", "\"b\"", "日本"}},
		{&FileField{MaxSelect: 3}, []string{}},
		{&JSONField{}, JSON(`{"a":[1,2]}`)},
		{&JSONField{}, JSON(nil)},
		{&GeoPointField{}, GeoPoint{Lon: -179.999999999999, Lat: 1e-9}},
		{&PasswordField{}, Password{Hash: "x"}},
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
	for _, f := range append(fields, &SelectField{MaxSelect: 2}, &FileField{MaxSelect: 2}, &RelationField{MaxSelect: 2}) {
		conn := testConn(t, f.Column())
		if err := sqlitex.ExecuteTransient(conn, "INSERT INTO t DEFAULT VALUES", nil); err != nil {
			t.Fatal(err)
		}
		checkColumn(t, f, firstRow(t, conn, "SELECT v FROM t"), string(f.AppendValue(nil, f.Zero())))
	}
	id := &TextField{PrimaryKey: true}
	conn := testConn(t, id.Column())
	if err := sqlitex.ExecuteTransient(conn, "INSERT INTO t DEFAULT VALUES", nil); err != nil {
		t.Fatal(err)
	}
	if v, _ := id.Scan(firstRow(t, conn, "SELECT v FROM t"), 0); len(v.(string)) != 15 || v.(string)[0] != 'r' {
		t.Errorf("default id %q, want r and 14 hex digits", v)
	}
}

// usualColumns are the values that lists mostly consist of; appending them must not allocate.
var usualColumns = []struct {
	field  Field
	stored string
}{
	{&TextField{}, `'abcdefghijklmno pqr'`},
	{&EditorField{}, `'<p>Some text &amp; more of it</p>'`},
	{&NumberField{}, `12345`},
	{&NumberField{}, `12.5`},
	{&BoolField{}, `1`},
	{&DateField{}, `'2024-01-02 03:04:05.678Z'`},
	{&SelectField{}, `'open'`},
	{&RelationField{MaxSelect: 9}, `'["abcdefghijklmno","bcdefghijklmnop"]'`},
	{&JSONField{}, `'{"a":[1,2,{"b":"c"}]}'`},
	{&GeoPointField{}, `'{"lon":23.319,"lat":42.697}'`},
}

func TestAppendColumnDoesNotAllocate(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	for _, column := range usualColumns {
		conn := testConn(t, column.field.Column())
		stmt := storeSQL(t, conn, column.stored)
		dst := make([]byte, 0, 1<<10)
		n := testing.AllocsPerRun(100, func() {
			var err error
			if dst, err = column.field.AppendColumn(dst[:0], stmt, 0); err != nil {
				t.Error(err)
			}
		})
		if n != 0 {
			t.Errorf("%s %s: %v allocations", column.field.Type(), column.stored, n)
		}
	}
}

func BenchmarkAppendColumn(b *testing.B) {
	for _, column := range usualColumns {
		b.Run(column.field.Type(), func(b *testing.B) {
			conn := testConn(b, column.field.Column())
			stmt := storeSQL(b, conn, column.stored)
			dst := make([]byte, 0, 1<<10)
			b.ReportAllocs()
			for b.Loop() {
				dst, _ = column.field.AppendColumn(dst[:0], stmt, 0)
			}
		})
	}
}
