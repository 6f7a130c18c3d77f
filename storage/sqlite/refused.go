package sqlite

import zsqlite "zombiezen.com/go/sqlite"

// RefusedByData tells whether a statement failed for what the data is, a constraint or what a trigger raises, so that it will fail again.
func RefusedByData(err error) bool {
	switch zsqlite.ErrCode(err).ToPrimary() {
	case zsqlite.ResultConstraint, zsqlite.ResultError, zsqlite.ResultMismatch:
		return true
	}
	return false
}
