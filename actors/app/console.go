package app

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// consoleTimeout bounds the SQL of a superuser that changes something: everybody else's writes wait meanwhile, as for a truncate. What only reads ends
// with the limit on reads.
const consoleTimeout = 30 * time.Second

// writingWords are the first words of SQL that changes something; everything else is read.
var writingWords = []string{"INSERT", "CREATE", "UPDATE", "DELETE", "DROP", "DETACH", "ALTER", "REPLACE"}

var (
	placeholder = regexp.MustCompile(`\{:(\w+)\}`)
	quotedName  = regexp.MustCompile(`\[\[([^\[\]]*)\]\]|\{\{([^{}]*)\}\}`)
)

// Console runs the SQL of a superuser, on behalf of the client in ctx; the result is to be released: what changes something in a transaction of its own, after which everything that was
// compiled counts as stale; the rest on a Reader. The error's text is meant for the operator.
func (a *App) Console(ctx context.Context, query string) (out *sqlite.ConsoleResult, err error) {
	ctx, cancel := context.WithTimeout(ctx, consoleTimeout)
	defer cancel()
	query = strings.TrimSpace(query)
	if query == "" {
		return nil, sqlite.ErrEmptyQuery
	}
	if m := placeholder.FindStringSubmatch(query); m != nil {
		return nil, errors.New("Named parameter not found: " + m[1])
	}
	query = quotedName.ReplaceAllString(query, "`$1$2`")
	upper := strings.ToUpper(query)
	if !slices.ContainsFunc(writingWords, func(w string) bool { return strings.HasPrefix(upper, w) }) {
		err = a.db.Read(ctx, func(r *sqlite.Reader) error {
			if err := a.authorize(ctx, r); err != nil {
				return err
			}
			out.Release() // of a run before
			out, err = r.Console(query)
			return err
		})
		return out, err
	}
	err = a.schemaOrder(ctx, &schemaOrder{run: func() error {
		before := a.Catalogue()
		return a.db.Change(ctx, func(tx *sqlite.Tx) (err error) {
			if err := a.authorize(ctx, tx); err != nil {
				return err
			}
			out, err = tx.Console(ctx, query)
			return err
		}, func() { a.catalogue.Store(schema.NewCatalogue(before.Number+1, before.Collections)) })
	}})
	if err != nil {
		return nil, err
	}
	out.Columns = nil
	return out, nil
}
