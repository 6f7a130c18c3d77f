package records

import (
	"context"
	"fmt"
	"strconv"

	zsqlite "zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/storage/records/expand"
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
		l := lister{search: search{s: s, cat: s.catalogue(), on: r}, ctx: ctx, in: in}
		var err error
		dst, err = l.run(dst[:start])
		empty = l.count == 0 && l.guarded && in.Filter != ""
		draft, total = l.draft, l.found
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
	search
	ctx     context.Context
	in      *ListInput
	count   int          // records on the page
	guarded bool         // the rule hides records
	found   int          // in all, -1 when nobody wants to know
	draft   *AnswerDraft // what user code has to see before the page is finished
}

func (l *lister) run(dst []byte) ([]byte, error) {
	if err := l.begin(askList, l.in.CollectionID, listRule, &l.in.Caller); err != nil {
		return dst, err
	}
	l.guarded = l.ask.rule != nil
	if err := l.narrow(l.in.Filter, l.in.Sort, l.s.parseClient); err != nil {
		return dst, err
	}
	if err := expand.Check(l.in.Expand); err != nil {
		return dst, err
	}
	x := l.s.answering(l.ctx, l.cat, l.on, l.caller, l.s.opts.ExpandAll, l.caller.Superuser)
	defer x.Release()
	steps := x.Steps(l.c, l.in.Expand)
	l.ask.relations = x.Relations(l.c, steps)
	if err := l.compile(); err != nil {
		return dst, err
	}
	l.found = -1
	if !l.in.SkipTotal {
		var err error
		if l.found, err = l.total(l.ctx, true); err != nil {
			return dst, err
		}
	}
	dst = append(dst, `{"items":[`...)
	dst, err := l.items(dst, x, steps)
	if err != nil || l.draft != nil {
		return dst, err
	}
	return appendPage(dst, l.in, l.found), nil
}

func (l *lister) items(dst []byte, x *answer, steps []*expand.Step) ([]byte, error) {
	who, err := l.audience()
	if err != nil {
		return dst, err
	}
	stmt, err := l.rows()
	if err != nil {
		return dst, err
	}
	if !l.plan.encoder.full && !x.Wants(l.c, steps) {
		return l.encode(dst, stmt, who)
	}
	l.s.memory.Lend(&x.Answer)
	x.grows = l.in.Room
	nodes, err := x.collect(stmt, l.plan, who, l.caller, nil)
	x.grows = nil
	if err != nil {
		return dst, err
	}
	l.count = len(nodes)
	if err := x.Expand(nodes, l.c, steps); err != nil {
		return dst, err
	}
	if l.draft = x.draft(nodes); l.draft != nil {
		return dst, nil
	}
	dst = expand.AppendNodes(dst, nodes)
	l.s.memory.Take(&x.Answer)
	return dst, nil
}

// encode appends the records of a statement as they are, which is how most pages are made.
func (l *lister) encode(dst []byte, stmt *zsqlite.Stmt, who *audience) ([]byte, error) {
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
		if dst, _, err = l.plan.encoder.row(dst, stmt, who); err != nil {
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

// rows returns the statement of the page.
func (l *lister) rows() (*zsqlite.Stmt, error) {
	return l.page(int64(l.in.PerPage), offset(l.in.Page, l.in.PerPage))
}

// audience works out whose emails the caller sees. Where the manage rule decides, the page is read once for its ids.
func (l *lister) audience() (*audience, error) {
	who := newAudience(l.caller, l.c)
	if !l.plan.encoder.conditional || !needsManage(l.c, l.caller) {
		return who, nil
	}
	stmt, err := l.rows()
	if err != nil {
		return nil, err
	}
	ids, err := readIDs(stmt)
	if err != nil {
		return nil, err
	}
	who.managed, err = l.s.managed(l.cat, l.on, l.c, ids, l.req)
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
