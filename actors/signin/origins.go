package signin

import (
	"context"
	"fmt"
	"slices"
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
	// alertTimeout is how long a sign-in waits for the mail about it.
	alertTimeout = 15 * time.Second
)

// history is where a record has signed in before, the newest first, and the fingerprint of where the attempt comes from.
type history struct {
	origins     *schema.Collection
	fingerprint string
	known       []origin
}

type origin struct{ id, fingerprint string }

// locate looks up whether a record has signed in from that place before, if its collection asks for alerts. A failure is no
// reason to refuse the sign-in.
func (s *Service) locate(ctx context.Context, a *attempt) error {
	r := a.proof.Record
	origins := s.data.Collection(originsName)
	if a.kind.Method == "" || origins == nil || !r.Collection.Auth.AuthAlert.Enabled {
		return nil
	}
	known, err := s.origins(ctx, origins, r)
	if err != nil {
		s.untracked(r, err)
		return nil
	}
	a.history = &history{origins: origins, fingerprint: a.Origin.Fingerprint(), known: known}
	return nil
}

// origins returns where a record has signed in from, the newest first.
func (s *Service) origins(ctx context.Context, c *schema.Collection, r *records.Record) (list []origin, err error) {
	err = s.data.Read(ctx, func(reader *sqlite.Reader) error {
		list = list[:0]
		stmt, err := reader.Prepare("SELECT `id`, `fingerprint` FROM " + sqlite.QuoteName(c.Name) +
			" WHERE `collectionRef` = ? AND `recordRef` = ? ORDER BY `created` DESC, `rowid` DESC")
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

// alert tells a record that has signed in before of a sign-in from a new place, and then notes the place (auth.md 9). A place whose
// alert failed is not noted, so that the next sign-in tries again; a failure is no reason to refuse this one.
func (s *Service) alert(ctx context.Context, a *attempt) error {
	if a.history == nil {
		return nil
	}
	if err := s.note(ctx, a); err != nil {
		s.untracked(a.proof.Record, err)
	}
	return nil
}

func (s *Service) note(ctx context.Context, a *attempt) error {
	h, r := a.history, a.proof.Record
	at := slices.IndexFunc(h.known, func(o origin) bool { return o.fingerprint == h.fingerprint })
	if at >= 0 {
		if _, err := s.data.Update(ctx, h.origins, h.known[at].id, nil); err != nil { // moves its date
			return fmt.Errorf("renew the origin of a sign-in: %w", err)
		}
		return nil
	}
	if len(h.known) > 0 && r.Text("email") != "" {
		if err := s.mailAlert(ctx, a); err != nil {
			return fmt.Errorf("alert of a sign-in from a new place: %w", err)
		}
	}
	for i := maxOrigins - 1; i < len(h.known); i++ {
		if err := s.data.Delete(ctx, h.origins, h.known[i].id); err != nil {
			return fmt.Errorf("forget an old origin: %w", err)
		}
	}
	body := map[string]any{"collectionRef": r.Collection.ID, "recordRef": r.ID(), "fingerprint": h.fingerprint}
	if _, err := s.data.Create(ctx, h.origins, body); err != nil {
		return fmt.Errorf("note the origin of a sign-in: %w", err)
	}
	return nil
}

func (s *Service) mailAlert(ctx context.Context, a *attempt) error {
	ctx, cancel := context.WithTimeout(ctx, alertTimeout)
	defer cancel()
	return s.mails.Alert(ctx, a.proof.Record, a.Origin.Info(s.now()))
}

// untracked logs why a sign-in was not noted.
func (s *Service) untracked(r *records.Record, err error) {
	s.log.Warn("sign-in not tracked", "collection", r.Collection.Name, "record", r.ID(), "error", err)
}
