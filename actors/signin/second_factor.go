package signin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// mfasName is the collection of the sign-ins that wait for their second method.
const mfasName = "_mfas"

// The reasons for which a second method of signing in does not count.
var (
	// ErrMFAID says that what was sent as the session is no text.
	ErrMFAID = errors.New("the id of the MFA session cannot be read")
	// ErrMFASession says that there is no such session, or that its time is over.
	ErrMFASession = errors.New("invalid or expired MFA session")
	// ErrMFARecord says that the session is another record's.
	ErrMFARecord = errors.New("invalid MFA session")
	// ErrMFAMethod says that the session began with the same method.
	ErrMFAMethod = errors.New("a different authentication method is required")
	// ErrMFARule says that the rule that tells who needs a second method cannot be evaluated.
	ErrMFARule = errors.New("the MFA rule cannot be evaluated")
)

// SecondFactorError says that a record was found by its first method and has to come again with another one and the session.
type SecondFactorError struct {
	// Session is the id that the client gives back.
	Session string
}

// Error implements error. The session is a secret and not in the text.
func (e *SecondFactorError) Error() string { return "a second authentication method is required" }

// secondFactor holds an attempt up that needs another method beside the one that it came with. Without a session it begins
// one and fails with a [*SecondFactorError]; a session that began with another method is used up.
func (s *Service) secondFactor(ctx context.Context, a *attempt) error {
	if a.kind.Method == "" {
		return nil
	}
	needed, err := s.needsSecond(ctx, a)
	if err != nil || !needed {
		return err
	}
	session, ok := a.MFASession.(string)
	if !ok && a.MFASession != nil {
		return ErrMFAID
	}
	c := s.data.Collection(mfasName)
	if c == nil {
		return fmt.Errorf("second factor: %w", records.ErrNoCollection)
	}
	if session == "" {
		return s.beginSecond(ctx, c, a)
	}
	return s.useSecond(ctx, c, a, session)
}

// needsSecond tells whether a record that signs in needs a second method. It fails with [ErrMFARule].
func (s *Service) needsSecond(ctx context.Context, a *attempt) (needed bool, err error) {
	r := a.proof.Record
	o := r.Collection.Auth.MFA
	if !o.Enabled || o.Rule == "" {
		return o.Enabled, nil
	}
	err = s.data.ReadAuth(ctx, r.Collection.ID, func(reader *sqlite.Reader, c *schema.Collection) error {
		needed, err = s.data.MeetsRule(reader, c, r.ID(), c.Auth.MFA.Rule, a.Request.Caller.Request)
		if errors.Is(err, records.ErrQuery) {
			err = fmt.Errorf("%w: %w", ErrMFARule, err)
		}
		return err
	})
	return needed, err
}

func (s *Service) beginSecond(ctx context.Context, c *schema.Collection, a *attempt) error {
	r := a.proof.Record
	body := map[string]any{"collectionRef": r.Collection.ID, "recordRef": r.ID(), "method": a.kind.Method}
	made, err := s.data.Create(ctx, c, body)
	if err != nil {
		return fmt.Errorf("begin a session for a second method: %w", err)
	}
	return &SecondFactorError{Session: made.ID()}
}

// useSecond uses a session up that this record began with another method. It fails with [ErrMFASession], [ErrMFARecord],
// [ErrMFAMethod], or the errors of the write.
func (s *Service) useSecond(ctx context.Context, c *schema.Collection, a *attempt, session string) error {
	r := a.proof.Record
	found, err := s.data.Load(ctx, c.ID, session)
	if errors.Is(err, records.ErrNotFound) {
		return ErrMFASession
	}
	if err != nil {
		return fmt.Errorf("second method: %w", err)
	}
	began, ok := schema.ParseDate(found.Text("created"))
	if life := time.Duration(r.Collection.Auth.MFA.Duration) * time.Second; !ok || s.now().Sub(began) > life {
		return errors.Join(ErrMFASession, s.endSecond(ctx, found))
	}
	if found.Text("recordRef") != r.ID() || found.Text("collectionRef") != r.Collection.ID {
		return ErrMFARecord
	}
	if found.Text("method") == a.kind.Method {
		return ErrMFAMethod
	}
	return s.endSecond(ctx, found)
}

// endSecond uses a session up. Of two that come with the same one the second is told that there is none.
func (s *Service) endSecond(ctx context.Context, session *records.Record) error {
	err := s.data.Delete(ctx, session.Collection, session.ID())
	if errors.Is(err, records.ErrNotFound) {
		return ErrMFASession
	}
	if err != nil {
		return fmt.Errorf("end a session for a second method: %w", err)
	}
	return nil
}
