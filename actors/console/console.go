// Package console runs the SQL of superusers.
package console

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/troupebase/troupe/actors/authority"
	"github.com/troupebase/troupe/actors/catalogue"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/sqlite"
)

// timeout bounds the SQL of a superuser that changes something: everybody else's writes wait meanwhile, as for a truncate. What only reads ends
// with the limit on reads.
const timeout = 30 * time.Second

// writingWords are the first words of SQL that changes something; everything else is read.
var writingWords = []string{"INSERT", "CREATE", "UPDATE", "DELETE", "DROP", "DETACH", "ALTER", "REPLACE"}

var (
	placeholder = regexp.MustCompile(`\{:(\w+)\}`)
	quotedName  = regexp.MustCompile(`\[\[([^\[\]]*)\]\]|\{\{([^{}]*)\}\}`)
)

// Console runs SQL. Make one with [New]. It is safe for concurrent use.
type Console struct {
	db        *sqlite.DB
	store     *records.Store
	catalogue *catalogue.Service
}

// New returns the console of a database.
func New(db *sqlite.DB, store *records.Store, collections *catalogue.Service) *Console {
	return &Console{db: db, store: store, catalogue: collections}
}

// Run runs a statement on behalf of the superuser in ctx, see [authority.ActingAs]. One that changes something has a transaction of its own,
// after which everything that was compiled counts as stale; any other runs on a Reader. The caller releases the result. The error's text
// is meant for the operator.
func (c *Console) Run(ctx context.Context, query string) (out *sqlite.ConsoleResult, err error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
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
		err = c.db.Read(ctx, func(r *sqlite.Reader) error {
			if err := c.authorize(ctx, r); err != nil {
				return err
			}
			out.Release() // of a run before
			out, err = r.Console(query)
			return err
		})
		return out, err
	}
	err = c.catalogue.RunAlone(ctx, func(tx *sqlite.Tx) (err error) {
		if err := c.authorize(ctx, tx); err != nil {
			return err
		}
		out, err = tx.Console(ctx, query)
		return err
	})
	if err != nil {
		return nil, err
	}
	out.Columns = nil
	return out, nil
}

func (c *Console) authorize(ctx context.Context, p records.Preparer) error {
	return authority.Check(c.store, c.catalogue.Current(), p, authority.Of(ctx))
}
