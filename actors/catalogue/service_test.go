package catalogue_test

import (
	"bufio"
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/troupebase/troupe/actors/app"
	"github.com/troupebase/troupe/actors/app/apptest"
	"github.com/troupebase/troupe/actors/catalogue"
	"github.com/troupebase/troupe/actors/realtime"
	"github.com/troupebase/troupe/internal/routine"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// docs is a collection that everybody may read.
const docs = `{"name":"docs","type":"base","fields":[{"name":"t","type":"text"}],"listRule":"","viewRule":""}`

// TestPanicOfTheCatalogue: the worker's panic reaches its caller, and a thousand streams stay connected.
func TestPanicOfTheCatalogue(t *testing.T) {
	const streams = 1000
	a := apptest.Open(t)
	define(t, a, docs)
	readers := listeners(t, a, streams)
	for range 20 {
		err := a.Catalogue.Run(context.Background(), func() error { panic("boom") })
		if p := (*routine.Panic)(nil); !errors.As(err, &p) {
			t.Fatalf("the caller of a panic got %v", err)
		}
	}
	r := records.NewRecord(a.Catalogue.Current().Find("docs"))
	r.Set("t", "heard")
	if err := a.Records.Save(context.Background(), r); err != nil {
		t.Fatal(err)
	}
	for i, r := range readers {
		if data := lineWith(t, r, `data:{"record"`); !strings.Contains(data, `"heard"`) {
			t.Fatalf("stream %d got %s", i, data)
		}
	}
	if n := a.Realtime.Len(); n != streams {
		t.Errorf("%d streams are left", n)
	}
	makeMore := func(ch *schema.Change) error {
		c, err := schema.DecodeNew([]byte(`{"name":"more","type":"base"}`))
		if err != nil {
			return err
		}
		return ch.Create(c)
	}
	if err := a.Catalogue.ChangeFunc(context.Background(), makeMore); err != nil {
		t.Errorf("a change after the panics: %v", err)
	}
}

// listeners opens streams that listen to the documents.
func listeners(t *testing.T, a *app.App, n int) []*bufio.Reader {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	readers := make([]*bufio.Reader, n)
	for i := range readers {
		near, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { near.Close() })
		far, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Realtime.Connect(far, realtime.Opening{Head: []byte("HTTP/1.1 200 OK\r\n\r\n"), IP: "ip"}); err != nil {
			t.Fatal(err)
		}
		readers[i] = bufio.NewReaderSize(near, 512)
		if err := near.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
			t.Fatal(err)
		}
		id := lineWith(t, readers[i], "id:")
		if err := a.Realtime.Subscribe(context.Background(), id, []string{"docs/*"}, nil, "ip", nil); err != nil {
			t.Fatal(err)
		}
	}
	return readers
}

// lineWith reads up to the line that begins with prefix and returns its rest.
func lineWith(t testing.TB, r *bufio.Reader, prefix string) string {
	t.Helper()
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatalf("look for %q: %v", prefix, err)
		}
		if rest, ok := strings.CutPrefix(line, prefix); ok {
			return strings.TrimSuffix(rest, "\n")
		}
	}
}

// TestChangesOfCollectionsAreBounded: who finds too many waiting is told so at once (law 13).
func TestChangesOfCollectionsAreBounded(t *testing.T) {
	const more = 5
	a := apptest.Open(t)
	entered, leave := make(chan struct{}), make(chan struct{})
	work := sqlite.WorkFunc(func(*sqlite.Tx) error { close(entered); <-leave; return nil })
	if err := a.DB.Submit(&sqlite.Unit{Work: work, Alone: true}); err != nil {
		t.Fatal(err)
	}
	<-entered
	outcomes := make(chan error, catalogue.MaxChanges+more)
	for range catalogue.MaxChanges + more {
		go func() {
			outcomes <- a.Catalogue.ChangeFunc(context.Background(), func(*schema.Change) error { return nil })
		}()
	}
	for range more {
		if err := <-outcomes; !errors.Is(err, sqlite.ErrBusy) {
			t.Errorf("beyond the bound: %v", err)
		}
	}
	close(leave)
	for range catalogue.MaxChanges {
		if err := <-outcomes; err != nil {
			t.Errorf("within the bound: %v", err)
		}
	}
}

// TestReloadKeepsCollections: another look at the file leaves collections what they are, so that what is under way for them goes on.
func TestReloadKeepsCollections(t *testing.T) {
	a := apptest.Open(t)
	r := records.NewRecord(define(t, a, docs))
	r.Set("t", "x")
	if err := a.Catalogue.Reload(); err != nil {
		t.Fatal(err)
	}
	if err := a.Records.Save(t.Context(), r); err != nil {
		t.Errorf("after a reload: %v", err)
	}
}
