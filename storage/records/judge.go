package records

import (
	"fmt"
	"strings"

	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/schema"
)

// judgeRow tells whether the stored record with that id meets a rule. A rule that cannot be evaluated is an error.
func (s *Store) judgeRow(cat *schema.Catalogue, p Preparer, c *schema.Collection, id, rule string, req *filter.Request) (bool, error) {
	return s.Matches(cat, p, c, id, Condition{Text: rule, Trust: filter.Rule}, req)
}

// Condition is an expression and who wrote it.
type Condition struct {
	Text  string
	Trust filter.Trust
}

// Matches tells whether the stored record with that id meets a condition; the empty one is always met. It fails with
// [ErrQuery] when the condition cannot be evaluated. p is a Reader or the Writer's transaction.
func (s *Store) Matches(cat *schema.Catalogue, p Preparer, c *schema.Collection, id string, cond Condition, req *filter.Request) (bool, error) {
	if cond.Text == "" {
		return true, nil
	}
	e, err := s.parse(cond.Text)
	if err != nil {
		return false, err
	}
	return s.matchRow(cat, p, c, id, e, cond.Trust, req)
}

func (s *Store) matchRow(cat *schema.Catalogue, p Preparer, c *schema.Collection, id string, e *filter.Expr, trust filter.Trust, req *filter.Request) (bool, error) {
	a := &ask{kind: askOne, c: c, filter: e, trust: trust}
	plan, err := s.plan(cat, a, req)
	if err != nil {
		return false, err
	}
	stmt, err := plan.prepare(p)
	if err != nil {
		return false, failure(err)
	}
	next, err := plan.query.Bind(stmt, 1, req, nil)
	if err != nil {
		return false, err
	}
	stmt.BindText(next, id)
	found, err := stmt.Step()
	if err != nil {
		return false, failure(err)
	}
	return found, stmt.Reset()
}

// judgeVirtual tells whether a record that is not stored yet meets a rule.
func (s *Store) judgeVirtual(cat *schema.Catalogue, p Preparer, r *Record, rule string, req *filter.Request) (bool, error) {
	if rule == "" {
		return true, nil
	}
	e, err := s.parse(rule)
	if err != nil {
		return false, err
	}
	return s.matchVirtual(cat, p, r, e, askCreated, filter.Rule, req)
}

// MatchesRecord tells whether a record as it is in memory meets a condition, whatever has become of its row; what the
// condition reads of other records comes from p. It fails like [Store.Matches].
func (s *Store) MatchesRecord(cat *schema.Catalogue, p Preparer, r *Record, cond Condition, req *filter.Request) (bool, error) {
	if met, decided := s.Decide(r, cond, req); decided {
		return met, nil
	}
	e, err := s.parse(cond.Text)
	if err != nil {
		return false, err
	}
	return s.matchVirtual(cat, p, r, e, askInMemory, cond.Trust, req)
}

// Decide is [Store.MatchesRecord] without a database: decided is false when it takes one.
func (s *Store) Decide(r *Record, cond Condition, req *filter.Request) (met, decided bool) {
	if cond.Text == "" {
		return true, true
	}
	e, err := s.parse(cond.Text)
	if err != nil || cond.Trust != filter.Rule {
		return false, false
	}
	return filter.Eval(e, r.Collection, r.Values, req)
}

func (s *Store) matchVirtual(cat *schema.Catalogue, p Preparer, r *Record, e *filter.Expr, kind byte, trust filter.Trust, req *filter.Request) (bool, error) {
	plan, err := s.virtualPlan(cat, r.Collection, e, kind, trust, req)
	if err != nil {
		return false, err
	}
	stmt, err := p.Prepare(plan.sql)
	if err != nil {
		return false, failure(err)
	}
	if _, err := plan.query.Bind(stmt, 1, req, r.Values); err != nil {
		return false, err
	}
	found, err := stmt.Step()
	if err != nil {
		return false, failure(err)
	}
	return found, stmt.Reset()
}

// virtualPlan returns the compiled form of a condition on a record that need not be stored, or that a request is about to
// create.
func (s *Store) virtualPlan(cat *schema.Catalogue, c *schema.Collection, e *filter.Expr, kind byte, trust filter.Trust, req *filter.Request) (*plan, error) {
	make := func() (*plan, error) {
		b := filter.NewBuilder(cat, c, req)
		if kind == askCreated {
			b.Created()
		} else {
			b.Virtual()
		}
		if err := b.Where(e, trust); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrQuery, err)
		}
		q := b.Build()
		var sql strings.Builder
		sql.WriteString("SELECT 1 FROM " + q.From + " WHERE " + q.Where + " LIMIT 1")
		return &plan{query: q, sql: sql.String()}, nil
	}
	if cat.ByID(c.ID) != c {
		return make() // a record from before a change of its collection
	}
	pc := s.compiled(cat)
	key := append([]byte{kind, byte('0' + trust), 0}, c.ID...)
	key = append(append(append(key, 0), e.String()...), 0)
	key = filter.Shape(key, e, req)
	p, err := pc.plan(key, make)
	if err != nil || !p.query.Demanding() {
		return p, err
	}
	return pc.plan(p.query.Shape(append(key, 0), req), make)
}
