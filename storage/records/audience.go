package records

import (
	"fmt"

	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/schema"
)

// audience is what decides whether the email of a record is shown.
type audience struct {
	// self is the id of the caller when the caller is a record of the encoder's collection.
	self string
	// managed are the ids of the records that the caller manages.
	managed map[string]bool
	// all tells that every email is shown.
	all bool
}

func (a *audience) sees(id string) bool {
	return a.all || id != "" && id == a.self || a.managed[id]
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
