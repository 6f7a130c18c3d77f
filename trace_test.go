package troupe_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/troupebase/troupe"
)

// traced is an App whose hooks note that they ran.
type traced struct {
	app  *troupe.App
	seen []string
	// fail makes the hooks around the statement fail.
	fail bool
}

var errTraced = errors.New("a hook says no")

// note puts down that a hook ran.
func (x *traced) note(name string, of *troupe.App) {
	if of != x.app {
		name += " of another App"
	}
	x.seen = append(x.seen, name)
}

// trace binds all hooks around records.
func trace(o troupe.Options) *traced {
	x := &traced{app: troupe.New(o)}
	a := x.app
	for name, hook := range map[string]func(...string) *troupe.Hook[*troupe.RecordEvent]{
		"validate": a.OnRecordValidate,
		"create":   a.OnRecordCreate, "create execute": a.OnRecordCreateExecute, "create success": a.OnRecordAfterCreateSuccess, "create error": a.OnRecordAfterCreateError,
		"update": a.OnRecordUpdate, "update execute": a.OnRecordUpdateExecute, "update success": a.OnRecordAfterUpdateSuccess, "update error": a.OnRecordAfterUpdateError,
		"delete": a.OnRecordDelete, "delete execute": a.OnRecordDeleteExecute, "delete success": a.OnRecordAfterDeleteSuccess, "delete error": a.OnRecordAfterDeleteError,
	} {
		hook("posts").BindFunc(func(e *troupe.RecordEvent) error {
			x.note(name, e.App)
			if name != "validate" && !strings.HasPrefix(name, string(e.Action)) {
				x.note(fmt.Sprintf("with the action %s", e.Action), e.App)
			}
			if strings.HasSuffix(name, "error") != (e.Error != nil) {
				x.note(fmt.Sprintf("with the error %v", e.Error), e.App)
			}
			if x.fail && strings.HasSuffix(name, "execute") {
				return errTraced
			}
			return e.Next()
		})
	}
	for name, hook := range map[string]func(...string) *troupe.Hook[*troupe.RecordRequestEvent]{
		"create request": a.OnRecordCreateRequest, "update request": a.OnRecordUpdateRequest, "delete request": a.OnRecordDeleteRequest,
	} {
		hook("posts").BindFunc(func(e *troupe.RecordRequestEvent) error {
			x.note(fmt.Sprintf("%s %s %s", name, e.Collection.Name, e.Action), e.App)
			return e.Next()
		})
	}
	a.OnRecordEnrich("posts").BindFunc(func(e *troupe.RecordEnrichEvent) error {
		x.note("enrich "+e.Request.Situation(), e.App)
		return e.Next()
	})
	return x
}

// ran compares what ran with what should have.
func (x *traced) ran(t *testing.T, what string, want ...string) {
	t.Helper()
	if !slices.Equal(x.seen, want) {
		t.Errorf("%s:\ngot  %q\nwant %q", what, x.seen, want)
	}
	x.seen = nil
}

