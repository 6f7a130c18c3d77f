package records

import (
	"context"
	"fmt"
	"strings"

	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// viewSample is how many records of a view that is tried out are shown.
const viewSample = 10

// TryView appends what a view query would make, as a JSON object of its fields and its first records, to dst. Nothing is
// stored. The error says why the query is refused and is meant for the operator.
func (s *Store) TryView(ctx context.Context, dst []byte, query string) ([]byte, error) {
	start := len(dst)
	err := s.db.Read(ctx, func(r *sqlite.Reader) error {
		dry, err := schema.TryView(r.Conn(), query, s.catalogue().Collections)
		if err != nil {
			return err
		}
		dst = append(dst[:start], `{"fields":[`...)
		for i, f := range dry.Collection.Fields {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(dst, schema.EncodeField(f)...)
		}
		dst = append(dst, `],"sample":[`...)
		if dst, err = appendSample(dst, r, dry); err != nil {
			return err
		}
		dst = append(dst, `]}`...)
		return nil
	})
	if err != nil {
		return dst[:start], err
	}
	return dst, nil
}

func appendSample(dst []byte, r *sqlite.Reader, dry *schema.DryView) ([]byte, error) {
	e := newEncoder(dry.Collection, layout{})
	stmt, err := r.Prepare(fmt.Sprintf("SELECT %s FROM %s LIMIT %d", strings.Join(e.columns, ", "), dry.From, viewSample))
	if err != nil {
		return dst, err
	}
	for {
		more, err := stmt.Step()
		if err != nil || !more {
			return dst, err
		}
		if dst[len(dst)-1] != '[' {
			dst = append(dst, ',')
		}
		if dst, _, err = e.row(dst, stmt, &audience{all: true}); err != nil {
			return dst, err
		}
	}
}
