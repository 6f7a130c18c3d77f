package sqlite

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	zsqlite "zombiezen.com/go/sqlite"
)

// maxExactInt is the largest number up to which a float64 tells all integers apart.
const maxExactInt = 1 << 53

// bind gives the statement its values.
func (q *Query) bind(stmt *zsqlite.Stmt) error {
	n := stmt.BindParamCount()
	if q.Named == nil && len(q.Args) != n {
		return fmt.Errorf("%w: the statement has %d, there are values for %d", ErrParameters, n, len(q.Args))
	}
	if q.Named != nil && len(q.Args) > 0 {
		return fmt.Errorf("%w: values both in order and by name", ErrParameters)
	}
	for i := 1; i <= n; i++ {
		var v any
		switch name := stmt.BindParamName(i); {
		case q.Named == nil:
			v = q.Args[i-1]
		case len(name) < 2:
			return fmt.Errorf("%w: number %d has no name", ErrParameters, i)
		default:
			var ok bool
			if v, ok = q.Named[name[1:]]; !ok {
				return fmt.Errorf("%w: no value for %s", ErrParameters, name)
			}
		}
		if err := bindValue(stmt, i, v); err != nil {
			return fmt.Errorf("%w: number %d: %w", ErrParameters, i, err)
		}
	}
	return nil
}

// bindValue is [Bind] for a value that may come from JSON: whole numbers are integers.
func bindValue(stmt *zsqlite.Stmt, at int, v any) error {
	switch v := v.(type) {
	case float64:
		bindNumber(stmt, at, v)
	case json.Number:
		if n, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
			stmt.BindInt64(at, n)
			return nil
		}
		f, err := v.Float64()
		if err != nil {
			return err
		}
		bindNumber(stmt, at, f)
	default:
		return bindOne(stmt, at, v)
	}
	return nil
}

func bindNumber(stmt *zsqlite.Stmt, at int, f float64) {
	if f == math.Trunc(f) && math.Abs(f) <= maxExactInt {
		stmt.BindInt64(at, int64(f))
		return
	}
	stmt.BindFloat(at, f)
}

// appendJSONRow appends the current row as a JSON array.
func appendJSONRow(dst []byte, stmt *zsqlite.Stmt) ([]byte, error) {
	dst = append(dst, '[')
	for i := range stmt.ColumnCount() {
		if i > 0 {
			dst = append(dst, ',')
		}
		switch stmt.ColumnType(i) {
		case zsqlite.TypeInteger:
			dst = strconv.AppendInt(dst, stmt.ColumnInt64(i), 10)
		case zsqlite.TypeFloat:
			if f := stmt.ColumnFloat(i); math.IsInf(f, 0) {
				dst = append(dst, "null"...)
			} else {
				dst = strconv.AppendFloat(dst, f, 'g', -1, 64)
			}
		case zsqlite.TypeText:
			text, err := json.Marshal(stmt.ColumnText(i))
			if err != nil {
				return nil, fmt.Errorf("column %d: %w", i, err)
			}
			dst = append(dst, text...)
		case zsqlite.TypeBlob:
			blob := make([]byte, stmt.ColumnLen(i))
			stmt.ColumnBytes(i, blob)
			dst = append(base64.StdEncoding.AppendEncode(append(dst, '"'), blob), '"')
		default:
			dst = append(dst, "null"...)
		}
	}
	return append(dst, ']'), nil
}
