package schema_test

import (
	"testing"

	"github.com/troupebase/troupe/storage/schema"
)

// usualColumns are the values that lists mostly consist of; appending them must not allocate.
var usualColumns = []struct {
	field  schema.Field
	stored string
}{
	{&schema.TextField{}, `'abcdefghijklmno pqr'`},
	{&schema.EditorField{}, `'<p>Some text &amp; more of it</p>'`},
	{&schema.NumberField{}, `12345`},
	{&schema.NumberField{}, `12.5`},
	{&schema.BoolField{}, `1`},
	{&schema.DateField{}, `'2024-01-02 03:04:05.678Z'`},
	{&schema.SelectField{}, `'open'`},
	{&schema.RelationField{MaxSelect: 9}, `'["abcdefghijklmno","bcdefghijklmnop"]'`},
	{&schema.JSONField{}, `'{"a":[1,2,{"b":"c"}]}'`},
	{&schema.GeoPointField{}, `'{"lon":23.319,"lat":42.697}'`},
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
