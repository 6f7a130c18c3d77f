//go:build wasip1

package troupe

import "unsafe"

// Rows are the records that List found, in order.
//
//	for rows.Next() {
//		use(rows.Record())
//	}
//	return rows.Err()
type Rows struct {
	handle, record int32
	err            error
}

// Next goes to the next record, which makes the one before invalid. It is false at the end and after a failure.
func (r *Rows) Next() bool {
	if r.err != nil || r.handle == 0 {
		return false
	}
	n := hostRowsNext(r.handle)
	if n < 0 {
		r.err = hostError("rows_next", "", n)
	}
	r.record = max(n, 0)
	if n <= 0 {
		r.Close()
	}
	return n > 0
}

// Record is the current record.
func (r *Rows) Record() Record { return Record{r.record} }

// Err is why Next ended early, if it did.
func (r *Rows) Err() error { return r.err }

// Close gives the rows up. Next does so at the end.
func (r *Rows) Close() {
	if r.handle != 0 {
		hostClose(r.handle)
		r.handle = 0
	}
}

// SQL runs one statement. Params is an [Array] for ? in order, an [Object] for :name, or nil. It needs [AllowSQL].
func SQL(statement string, params JSON) (*SQLRows, error) {
	var json unsafe.Pointer
	var size uint32
	if params != nil {
		json, size = bytesPointer(params.JSON())
	}
	n := hostSQL(statement, json, size)
	if n < 0 {
		return nil, hostError("sql", "", n)
	}
	return &SQLRows{handle: n}, nil
}

// SQLRows are the rows of a statement, used as [Rows] are.
type SQLRows struct {
	handle int32
	err    error
}

// Next goes to the next row. It is false at the end and after a failure.
func (r *SQLRows) Next() bool {
	if r.err != nil {
		return false
	}
	n := hostRowsNext(r.handle)
	if n < 0 {
		r.err = hostError("rows_next", "", n)
	}
	return n > 0
}

// Row is the current row, a JSON array with a value per column.
func (r *SQLRows) Row() Value {
	for {
		buf, size := room()
		n := hostRowsJSON(r.handle, buf, size)
		if n < 0 {
			r.err = hostError("rows_json", "", n)
			return Value{}
		}
		if !grow(n) {
			v, err := ParseJSON(append([]byte(nil), buffer[:n]...))
			if err != nil {
				r.err = err
			}
			return v
		}
	}
}

// Affected is how many rows the statement changed.
func (r *SQLRows) Affected() int {
	n := hostRowsAffected(r.handle)
	if n < 0 {
		r.err = hostError("rows_affected", "", n)
		return 0
	}
	return int(n)
}

// Err is the first failure.
func (r *SQLRows) Err() error { return r.err }

// Close gives the rows up before the handler returns.
func (r *SQLRows) Close() { hostClose(r.handle) }
