package records

import (
	"context"
	"fmt"

	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// ListCollections appends a page of the definitions of all collections as a JSON object to dst. in.CollectionID and
// in.Expand mean nothing here. It fails with [ErrQuery] or the errors of sqlite.DB.Read.
func (s *Store) ListCollections(ctx context.Context, dst []byte, in *ListInput) ([]byte, error) {
	start := len(dst)
	err := s.db.Read(ctx, func(r *sqlite.Reader) error {
		cat := s.catalogue()
		q, err := s.definitionsQuery(cat, in)
		if err != nil {
			return err
		}
		p := &plan{query: q}
		p.writeCount("`_collections`.`id`")
		total := -1
		if !in.SkipTotal {
			if total, err = count(r, p, in.Caller.Request); err != nil {
				return err
			}
		}
		dst = append(dst[:start], `{"items":[`...)
		if dst, err = appendDefinitions(dst, cat, r, q, in); err != nil {
			return err
		}
		dst = appendPage(dst, in, total)
		return nil
	})
	if err != nil {
		return dst[:start], err
	}
	return dst, nil
}

func (s *Store) definitionsQuery(cat *schema.Catalogue, in *ListInput) (*filter.Query, error) {
	if len(in.Filter) > filter.MaxClientFilter {
		return nil, fmt.Errorf("%w: filter is too long", ErrQuery)
	}
	b := filter.NewBuilder(cat, schema.RowsCollection(), in.Caller.Request)
	b.Plain()
	e, err := s.parse(in.Filter)
	if err != nil {
		return nil, err
	}
	if e != nil {
		if err := b.Where(e, filter.Superuser); err != nil {
			return nil, fmt.Errorf("%w: filter: %w", ErrQuery, err)
		}
	}
	if in.Sort != "" {
		if err := b.OrderBy(in.Sort, filter.Superuser); err != nil {
			return nil, fmt.Errorf("%w: sort: %w", ErrQuery, err)
		}
	}
	return b.Build(), nil
}

func appendDefinitions(dst []byte, cat *schema.Catalogue, r *sqlite.Reader, q *filter.Query, in *ListInput) ([]byte, error) {
	sql := "SELECT `_collections`.`id` FROM " + q.From
	if q.Where != "" {
		sql += " WHERE " + q.Where
	}
	if q.Order != "" {
		sql += " ORDER BY " + q.Order
	} else {
		sql += " ORDER BY `_collections`._rowid_"
	}
	stmt, err := r.Prepare(sql + " LIMIT +? OFFSET +?")
	if err != nil {
		return dst, failure(err)
	}
	next, err := q.Bind(stmt, 1, in.Caller.Request, nil)
	if err != nil {
		return dst, err
	}
	stmt.BindInt64(next, int64(in.PerPage))
	stmt.BindInt64(next+1, offset(in.Page, in.PerPage))
	for {
		more, err := stmt.Step()
		if err != nil {
			return dst, failure(err)
		}
		if !more {
			return dst, nil
		}
		c := cat.ByID(stmt.ColumnText(0))
		if c == nil {
			continue
		}
		if dst[len(dst)-1] != '[' {
			dst = append(dst, ',')
		}
		dst = c.AppendAPI(dst)
	}
}
