package signin

import (
	"context"
	"errors"
	"fmt"

	"github.com/troupebase/troupe/actors/auth"
	"github.com/troupebase/troupe/actors/auth/oauth2"
	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// linksName is the collection of the links between records and users of providers.
const linksName = "_externalAuths"

// oauth2Match is what a sign-in finds. record is nil when there is nobody yet.
type oauth2Match struct {
	record, link *records.Record
	// caller tells that the record is the one that is signed in already.
	caller bool
}

// settled tells whether nothing has to be written.
func (m oauth2Match) settled(u *oauth2.User) bool {
	return m.record != nil && m.link != nil && m.record.Bool("verified") && (m.record.Text("email") != "" || u.Email == "")
}

// takenOver tells whether the record was somebody's of whom nobody knows whether the email is theirs: they may have made it to
// lie in wait for its true owner, and must be locked out.
func (m oauth2Match) takenOver() bool {
	return m.record != nil && !m.record.Bool("verified") && !m.caller
}

// match finds the record.
func (o *oauth2SignIn) match(ctx context.Context) (m oauth2Match, err error) {
	err = o.s.writes.Look(ctx)(func(p records.Preparer) (err error) {
		m = oauth2Match{}
		now, err := o.s.data.Current(p, o.a.Request.Caller)
		if err != nil {
			return err
		}
		who := now.Request.Auth
		links, c := o.s.data.Collection(linksName), o.s.data.Collection(o.a.Collection.ID)
		if c == nil || !c.IsAuth() || links == nil {
			return records.ErrNoCollection
		}
		if m.link, err = findLink(p, links, c.ID, o.form.Provider, o.user.ID); err != nil {
			return err
		}
		m.record, err = o.owner(p, c, m.link, who)
		m.caller = m.record != nil && who != nil && who.Collection.ID == c.ID && who.ID == m.record.ID()
		return err
	})
	if err != nil {
		return m, fmt.Errorf("find the record of an OAuth2 user: %w", err)
	}
	return m, nil
}

// owner finds the record that the user is, nil for nobody's. who is signed in already, nil for a guest.
func (o *oauth2SignIn) owner(p records.Preparer, c *schema.Collection, link *records.Record, who *filter.Identity) (*records.Record, error) {
	if link != nil {
		return records.Find(p, c, link.Text("recordRef"))
	}
	if who != nil && who.Collection.ID == c.ID {
		r, err := records.Find(p, c, who.ID)
		if !errors.Is(err, records.ErrNotFound) {
			return r, err
		}
	}
	if o.user.Email == "" {
		return nil, nil
	}
	return auth.FindUnique(p, c, "email", o.user.Email)
}

// findLink returns the link between a record of a collection and the user of a provider, nil when there is none. links is the
// collection of links.
func findLink(p records.Preparer, links *schema.Collection, collectionID, provider, userID string) (*records.Record, error) {
	stmt, err := p.Prepare("SELECT `id` FROM " + sqlite.QuoteName(links.Name) + " WHERE `collectionRef` = ? AND `provider` = ? AND `providerId` = ? LIMIT 1")
	if err != nil {
		return nil, fmt.Errorf("look for a link: %w", err)
	}
	stmt.BindText(1, collectionID)
	stmt.BindText(2, provider)
	stmt.BindText(3, userID)
	found, err := stmt.Step()
	if err != nil {
		return nil, fmt.Errorf("look for a link: %w", err)
	}
	if !found {
		return nil, nil
	}
	id := stmt.ColumnText(0)
	if err := stmt.Reset(); err != nil {
		return nil, fmt.Errorf("look for a link: %w", err)
	}
	return records.Find(p, links, id)
}

// links returns all links of a record.
func (o *oauth2SignIn) links(ctx context.Context, r *records.Record) (list []*records.Record, err error) {
	c := o.s.data.Collection(linksName)
	if c == nil {
		return nil, fmt.Errorf("look for links: %w", records.ErrNoCollection)
	}
	err = o.s.writes.Look(ctx)(func(p records.Preparer) (err error) {
		list, err = o.s.data.FindAll(ctx, p, &records.FindInput{
			CollectionID: c.ID,
			Filter:       "collectionRef = {:collection} && recordRef = {:record}",
			Params:       map[string]any{"collection": r.Collection.ID, "record": r.ID()},
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look for links: %w", err)
	}
	return list, nil
}
