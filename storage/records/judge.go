package records

import (
	"fmt"
	"strings"

	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/schema"
)

// judgeRow tells whether the stored record with that id meets a rule. A rule that cannot be evaluated is an error.
func (s *Store) judgeRow(cat *schema.Catalogue, p preparer, c *schema.Collection, id, rule string, req *filter.Request) (bool, error) {
	return s.Matches(cat, p, c, id, Condition{Text: rule, Trust: filter.Rule}, req)
}

// Condition is an expression and who wrote it.
type Condition struct {
	Text  string
	Trust filter.Trust
}

// Matches tells whether the stored record with that id meets a condition; the empty one is always met. It fails with
// [ErrQuery] when the condition cannot be evaluated. p is a Reader or the Writer's transaction.
func (s *Store) Matches(cat *schema.Catalogue, p preparer, c *schema.Collection, id string, cond Condition, req *filter.Request) (bool, error) {
	if cond.Text == "" {
		return true, nil
	}
	e, err := s.parse(cond.Text)
	if err != nil {
		return false, err
	}
	a := &ask{kind: askOne, c: c, filter: e, trust: cond.Trust}
	plan, err := s.plan(cat, a, req)
	if err != nil {
		return false, err
	}
	stmt, err := plan.prepare(p)
	if err != nil {
		return false, fmt.Errorf("%w: %w", ErrQuery, err)
	}
	next, err := plan.query.Bind(stmt, 1, req, nil)
	if err != nil {
		return false, err
	}
	stmt.BindText(next, id)
	found, err := stmt.Step()
	if err != nil {
		return false, fmt.Errorf("%w: %w", ErrQuery, err)
	}
	return found, stmt.Reset()
}

// judgeVirtual tells whether a record that is not stored yet meets a rule.
func (s *Store) judgeVirtual(cat *schema.Catalogue, p preparer, r *Record, rule string, req *filter.Request) (bool, error) {
	if rule == "" {
		return true, nil
	}
	e, err := s.parse(rule)
	if err != nil {
		return false, err
	}
	pc := s.compiled(cat)
	key := append([]byte{'n', 0}, r.Collection.ID...)
	key = append(append(append(key, 0), rule...), 0)
	plan, err := pc.plan(filter.Shape(key, e, req), func() (*plan, error) {
		b := filter.NewBuilder(cat, r.Collection, req)
		b.Virtual()
		if err := b.Where(e, filter.Rule); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrQuery, err)
		}
		q := b.Build()
		var sql strings.Builder
		sql.WriteString("SELECT 1 FROM " + q.From + " WHERE " + q.Where + " LIMIT 1")
		return &plan{query: q, sql: sql.String()}, nil
	})
	if err != nil {
		return false, err
	}
	stmt, err := p.Prepare(plan.sql)
	if err != nil {
		return false, fmt.Errorf("%w: %w", ErrQuery, err)
	}
	if _, err := plan.query.Bind(stmt, 1, req, r.Values); err != nil {
		return false, err
	}
	found, err := stmt.Step()
	if err != nil {
		return false, fmt.Errorf("%w: %w", ErrQuery, err)
	}
	return found, stmt.Reset()
}
