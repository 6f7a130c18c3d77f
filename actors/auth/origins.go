package auth

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// originsName is the collection of the places from which records have signed in.
const originsName = "_authOrigins"

const (
	// maxOrigins is how many places of a record are kept; the oldest goes for a new one.
	maxOrigins = 5
	// maxAgent is how many bytes of a User-Agent tell places apart.
	maxAgent = 200
	// alertTimeout is how long a sign-in waits for the mail about it.
	alertTimeout = 15 * time.Second
)

// Origin is the place that a sign-in comes from.
type Origin struct {
	// IP is the client's address, UserAgent what it says it is.
	IP, UserAgent string
}

// agent is the User-Agent, cut.
func (o Origin) agent() string {
	if len(o.UserAgent) > maxAgent {
		return o.UserAgent[:maxAgent] + "..."
	}
	return o.UserAgent
}

// Fingerprint tells places apart.
func (o Origin) Fingerprint() string {
	sum := md5.Sum([]byte(o.IP + o.agent()))
	return hex.EncodeToString(sum[:])
}

// Info is what an alert says of the sign-in.
func (o Origin) Info(now time.Time) string {
	return schema.FormatDate(now) + " - " + o.IP + " " + o.agent()
}

// Track notes where a record has signed in from, if its collection asks for alerts, and alerts it when it has signed in
// before, but never from there (auth.md 9). A failure is no reason to refuse the sign-in.
func (d *Desk) Track(ctx context.Context, r *records.Record, from Origin, now time.Time) error {
	c := d.Catalogue().Find(originsName)
	if c == nil || !r.Collection.Auth.AuthAlert.Enabled {
		return nil
	}
	known, err := d.origins(ctx, c, r)
	if err != nil {
		return err
	}
	print := from.Fingerprint()
	for _, o := range known {
		if o.fingerprint == print {
			return d.renewOrigin(ctx, c, o.id)
		}
	}
	if len(known) > 0 {
		if err := d.alert(ctx, r, from.Info(now)); err != nil {
			return fmt.Errorf("alert of a sign-in from a new place: %w", err)
		}
	}
	for i := maxOrigins - 1; i < len(known); i++ {
		if err := d.forgetOrigin(ctx, c, known[i].id); err != nil {
			return err
		}
	}
	return d.addOrigin(ctx, c, r, print)
}

// alert tells a record of a sign-in from a new place.
func (d *Desk) alert(ctx context.Context, r *records.Record, info string) error {
	if d.Alert == nil || r.Text("email") == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, alertTimeout)
	defer cancel()
	return d.Alert(ctx, r, info)
}

type origin struct{ id, fingerprint string }

// origins returns where a record has signed in from, the newest first.
func (d *Desk) origins(ctx context.Context, c *schema.Collection, r *records.Record) (list []origin, err error) {
	err = d.DB.Read(ctx, func(reader *sqlite.Reader) error {
		list = list[:0]
		stmt, err := reader.Prepare("SELECT `id`, `fingerprint` FROM `" + c.Name +
			"` WHERE `collectionRef` = ? AND `recordRef` = ? ORDER BY `created` DESC, `rowid` DESC")
		if err != nil {
			return err
		}
		stmt.BindText(1, r.Collection.ID)
		stmt.BindText(2, r.ID())
		for {
			found, err := stmt.Step()
			if err != nil || !found {
				return err
			}
			list = append(list, origin{stmt.ColumnText(0), stmt.ColumnText(1)})
		}
	})
	if err != nil {
		return nil, fmt.Errorf("read the origins of a record: %w", err)
	}
	return list, nil
}

func (d *Desk) addOrigin(ctx context.Context, c *schema.Collection, r *records.Record, fingerprint string) error {
	body := map[string]any{"collectionRef": r.Collection.ID, "recordRef": r.ID(), "fingerprint": fingerprint}
	cmd, err := d.Store.PrepareCreate(ctx, records.WriteInput{CollectionID: c.ID, Body: body, SkipRules: true})
	if err == nil {
		err = d.Write(ctx, c, cmd)
	}
	if err != nil {
		return fmt.Errorf("note the origin of a sign-in: %w", err)
	}
	return nil
}

// renewOrigin moves the date of an origin that is known.
func (d *Desk) renewOrigin(ctx context.Context, c *schema.Collection, id string) error {
	cmd, err := d.Store.PrepareUpdate(ctx, id, records.WriteInput{CollectionID: c.ID, SkipRules: true})
	if err == nil {
		err = d.Write(ctx, c, cmd)
	}
	if err != nil {
		return fmt.Errorf("renew the origin of a sign-in: %w", err)
	}
	return nil
}

func (d *Desk) forgetOrigin(ctx context.Context, c *schema.Collection, id string) error {
	cmd, err := d.Store.PrepareDelete(id, records.WriteInput{CollectionID: c.ID, SkipRules: true})
	if err == nil {
		err = d.Write(ctx, c, cmd)
	}
	if err != nil {
		return fmt.Errorf("forget an old origin: %w", err)
	}
	return nil
}
