package auth

import (
	"fmt"

	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
)

// FindLink returns the link between a record of a collection and the user of a provider, nil when there is none. links is the
// collection of links.
func FindLink(p records.Preparer, links *schema.Collection, collectionID, provider, userID string) (*records.Record, error) {
	stmt, err := p.Prepare("SELECT `id` FROM `" + links.Name + "` WHERE `collectionRef` = ? AND `provider` = ? AND `providerId` = ? LIMIT 1")
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
