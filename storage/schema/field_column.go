package schema

import (
	"slices"
	"strconv"

	"zombiezen.com/go/sqlite"
)

// The functions here read columns. They ask for the type of a column before anything else, because SQLite converts a
// value in place when it is asked for another form of it.

// appendRaw appends the bytes of a text or blob to dst, straight from SQLite's memory.
func appendRaw(dst []byte, stmt *sqlite.Stmt, col int) []byte {
	if free := dst[len(dst):cap(dst)]; len(free) > 0 {
		// Asking for the size first costs as much again as the copy of a usual value.
		if n := stmt.ColumnBytes(col, free); n < len(free) {
			return dst[:len(dst)+n]
		}
	}
	size := stmt.ColumnLen(col)
	dst = slices.Grow(dst, size)
	n := stmt.ColumnBytes(col, dst[len(dst):len(dst)+size])
	return dst[:len(dst)+n]
}

// columnText returns the value of a column as text: numbers in plain decimals, blobs as their bytes, NULL as "".
func columnText(stmt *sqlite.Stmt, col int) string {
	switch stmt.ColumnType(col) {
	case sqlite.TypeText:
		return stmt.ColumnText(col)
	case sqlite.TypeNull:
		return ""
	}
	return string(appendColumnRaw(nil, stmt, col))
}

// appendColumnRaw appends to dst what columnText returns.
func appendColumnRaw(dst []byte, stmt *sqlite.Stmt, col int) []byte {
	switch stmt.ColumnType(col) {
	case sqlite.TypeText, sqlite.TypeBlob:
		return appendRaw(dst, stmt, col)
	case sqlite.TypeInteger:
		return strconv.AppendInt(dst, stmt.ColumnInt64(col), 10)
	case sqlite.TypeFloat:
		return strconv.AppendFloat(dst, stmt.ColumnFloat(col), 'f', -1, 64)
	}
	return dst
}

// appendTextColumn appends what columnText returns as a JSON string.
func appendTextColumn(dst []byte, stmt *sqlite.Stmt, col int) []byte {
	// The quote in front saves escapeTail from moving the text, which is the usual case.
	dst = append(dst, '"')
	start := len(dst)
	dst = appendColumnRaw(dst, stmt, col)
	for _, c := range dst[start:] {
		if !plainJSON[c] {
			end := len(dst)
			dst = appendEscaped(dst, dst[start:end])
			dst = dst[:start+copy(dst[start:], dst[end:])]
			break
		}
	}
	return append(dst, '"')
}

// bindText binds v as text; a value of another form, which no field makes, is bound as "".
func bindText(stmt *sqlite.Stmt, param int, v Value) {
	s, _ := v.(string)
	stmt.BindText(param, s)
}

// appendText appends v as a JSON string.
func appendText(dst []byte, v Value) []byte {
	s, _ := v.(string)
	return AppendJSONString(dst, s)
}
