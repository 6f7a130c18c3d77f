package writes_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/storage/sqlite"
)

// hold keeps the Writer busy until release is called.
func (s *fileRig) hold() (release func()) {
	s.t.Helper()
	entered, leave := make(chan struct{}), make(chan struct{})
	work := sqlite.WorkFunc(func(*sqlite.Tx) error { close(entered); <-leave; return nil })
	if err := s.app.DB.Submit(&sqlite.Unit{Work: work, Alone: true}); err != nil {
		s.t.Fatal(err)
	}
	<-entered
	return sync.OnceFunc(func() { close(leave) })
}

// beyond calls do more often than a bound allows while the Writer is held, and looks that the bound's excess, and only that,
// is refused at once with sqlite.ErrBusy.
func (s *fileRig) beyond(bound int, do func() error) {
	s.t.Helper()
	const more = 5
	release := s.hold()
	defer release()
	outcomes := make(chan error, bound+more)
	for range bound + more {
		go func() { outcomes <- do() }()
	}
	for range more {
		if err := <-outcomes; !errors.Is(err, sqlite.ErrBusy) {
			s.t.Errorf("beyond the bound: %v", err)
		}
	}
	release()
	for range bound {
		if err := <-outcomes; err != nil {
			s.t.Errorf("within the bound: %v", err)
		}
	}
}

// Law 13: what waits is bounded, and who comes beyond that is told so at once.
func TestLaw13WhatWaitsIsBounded(t *testing.T) {
	nothing := func(context.Context) error { return nil }
	for _, tt := range []struct {
		name  string
		bound int
		do    func(s *fileRig) error
	}{
		{"commands of a collection", writes.MaxAdmitted, func(s *fileRig) error {
			return s.app.Writes.Order(context.Background(), s.col, sqlite.WorkFunc(func(*sqlite.Tx) error { return nil }), nil)
		}},
		{"transactions with user code", writes.MaxTransactions, func(s *fileRig) error { return s.app.Records.RunInTransaction(context.Background(), nothing) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newFileRig(t)
			s.beyond(tt.bound, func() error { return tt.do(s) })
		})
	}
}