// TestHooksInOrder: each hook runs at its stage, for its kind of write, with the App of the program.
func TestHooksInOrder(t *testing.T) {
	x := trace(troupe.Options{Dir: filepath.Join(t.TempDir(), "data")})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	x.app.OnBootstrap().BindFunc(func(e *troupe.BootstrapEvent) error {
		x.note("bootstrap", e.App)
		if e.Context() == nil || e.App.Settings() != nil || e.App.Collections() != nil {
			t.Error("something is open before the start")
		}
		return e.Next()
	})
	x.app.OnTerminate().BindFunc(func(e *troupe.TerminateEvent) error {
		x.note("terminate", e.App)
		_, err := e.App.CountRecords(context.Background(), "posts", troupe.Find{})
		return errors.Join(err, e.Next())
	})
	err := x.app.RunWith(ctx, "127.0.0.1:0", func(addr net.Addr) error {
		defer stop()
		x.ran(t, "the start", "bootstrap")
		if err := x.app.ImportCollections(ctx, []byte(collections), false); err != nil {
			return err
		}
		x.writes(t, ctx)
		x.requests(t, "http://"+addr.String()+"/api/collections/posts/records")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	x.ran(t, "the end", "terminate")
}

// writes writes as a program does.
func (x *traced) writes(t *testing.T, ctx context.Context) {
	post := newPost(ctx, x.app, "one")
	x.ran(t, "a create", "create", "validate", "create execute", "create success")
	post.Set("title", "two")
	if err := x.app.Save(ctx, post); err != nil {
		t.Error(err)
	}
	x.ran(t, "an update", "update", "validate", "update execute", "update success")
	x.fail = true
	post.Set("title", "three")
	if err := x.app.Save(ctx, post); !errors.Is(err, errTraced) {
		t.Error(err)
	}
	x.ran(t, "an update that fails", "update", "validate", "update execute", "update error")
	if err := x.app.Delete(ctx, post); !errors.Is(err, errTraced) {
		t.Error(err)
	}
	x.ran(t, "a delete that fails", "delete", "delete execute", "delete error")
	another, err := x.app.NewRecord("posts")
	if err != nil {
		t.Fatal(err)
	}
	another.Set("title", "four")
	if err := x.app.Save(ctx, another); !errors.Is(err, errTraced) {
		t.Error(err)
	}
	x.ran(t, "a create that fails", "create", "validate", "create execute", "create error")
	x.fail = false
	if err := x.app.Delete(ctx, post); err != nil {
		t.Error(err)
	}
	x.ran(t, "a delete", "delete", "delete execute", "delete success")
}

// requests writes as a client does.
func (x *traced) requests(t *testing.T, posts string) {
	token := superuserToken(x.app)
	if status, answer := fetch("POST", posts, `{"id": "abcdefghijklmno", "title": "one"}`); status != 200 {
		t.Error(answer)
	}
	x.ran(t, "a request to create", "create request posts create", "create", "validate", "create execute", "create success", "enrich default")
	if status, answer := fetch("PATCH", posts+"/abcdefghijklmno", `{"title": "two"}`, "Authorization", token); status != 200 {
		t.Error(answer)
	}
	x.ran(t, "a request to update", "update request posts update", "update", "validate", "update execute", "update success", "enrich default")
	if status, answer := fetch("DELETE", posts+"/abcdefghijklmno", "", "Authorization", token); status != 204 {
		t.Error(answer)
	}
	x.ran(t, "a request to delete", "delete request posts delete", "delete", "delete execute", "delete success")
}

// TestRequest: a hook learns who asks and how, also by its context; what nobody asked for has no request.
func TestRequest(t *testing.T) {
	var got []string
	say := func(r troupe.Request) {
		body, err := r.Body()
		if err != nil {
			t.Error(err)
		}
		who := ""
		if r.Auth() != nil {
			who = r.Auth().Text("email")
		}
		got = append(got, fmt.Sprintf("%q %s %s q=%s c=%s x=%s ip=%s %s who=%s root=%v", r.Situation(), r.Method(), r.Path(), r.Query("q"), r.Param("collection"),
			r.Header("x-TEST"), r.RealIP(), body, who, r.Superuser()))
	}
	serve(func(app *troupe.App) {
		app.OnRecordCreateRequest("posts").BindFunc(func(e *troupe.RecordRequestEvent) error {
			say(e.Request)
			return e.Next()
		})
		app.OnRecordCreate("posts").BindFunc(func(e *troupe.RecordEvent) error {
			say(troupe.RequestOf(e.Context()))
			return e.Next()
		})
	}, func(app *troupe.App, base string) {
		fetch("POST", base+"/api/collections/posts/records?q=1", `{"title":"a"}`, "X-Test", "yes", "Authorization", superuserToken(app))
		newPost(context.Background(), app, "mine")
	})
	asked := `"default" POST /api/collections/posts/records q=1 c=posts x=yes ip=127.0.0.1 {"title":"a"} who=root@example.com root=true`
	want := []string{asked, asked, `""   q= c= x= ip=  who= root=false`}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
