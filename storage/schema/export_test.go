package schema

// What tests of the public surface need of the inside.
var (
	DeriveView = deriveView
	FromRow    = fromRow
)

// Row is the stored form of a collection.
type Row = row

// Row returns the stored form of c.
func (c *Collection) Row() Row { return c.row() }
