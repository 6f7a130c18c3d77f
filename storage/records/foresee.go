package records

import (
	"context"

	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// Foresee judges a write as far as that can be done before its body is read, so that nothing is spooled for those whom the rule
// refuses whatever they send. id is that of the record, "" for a new one. It fails as the command would: with
// [ErrNoCollection], [ErrView], [ErrForbidden], [ErrRule] or [ErrNotFound]; that it does not fail promises nothing.
func (s *Store) Foresee(ctx context.Context, action Action, collectionID, id string, who Caller) error {
	in := WriteInput{CollectionID: collectionID, Caller: who}
	rule := createRule
	switch action {
	case Updated:
		rule = updateRule
	case Deleted:
		rule = deleteRule
	}
	return s.db.Read(ctx, func(r *sqlite.Reader) error {
		cat := s.catalogue()
		c, err := in.open(cat, rule)
		if err != nil || in.trusted() {
			return err
		}
		return s.foresee(cat, r, c, action, id, *rule(c), who.Request)
	})
}

func (s *Store) foresee(cat *schema.Catalogue, p Preparer, c *schema.Collection, action Action, id, rule string, req *filter.Request) error {
	stored := action != Created
	if stored {
		there, err := exists(p, "SELECT 1 FROM "+sqlite.QuoteName(c.Name)+" WHERE `id` = ? LIMIT 1", id)
		if err != nil {
			return err
		}
		if !there {
			return ErrNotFound
		}
	}
	if rule == "" {
		return nil
	}
	e, err := s.parse(rule)
	if err != nil {
		return nil // the command says what is wrong with it
	}
	if e = e.WithoutBody(stored); e == nil {
		return nil
	}
	refusal := ErrRule
	var met bool
	if stored {
		refusal = ErrNotFound
		met, err = s.matchRow(cat, p, c, id, e, filter.Rule, req)
	} else {
		met, err = s.matchVirtual(cat, p, NewRecord(c), e, askCreated, filter.Rule, req)
	}
	if err != nil {
		return refused(err, refusal)
	}
	if !met {
		return refusal
	}
	return nil
}
