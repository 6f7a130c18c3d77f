package realtime

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/sqlite"
)

const (
	// maxFeeds is how many feeds there may be: the Writer hands changes to them one after the other.
	maxFeeds = 256
	// feedChanges and feedBytes are what may wait in one feed for its reader: some seconds of a busy collection, and little
	// enough that a reader that hangs costs no more memory than a few uploads do.
	feedChanges = 1024
	feedBytes   = 16 << 20
)

var (
	// ErrSlow says that a [Feed] was not read in time and has lost changes.
	ErrSlow = errors.New("realtime: the changes were not read in time")
	// ErrTooManyFeeds says that there are as many feeds as there may be.
	ErrTooManyFeeds = errors.New("realtime: too many feeds")
)

// Feed tells the program that the server is part of what was committed: every change of its topics once, in the order of the
// commits. No rule is asked and nothing is expanded, so nothing is worked out: the Writer itself puts the changes in, and
// never waits. It is safe for concurrent use.
type Feed struct {
	hub    *Hub
	topics []feedTopic

	mu      sync.Mutex
	waiting []*records.Change
	bytes   int64
	err     error         // why nothing more comes
	some    chan struct{} // holds one where Next may find something
}

// feedTopic is a collection, or one record of it.
type feedTopic struct{ collection, record string }

// feeds are those of a hub. A list is never changed in place.
type feeds struct {
	mu     sync.Mutex
	list   []*Feed
	closed bool
}

// Feed begins a feed of topics: "collection/*" or "collection", "collection/record". It fails with records.ErrNoCollection,
// [ErrTooManyFeeds] or [ErrClosed].
func (h *Hub) Feed(topics ...string) (*Feed, error) {
	f := &Feed{hub: h, some: make(chan struct{}, 1)}
	for _, text := range topics {
		name, record, _ := strings.Cut(text, "/")
		c := h.opts.Catalogue().Find(name)
		if c == nil {
			return nil, fmt.Errorf("%w: %s", records.ErrNoCollection, name)
		}
		if record == "*" {
			record = ""
		}
		f.topics = append(f.topics, feedTopic{c.ID, record})
	}
	h.feeds.mu.Lock()
	defer h.feeds.mu.Unlock()
	switch {
	case h.feeds.closed:
		return nil, ErrClosed
	case len(h.feeds.list) >= maxFeeds:
		return nil, ErrTooManyFeeds
	}
	h.feeds.list = append(slices.Clip(h.feeds.list), f)
	return f, nil
}

// committed hands the changes of a group to those who listen. It runs on the Writer's goroutine.
func (s *feeds) committed(g sqlite.Group) {
	s.mu.Lock()
	list := s.list
	s.mu.Unlock()
	if len(list) == 0 {
		return
	}
	for _, change := range g.Changes {
		ch, ok := change.(*records.Change)
		if !ok {
			continue
		}
		for _, f := range list {
			if f.listens(ch) {
				f.put(ch)
			}
		}
	}
}

// close ends all feeds; none begins any more.
func (s *feeds) close() {
	s.mu.Lock()
	list := s.list
	s.list, s.closed = nil, true
	s.mu.Unlock()
	for _, f := range list {
		f.end(ErrClosed)
	}
}

func (s *feeds) remove(f *Feed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.list, f); i >= 0 {
		s.list = slices.Concat(s.list[:i], s.list[i+1:])
	}
}

func (f *Feed) listens(ch *records.Change) bool {
	for _, t := range f.topics {
		if t.collection == ch.Collection.ID && (t.record == "" || t.record == ch.Record.ID()) {
			return true
		}
	}
	return false
}

// put adds a change, or ends the feed where it finds no room: a gap would not be seen.
func (f *Feed) put(ch *records.Change) {
	size := sizeOfChange(ch)
	f.mu.Lock()
	full := len(f.waiting) >= feedChanges || f.bytes+size > feedBytes && len(f.waiting) > 0
	if f.err == nil && !full {
		f.waiting = append(f.waiting, ch)
		f.bytes += size
	}
	f.mu.Unlock()
	if full {
		f.end(ErrSlow)
	}
	f.signal()
}

// end ends the feed once; what waits can still be read.
func (f *Feed) end(why error) {
	f.mu.Lock()
	first := f.err == nil
	if first {
		f.err = why
	}
	f.mu.Unlock()
	if first {
		f.hub.feeds.remove(f)
	}
	f.signal()
}

func (f *Feed) signal() {
	select {
	case f.some <- struct{}{}:
	default:
	}
}

// Next waits for a change and returns it; it is not to be changed. It fails with the error of ctx, and once nothing waits any
// more with [ErrSlow] or [ErrClosed].
func (f *Feed) Next(ctx context.Context) (*records.Change, error) {
	for {
		if ch, err := f.take(); ch != nil || err != nil {
			f.signal() // for another reader
			return ch, err
		}
		select {
		case <-f.some:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// take returns what is there: a change, or why none will come.
func (f *Feed) take() (*records.Change, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.waiting) == 0 {
		return nil, f.err
	}
	ch := f.waiting[0]
	f.waiting[0] = nil
	f.waiting = f.waiting[1:]
	if len(f.waiting) == 0 {
		f.waiting = nil
	}
	f.bytes -= sizeOfChange(ch)
	return ch, nil
}

// Close ends the feed and forgets what waits. Calling it again does nothing.
func (f *Feed) Close() {
	f.end(ErrClosed)
	f.mu.Lock()
	f.waiting, f.bytes = nil, 0
	f.mu.Unlock()
}
