package troupe_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/troupebase/troupe"
)

// patience bounds waits for something that must happen.
const patience = 20 * time.Second

// opened is an App with the collections of the examples.
func opened(t testing.TB) *troupe.App {
	t.Helper()
	app := troupe.New(troupe.Options{Dir: filepath.Join(t.TempDir(), "data")})
	if err := app.Bootstrap(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := app.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := app.ImportCollections(t.Context(), []byte(collections), false); err != nil {
		t.Fatal(err)
	}
	return app
}

func listen(t testing.TB, app *troupe.App, topics ...string) *troupe.Subscription {
	t.Helper()
	s, err := app.Subscribe(topics...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// told reads n changes, as "action text".
func told(t testing.TB, s *troupe.Subscription, n int) (list []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for range n {
		ch, err := s.Next(ctx)
		if err != nil {
			t.Fatalf("after %q: %v", list, err)
		}
		list = append(list, fmt.Sprint(ch.Action, " ", ch.Record.Text("title"), ch.Record.Text("text")))
	}
	return list
}

// TestSubscribe: each committed change of the topics once, in the order of the commits, and nothing that was rolled back.
func TestSubscribe(t *testing.T) {
	app, ctx := opened(t), t.Context()
	first := newPost(ctx, app, "first")
	both, posts, one := listen(t, app, "posts/*", "logs"), listen(t, app, "posts/*"), listen(t, app, "posts/"+first.ID())
	line, err := app.NewRecord("logs")
	if err != nil {
		t.Fatal(err)
	}
	line.Set("text", "line")
	errNo := errors.New("no")
	steps := []struct {
		do func() error
		is error
	}{
		{func() error { first.Set("title", "changed"); return app.Save(ctx, first) }, nil},
		{func() error { return app.Save(ctx, line) }, nil},
		{func() error {
			return app.RunInTransaction(ctx, func(ctx context.Context) error { newPost(ctx, app, "undone"); return errNo })
		}, errNo},
		{func() error {
			return app.RunInTransaction(ctx, func(ctx context.Context) error {
				newPost(ctx, app, "in")
				return app.Delete(ctx, first)
			})
		}, nil},
		{func() error { newPost(ctx, app, "last"); return nil }, nil},
	}
	for i, s := range steps {
		if err := s.do(); !errors.Is(err, s.is) {
			t.Fatalf("step %d: %v", i, err)
		}
	}
	for _, tt := range []struct {
		s    *troupe.Subscription
		want string
	}{
		{both, "update changed, create line, create in, delete changed, create last"},
		{posts, "update changed, create in, delete changed, create last"},
		{one, "update changed, delete changed"},
	} {
		want := strings.Split(tt.want, ", ")
		if got := told(t, tt.s, len(want)); strings.Join(got, ", ") != tt.want {
			t.Errorf("got %q, want %q", got, want)
		}
		waiting, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
		if ch, err := tt.s.Next(waiting); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("and then %v, %v", ch, err)
		}
		cancel()
	}
}

// TestSubscriptionOwnsItsRecords: what one listener makes of a record nobody else sees.
func TestSubscriptionOwnsItsRecords(t *testing.T) {
	app, ctx := opened(t), t.Context()
	a, b := listen(t, app, "posts"), listen(t, app, "posts")
	post := newPost(ctx, app, "mine")
	ch, err := a.Next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	ch.Record.Set("title", "yours")
	if got := told(t, b, 1)[0]; got != "create mine" || post.Text("title") != "mine" {
		t.Errorf("got %q, and the post is %q", got, post.Text("title"))
	}
}

// TestSlowSubscription: writers wait for nobody; who does not read is told so, after what came before the gap.
func TestSlowSubscription(t *testing.T) {
	app, ctx := opened(t), t.Context()
	bulk := `[{"name": "bulk", "type": "base", "fields": [{"name": "text", "type": "text", "max": 2000000}]}]`
	if err := app.ImportCollections(ctx, []byte(bulk), false); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name  string
		bytes int
		most  int
	}{{"many", 1, 1024}, {"large", 1 << 20, 17}} {
		t.Run(tt.name, func(t *testing.T) {
			slow, fast := listen(t, app, "bulk/*"), listen(t, app, "bulk/*")
			text := strings.Repeat("x", tt.bytes)
			written := 0
			for ; written < tt.most+100; written++ {
				line, err := app.NewRecord("bulk")
				if err != nil {
					t.Fatal(err)
				}
				line.Set("text", text)
				if err := app.Save(ctx, line); err != nil {
					t.Fatal(err)
				}
				told(t, fast, 1)
			}
			read := 0
			for {
				_, err := slow.Next(ctx)
				if errors.Is(err, troupe.ErrSlow) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				read++
			}
			if read == 0 || read > tt.most {
				t.Errorf("%d of %d changes were kept for who does not read, want at most %d", read, written, tt.most)
			}
		})
	}
}

// TestSubscriptionEnds: by itself, and with the App; what waits can be read, and nobody is left waiting.
func TestSubscriptionEnds(t *testing.T) {
	app, ctx := opened(t), t.Context()
	for name, topic := range map[string]string{"unknown": "nothing/*", "empty": ""} {
		if _, err := app.Subscribe(topic); !errors.Is(err, troupe.ErrNoCollection) {
			t.Errorf("%s: %v", name, err)
		}
	}
	closed, kept, waiting := listen(t, app, "posts"), listen(t, app, "posts"), listen(t, app, "logs")
	newPost(ctx, app, "one")
	closed.Close()
	closed.Close()
	if _, err := closed.Next(ctx); !errors.Is(err, troupe.ErrEnded) {
		t.Errorf("a closed one: %v", err)
	}
	ended := make(chan error, 1)
	go func() { _, err := waiting.Next(context.Background()); ended <- err }()
	if err := app.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if !errors.Is(err, troupe.ErrEnded) {
			t.Errorf("one that waits: %v", err)
		}
	case <-time.After(patience):
		t.Error("one that waits is left waiting")
	}
	if got := told(t, kept, 1)[0]; got != "create one" {
		t.Errorf("what waited is %q", got)
	}
	if _, err := kept.Next(ctx); !errors.Is(err, troupe.ErrEnded) {
		t.Errorf("and then %v", err)
	}
	if _, err := app.Subscribe("posts"); !errors.Is(err, troupe.ErrEnded) {
		t.Errorf("a new one: %v", err)
	}
}

// TestSubscriptionsAreBounded, and one that ended gives its place back.
func TestSubscriptionsAreBounded(t *testing.T) {
	app := opened(t)
	var list []*troupe.Subscription
	for {
		s, err := app.Subscribe("posts")
		if errors.Is(err, troupe.ErrTooManySubscriptions) {
			break
		}
		if err != nil || len(list) > 10_000 {
			t.Fatal(err, len(list))
		}
		list = append(list, s)
	}
	list[0].Close()
	again, err := app.Subscribe("posts")
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
	for _, s := range list {
		s.Close()
	}
}
