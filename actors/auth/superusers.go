package auth

import (
	"context"
	"errors"
	"fmt"

	"github.com/asaskevich/govalidator"

	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
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
// is safe for concurrent use.
type Superusers struct {
	// DB, Catalogue and Store are those of the application.
	DB        *sqlite.DB
	Catalogue func() *schema.Catalogue
	Store     *records.Store
	// Passwords does the work on passwords.
	Passwords records.Passwords
	// Write applies a command and waits for its outcome.
	Write func(ctx context.Context, c *schema.Collection, cmd records.Command) error
}

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
	id, err := s.find(ctx, email)
	if err != nil {
		return err
	}
	if id == "" {
		return &NoSuperuserError{email}
	}
	if _, err := s.update(ctx, c, id, password); err != nil {
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
	id, err := s.find(ctx, email)
	if err != nil {
		return err
	}
	if id == "" {
		_, err = s.create(ctx, c, email, password)
	} else {
		_, err = s.update(ctx, c, id, password)
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
	id, err := s.find(ctx, email)
	if err != nil || id == "" {
		return false, err
	}
	cmd, err := s.Store.PrepareDelete(id, s.input(c, nil))
	if err == nil {
		err = s.Write(ctx, c, cmd)
	}
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
	c := s.Catalogue().Find(schema.SuperusersName)
	if c == nil || !c.IsAuth() {
		return nil, ErrNoSuperusers
	}
	return c, nil
}

func (s *Superusers) input(c *schema.Collection, body map[string]any) records.WriteInput {
	return records.WriteInput{CollectionID: c.ID, Body: body, SkipRules: true}
}

func (s *Superusers) create(ctx context.Context, c *schema.Collection, email, password string) (*records.Record, error) {
	cmd, err := s.Store.PrepareCreate(ctx, s.input(c, map[string]any{"email": email, "password": password, "verified": true}))
	if err != nil {
		return nil, err
	}
	if err := s.Write(ctx, c, cmd); err != nil {
		return nil, err
	}
	return cmd.Result, nil
}

func (s *Superusers) update(ctx context.Context, c *schema.Collection, id, password string) (*records.Record, error) {
	cmd, err := s.Store.PrepareUpdate(ctx, id, s.input(c, map[string]any{"password": password}))
	if err != nil {
		return nil, err
	}
	if err := s.Write(ctx, c, cmd); err != nil {
		return nil, err
	}
	return cmd.Result, nil
}

// find returns the id of the superuser with that email, "" when there is none.
func (s *Superusers) find(ctx context.Context, email string) (string, error) {
	record, err := s.Store.LoadBy(ctx, s.Catalogue().Find(schema.SuperusersName).ID, "email", email)
	if errors.Is(err, records.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return record.ID(), nil
}
