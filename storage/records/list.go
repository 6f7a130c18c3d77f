package records

import (
	"context"
	"fmt"
	"strconv"

	zsqlite "zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records/expand"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// The page sizes of lists (records.md 2).
const (
	DefaultPerPage = 30
	MaxPerPage     = 1000
)

// ListInput is what a list asks for.
type ListInput struct {
	// CollectionID names the collection; it is looked up in the catalogue that the list is read under.
	CollectionID string
	Caller       Caller
	// Page begins with 1. PerPage is between 1 and MaxPerPage.
	Page, PerPage int
	SkipTotal     bool
	Sort          string
	Filter        string
	Expand        string
	// Room is asked while the page grows whether there is room for so many bytes of it; its error ends the list. Nil means there is.
	Room func(bytes int) error
}

// List appends a page as a JSON object to dst. It fails with [ErrNoCollection], [ErrForbidden], filter.ErrCollectionFilter,
// filter.ErrRequestFilter, [ErrQuery], an *expand.LimitError, what in.Room fails with, or the errors of sqlite.DB.Read; dst is returned as it was then. empty tells that
// a filter found nothing in a collection whose rule hides records, which a caller who guesses would like to know.
func (s *Store) List(ctx context.Context, dst []byte, in *ListInput) (out []byte, empty bool, err error) {
	start := len(dst)
	var draft *AnswerDraft
	var total int
	err = s.db.Read(ctx, func(r *sqlite.Reader) error {
		l := lister{s: s, ctx: ctx, in: in, r: r, cat: s.catalogue()}
		var err error
		dst, err = l.run(dst[:start])
		empty = l.count == 0 && l.guarded && in.Filter != ""
		draft, total = l.draft, l.total
		return err
	})
	if err == nil && draft != nil {
		if dst, err = draft.Append(ctx, dst); err == nil {
			dst = appendPage(dst, in, total)
		}
	}
	if err != nil {
		return dst[:start], false, err
	}
	return dst, empty, nil
}

// lister is one run of a list.
type lister struct {
	s       *Store
	ctx     context.Context
	in      *ListInput
	r       *sqlite.Reader
	cat     *schema.Catalogue
	count   int          // records on the page
	guarded bool         // the rule hides records
	total   int          // -1 when nobody wants to know
	draft   *AnswerDraft // what user code has to see before the page is finished
}

func (l *lister) run(dst []byte) ([]byte, error) {
	c := l.cat.ByID(l.in.CollectionID)
	if c == nil {
		return dst, ErrNoCollection
	}
	who, err := l.s.Current(l.cat, l.r, l.in.Caller)
	if err != nil {
		return dst, err
	}
	if who != l.in.Caller {
		fresh := *l.in
		fresh.Caller, l.in = who, &fresh
	}
	a, err := l.s.ask(askList, c, c.ListRule, &l.in.Caller)
	if err != nil {
		return dst, err
	}
	l.guarded = a.rule != nil
	if err := l.client(a); err != nil {
		return dst, err
	}
	if err := expand.Check(l.in.Expand); err != nil {
		return dst, err
	}
	x := l.s.answering(l.ctx, l.cat, l.r, &l.in.Caller, l.s.opts.ExpandAll, l.in.Caller.Superuser)
	defer x.Release()
	steps := x.Steps(c, l.in.Expand)
	a.relations = x.Relations(c, steps)
	p, err := l.s.plan(l.cat, a, l.in.Caller.Request)
	if err != nil {
		return dst, err
	}
	l.total = -1
	if !l.in.SkipTotal {
		if l.total, err = l.s.total(l.ctx, l.r, p, l.in.Caller.Request); err != nil {
			return dst, err
		}
	}
	dst = append(dst, `{"items":[`...)
	if dst, err = l.items(dst, p, c, x, steps); err != nil || l.draft != nil {
		return dst, err
	}
	return appendPage(dst, l.in, l.total), nil
}

// client parses what the client asked for beside the rule.
func (l *lister) client(a *ask) error {
	if !l.in.Caller.Superuser {
		if err := filter.CheckClient(l.in.Filter, l.in.Sort); err != nil {
			return err
		}
	}
	if len(l.in.Filter) > filter.MaxClientFilter {
		return fmt.Errorf("%w: filter is too long", ErrQuery)
	}
	var err error
	a.filter, err = l.s.parse(l.in.Filter)
	a.sort = l.in.Sort
	return err
}

func (l *lister) items(dst []byte, p *plan, c *schema.Collection, x *answer, steps []*expand.Step) ([]byte, error) {
	who, err := l.audience(p, c)
	if err != nil {
		return dst, err
	}
	stmt, err := l.page(p)
	if err != nil {
		return dst, err
	}
	if p.encoder.full || x.Wants(c, steps) {
		l.s.memory.Lend(&x.Answer)
		x.grows = l.in.Room
		nodes, err := x.collect(stmt, p, who, &l.in.Caller, nil)
		x.grows = nil
		if err != nil {
			return dst, err
		}
		l.count = len(nodes)
		if err := x.Expand(nodes, c, steps); err != nil {
			return dst, err
		}
		if l.draft = x.draft(nodes); l.draft != nil {
			return dst, nil
		}
		dst = expand.AppendNodes(dst, nodes)
		l.s.memory.Take(&x.Answer)
		return dst, nil
	}
	for {
		more, err := stmt.Step()
		if err != nil {
			return dst, failure(err)
		}
		if !more {
			return dst, nil
		}
		if l.count > 0 {
			dst = append(dst, ',')
		}
		if dst, _, err = p.encoder.row(dst, stmt, who); err != nil {
			return dst, fmt.Errorf("%w: %w", ErrQuery, err)
		}
		if l.in.Room != nil {
			if err := l.in.Room(len(dst)); err != nil {
				return dst, err
			}
		}
		l.count++
	}
}

// page prepares and binds the statement of the page.
func (l *lister) page(p *plan) (*zsqlite.Stmt, error) {
	stmt, err := p.prepare(l.r)
	if err != nil {
		return nil, failure(err)
	}
	next, err := p.query.Bind(stmt, 1, l.in.Caller.Request, nil)
	if err != nil {
		return nil, err
	}
	stmt.BindInt64(next, int64(l.in.PerPage))
	stmt.BindInt64(next+1, offset(l.in.Page, l.in.PerPage))
	return stmt, nil
}

// offset is where a page begins; one that no table can have is as good as the largest number.
func offset(page, perPage int) int64 {
	const most = 1<<63 - 1
	if int64(page-1) > most/int64(perPage) {
		return most
	}
	return int64(page-1) * int64(perPage)
}

// audience works out whose emails the caller sees. Where the manage rule decides, the page is read once for its ids.
func (l *lister) audience(p *plan, c *schema.Collection) (*audience, error) {
	who := newAudience(&l.in.Caller, c)
	if !p.encoder.conditional || !needsManage(c, &l.in.Caller) {
		return who, nil
	}
	stmt, err := l.page(p)
	if err != nil {
		return nil, err
	}
	ids, err := readIDs(stmt)
	if err != nil {
		return nil, err
	}
	who.managed, err = l.s.managed(l.cat, l.r, c, ids, l.in.Caller.Request)
	return who, err
}

func appendPage(dst []byte, in *ListInput, total int) []byte {
	pages := -1
	if total >= 0 {
		pages = (total + in.PerPage - 1) / in.PerPage
	}
	dst = append(dst, `],"page":`...)
	dst = strconv.AppendInt(dst, int64(in.Page), 10)
	dst = append(dst, `,"perPage":`...)
	dst = strconv.AppendInt(dst, int64(in.PerPage), 10)
	dst = append(dst, `,"totalItems":`...)
	dst = strconv.AppendInt(dst, int64(total), 10)
	dst = append(dst, `,"totalPages":`...)
	dst = strconv.AppendInt(dst, int64(pages), 10)
	return append(dst, '}')
}

// ask begins a read under a rule. It fails with [ErrForbidden] when the rule is null and the caller no superuser.
func (s *Store) ask(kind byte, c *schema.Collection, rule *string, caller *Caller) (*ask, error) {
	a := &ask{kind: kind, c: c, hidden: caller.Superuser, full: s.Enriches(c), trust: filter.Client}
	if caller.Superuser {
		a.trust = filter.Superuser
		return a, nil
	}
	if rule == nil {
		return nil, ErrForbidden
	}
	var err error
	a.rule, err = s.parse(*rule)
	return a, err
}

func newAudience(caller *Caller, c *schema.Collection) *audience {
	a := &audience{all: caller.Superuser}
	if id := caller.Request.Auth; id != nil && id.Collection.ID == c.ID {
		a.self = id.ID
	}
	return a
}

// needsManage tells whether the manage rule of c has a say for the caller: it is for signed-in records only.
func needsManage(c *schema.Collection, caller *Caller) bool {
	return !caller.Superuser && caller.Request.Auth != nil && c.Auth != nil && c.Auth.ManageRule != nil && *c.Auth.ManageRule != ""
}

// managed returns those of the ids whose record the caller manages. A rule that cannot be evaluated is met by none.
func (s *Store) managed(cat *schema.Catalogue, p Preparer, c *schema.Collection, ids []string, req *filter.Request) (map[string]bool, error) {
	found := make(map[string]bool)
	if len(ids) == 0 {
		return found, nil
	}
	rule, err := s.parse(*c.Auth.ManageRule)
	if err != nil {
		return found, nil
	}
	plan, err := s.plan(cat, &ask{kind: askByID, c: c, rule: rule}, req)
	if err != nil {
		return found, nil
	}
	stmt, err := plan.prepare(p)
	if err != nil {
		return nil, fmt.Errorf("judge manage rule of %s: %w", c.Name, err)
	}
	if err := plan.bindIDs(stmt, req, ids); err != nil {
		return nil, err
	}
	for {
		more, err := stmt.Step()
		if err != nil {
			return nil, fmt.Errorf("judge manage rule of %s: %w", c.Name, err)
		}
		if !more {
			return found, nil
		}
		found[stmt.ColumnText(idColumn)] = true
	}
}
