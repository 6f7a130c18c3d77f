package schema

// The columns of fields that hold one text, and of those that hold a list.
const (
	textColumn = "TEXT DEFAULT '' NOT NULL"
	jsonColumn = "JSON DEFAULT '[]' NOT NULL"
)

func listColumn(multiple bool) string {
	if multiple {
		return jsonColumn
	}
	return textColumn
}

func listZero(multiple bool) Value {
	if multiple {
		return []string{}
	}
	return ""
}
