package auth

import (
	"context"
	"errors"
	"fmt"

	"github.com/asaskevich/govalidator"

	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/validation"
)

// The reasons for which a command about superusers is refused. Their texts are what the command line prints.
var (
	ErrEmail         = errors.New("missing or invalid email address")
	ErrDeletionEmail = errors.New("invalid or missing email address")
	ErrNoSuperusers  = errors.New("the data directory has no _superusers collection")
)

// NoSuperuserError says that there is no superuser with that email.
type NoSuperuserError struct{ Email string }

// Error returns the text that the command line prints.
func (e *NoSuperuserError) Error() string {
	return fmt.Sprintf("superuser with email %q doesn't exist", e.Email)
}

// DeletionError says why a superuser was not deleted.
type DeletionError struct {
	Email string
	Cause error
}

// Error returns the text that the command line prints.
func (e *DeletionError) Error() string {
	return fmt.Sprintf("failed to delete superuser %q: %s", e.Email, validation.Sentence(e.Cause.Error()))
}

// Unwrap returns the cause.
func (e *DeletionError) Unwrap() error { return e.Cause }

// Superusers creates, changes and deletes superusers without asking any rule: for the command line and the installer. It
// is safe for concurrent use; make one with [NewSuperusers].
type Superusers struct{ data *Data }

// NewSuperusers returns the superusers of an application.
func NewSuperusers(data *Data) *Superusers { return &Superusers{data: data} }

// Create makes a superuser. It fails with [ErrEmail], [ErrNoSuperusers], validation.Errors, or the errors of the write.
func (s *Superusers) Create(ctx context.Context, email, password string) error {
	c, err := s.open(email)
	if err != nil {
		return err
	}
	if _, err := s.create(ctx, c, email, password); err != nil {
		return fmt.Errorf("failed to create new superuser account: %w", err)
	}
	return nil
}

// Update gives a superuser another password, which ends all its tokens. It fails with a [*NoSuperuserError] beside the
// errors of [Superusers.Create].
func (s *Superusers) Update(ctx context.Context, email, password string) error {
	c, err := s.open(email)
	if err != nil {
		return err
	}
	r, err := s.find(ctx, c, email)
	if err != nil {
		return err
	}
	if r == nil {
		return &NoSuperuserError{email}
	}
	if err := s.update(ctx, c, r, password); err != nil {
		return fmt.Errorf("failed to change superuser %q password: %w", email, err)
	}
	return nil
}

// Upsert makes a superuser, or gives the one with that email another password. It fails like [Superusers.Create].
func (s *Superusers) Upsert(ctx context.Context, email, password string) error {
	c, err := s.open(email)
	if err != nil {
		return err
	}
	r, err := s.find(ctx, c, email)
	if err != nil {
		return err
	}
	if r == nil {
		_, err = s.create(ctx, c, email, password)
	} else {
		err = s.update(ctx, c, r, password)
	}
	if err != nil {
		return fmt.Errorf("failed to upsert superuser account: %w", err)
	}
	return nil
}

// Delete deletes a superuser; deleted is false when there was none. It fails with [ErrDeletionEmail], [ErrNoSuperusers], or a
// [*DeletionError], which holds records.ErrLastSuperuser for the last one.
func (s *Superusers) Delete(ctx context.Context, email string) (deleted bool, err error) {
	c, err := s.open(email)
	if errors.Is(err, ErrEmail) {
		return false, ErrDeletionEmail
	}
	if err != nil {
		return false, err
	}
	r, err := s.find(ctx, c, email)
	if err != nil || r == nil {
		return false, err
	}
	err = s.data.Delete(ctx, c, r.ID())
	if errors.Is(err, records.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, &DeletionError{email, err}
	}
	return true, nil
}

// open checks an email and returns the collection.
func (s *Superusers) open(email string) (*schema.Collection, error) {
	if !govalidator.IsEmail(email) {
		return nil, ErrEmail
	}
	c := s.data.Collection(schema.SuperusersName)
	if c == nil || !c.IsAuth() {
		return nil, ErrNoSuperusers
	}
	return c, nil
}

func (s *Superusers) create(ctx context.Context, c *schema.Collection, email, password string) (*records.Record, error) {
	cmd, err := s.data.Create(ctx, c, map[string]any{"email": email, "password": password, "verified": true})
	if err != nil {
		return nil, err
	}
	return cmd.Result, nil
}

func (s *Superusers) update(ctx context.Context, c *schema.Collection, r *records.Record, password string) error {
	_, err := s.data.Update(ctx, c, r.ID(), map[string]any{"password": password})
	return err
}

// Find returns the superuser with an email. It fails with [ErrDeletionEmail], [ErrNoSuperusers], a [*NoSuperuserError] or the
// errors of the database.
func (s *Superusers) Find(ctx context.Context, email string) (*records.Record, error) {
	c, err := s.open(email)
	if errors.Is(err, ErrEmail) {
		return nil, ErrDeletionEmail
	}
	if err != nil {
		return nil, err
	}
	r, err := s.find(ctx, c, email)
	if err == nil && r == nil {
		err = &NoSuperuserError{email}
	}
	return r, err
}

// find returns the superuser with that email, nil when there is none.
func (s *Superusers) find(ctx context.Context, c *schema.Collection, email string) (*records.Record, error) {
	r, err := s.data.LoadBy(ctx, c.ID, "email", email)
	if errors.Is(err, records.ErrNotFound) {
		return nil, nil
	}
	return r, err
}
