package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// mfasName is the collection of the sign-ins that wait for their second method.
const mfasName = "_mfas"

// The reasons for which a second method of signing in does not count.
var (
	// ErrMFASession says that there is no such session, or that its time is over.
	ErrMFASession = errors.New("invalid or expired MFA session")
	// ErrMFARecord says that the session is another record's.
	ErrMFARecord = errors.New("invalid MFA session")
	// ErrMFAMethod says that the session began with the same method.
	ErrMFAMethod = errors.New("a different authentication method is required")
	// ErrMFARule says that the rule that tells who needs a second method cannot be evaluated.
	ErrMFARule = errors.New("the MFA rule cannot be evaluated")
)

// SecondMethodError says that a record was found by its first method and has to come again with another one and the session.
type SecondMethodError struct {
	// Session is the id that the client gives back.
	Session string
}

// Error implements error. The session is a secret and not in the text.
func (e *SecondMethodError) Error() string { return "a second authentication method is required" }

// NeedsSecond tells whether a record that signs in needs a second method. req is the request of the one who signs in. It
// fails with [ErrMFARule].
func (d *Desk) NeedsSecond(ctx context.Context, r *records.Record, req *filter.Request) (needed bool, err error) {
	o := r.Collection.Auth.MFA
	if !o.Enabled || o.Rule == "" {
		return o.Enabled, nil
	}
	err = d.DB.Read(ctx, func(reader *sqlite.Reader) error {
		cat := d.Catalogue()
		c := cat.ByID(r.Collection.ID)
		if c == nil || !c.IsAuth() {
			return records.ErrNoCollection
		}
		needed, err = d.Store.Matches(cat, reader, c, r.ID(), records.Condition{Text: c.Auth.MFA.Rule, Trust: filter.Rule}, req)
		if errors.Is(err, records.ErrQuery) {
			err = fmt.Errorf("%w: %w", ErrMFARule, err)
		}
		return err
	})
	return needed, err
}

// Second settles the session of a record that needs a second method: without one it begins one and returns a
// [*SecondMethodError]; with one that began with another method, nil, the session is used up. It fails with
// [ErrMFASession], [ErrMFARecord], [ErrMFAMethod], or the errors of the write.
func (d *Desk) Second(ctx context.Context, r *records.Record, method, session string, now time.Time) error {
	c := d.Catalogue().Find(mfasName)
	if c == nil {
		return fmt.Errorf("second method: %w", records.ErrNoCollection)
	}
	if session == "" {
		return d.beginSecond(ctx, c, r, method)
	}
	found, err := d.Store.Load(ctx, c.ID, session)
	if errors.Is(err, records.ErrNotFound) {
		return ErrMFASession
	}
	if err != nil {
		return fmt.Errorf("second method: %w", err)
	}
	began, ok := schema.ParseDate(found.Text("created"))
	if life := time.Duration(r.Collection.Auth.MFA.Duration) * time.Second; !ok || now.Sub(began) > life {
		return errors.Join(ErrMFASession, d.endSecond(ctx, c, found))
	}
	if found.Text("recordRef") != r.ID() || found.Text("collectionRef") != r.Collection.ID {
		return ErrMFARecord
	}
	if found.Text("method") == method {
		return ErrMFAMethod
	}
	return d.endSecond(ctx, c, found)
}

func (d *Desk) beginSecond(ctx context.Context, c *schema.Collection, r *records.Record, method string) error {
	body := map[string]any{"collectionRef": r.Collection.ID, "recordRef": r.ID(), "method": method}
	cmd, err := d.Store.PrepareCreate(ctx, records.WriteInput{CollectionID: c.ID, Body: body, SkipRules: true})
	if err == nil {
		err = d.Write(ctx, c, cmd)
	}
	if err != nil {
		return fmt.Errorf("begin a session for a second method: %w", err)
	}
	return &SecondMethodError{Session: cmd.ID()}
}

// endSecond uses a session up. Of two that come with the same one the second is told that there is none.
func (d *Desk) endSecond(ctx context.Context, c *schema.Collection, session *records.Record) error {
	cmd, err := d.Store.PrepareDelete(session.ID(), records.WriteInput{CollectionID: c.ID, SkipRules: true})
	if err == nil {
		err = d.Write(ctx, c, cmd)
	}
	if errors.Is(err, records.ErrNotFound) {
		return ErrMFASession
	}
	if err != nil {
		return fmt.Errorf("end a session for a second method: %w", err)
	}
	return nil
}
