package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	zsqlite "zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
	"github.com/troupebase/troupe/wasmhost"
)

// SQL implements wasmhost.Host. What only reads runs on a Reader, what writes alone in a transaction; both join the
// transaction that the chain holds.
func (h guestHost) SQL(ctx context.Context, statement string, params wasmhost.Params) (*wasmhost.Rows, error) {
	q := &sqlite.Query{SQL: statement, MaxRows: wasmhost.MaxSQLRows}
	if err := bindGuest(q, params); err != nil {
		return nil, err
	}
	out, err := h.query(ctx, q)
	if err != nil {
		return nil, knownSQL(err)
	}
	if out.More {
		return nil, &wasmhost.Error{Errno: wasmhost.Limit, Message: fmt.Sprintf("more than %d rows", wasmhost.MaxSQLRows)}
	}
	rows := &wasmhost.Rows{Affected: int64(out.Affected), Rows: make([][]byte, len(out.Rows))}
	for i, row := range out.Rows {
		rows.Rows[i] = row
	}
	return rows, nil
}

func (h guestHost) query(ctx context.Context, q *sqlite.Query) (out *sqlite.QueryResult, err error) {
	if !writes.InTransaction(ctx) {
		err = h.a.db.Read(ctx, func(r *sqlite.Reader) error {
			h.guard(ctx, q)
			reads, err := r.ReadOnly(q)
			if err == nil && !reads {
				err = sqlite.ErrWrites
			}
			if err == nil {
				out, err = r.Query(ctx, q)
			}
			return ofStatement(err)
		})
		if !errors.Is(err, sqlite.ErrWrites) {
			return out, err
		}
	}
	err = h.a.RunInTransaction(ctx, func(ctx context.Context) error {
		return writes.WithTx(ctx, func(tx *sqlite.Tx) (err error) {
			h.guard(ctx, q)
			out, err = tx.Query(ctx, q)
			return ofStatement(err)
		})
	})
	return out, err
}

// guard tells a statement what it may not touch, by the collections as they are when it runs: passwords under whatever name,
// keys of tokens, and without the grant what decides who can sign in.
func (h guestHost) guard(ctx context.Context, q *sqlite.Query) {
	q.Secret, q.Fixed = make(map[string][]string), make(map[string][]string)
	free := wasmhost.Of(ctx).Granted(wasmhost.Credentials)
	for _, c := range h.a.Catalogue().Collections {
		table := strings.ToLower(c.Name)
		for _, f := range c.Fields {
			if schema.Secret(c, f) {
				q.Secret[table] = append(q.Secret[table], strings.ToLower(f.Base().Name))
			}
		}
		if c.IsAuth() && !free {
			q.Fixed[table] = []string{"email", "verified"}
		}
	}
}

// statementError is a failure of a guest's statement, in contrast to one of what it ran in.
type statementError struct{ error }

// Unwrap returns the failure.
func (e statementError) Unwrap() error { return e.error }

func ofStatement(err error) error {
	if err == nil {
		return nil
	}
	return statementError{err}
}

// bindGuest decodes the parameters of a guest.
func bindGuest(q *sqlite.Query, params wasmhost.Params) error {
	for _, raw := range params.Positional {
		v, err := sqlValue(raw)
		if err != nil {
			return err
		}
		q.Args = append(q.Args, v)
	}
	for name, raw := range params.Named {
		v, err := sqlValue(raw)
		if err != nil {
			return err
		}
		if q.Named == nil {
			q.Named = make(map[string]any, len(params.Named))
		}
		q.Named[name] = v
	}
	return nil
}

// sqlValue is a JSON value as it is bound: lists and objects as their text.
func sqlValue(raw json.RawMessage) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, errBadJSON
	}
	switch v.(type) {
	case nil, bool, string, json.Number:
		return v, nil
	}
	return string(raw), nil
}

// knownSQL is [known] for statements. SQLite's own words help whoever wrote the statement, and tell nothing that the guest could
// not read.
func knownSQL(err error) error {
	var class wasmhost.Errno
	var unique *sqlite.UniqueError
	var own statementError
	switch {
	case !errors.As(err, &own):
		return known(err)
	case errors.Is(err, sqlite.ErrDenied):
		class = wasmhost.Forbidden
	case errors.As(err, &unique), zsqlite.ErrCode(err).ToPrimary() == zsqlite.ResultConstraint:
		class = wasmhost.Failed
	case errors.Is(err, sqlite.ErrTooLarge):
		class = wasmhost.Limit
	case errors.Is(err, sqlite.ErrInterrupted):
		class = wasmhost.Busy
	case errors.Is(err, sqlite.ErrSeveral), errors.Is(err, sqlite.ErrEmptyQuery), errors.Is(err, sqlite.ErrParameters),
		zsqlite.ErrCode(err).ToPrimary() == zsqlite.ResultError:
		class = wasmhost.Invalid
	default:
		return known(err)
	}
	return &wasmhost.Error{Errno: class, Message: err.Error()}
}
