package api

import (
	"context"
	"io"
	"net/http"
	"strings"

	"github.com/troupebase/troupe/actors/app"
	"github.com/troupebase/troupe/httpx"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
)

// The messages of failed writes.
const (
	createFailed = "Failed to create record."
	updateFailed = "Failed to update record."
)

// collection returns the collection that the path names. Its absence is reported in the words of the method.
func (a *API) collection(c *httpx.Context) (*schema.Collection, error) {
	if found := a.app.Catalogue().Find(c.Param("collection")); found != nil {
		return found, nil
	}
	return nil, noCollection(c.Method())
}

func noCollection(method string) error {
	if method == "POST" || method == "PATCH" {
		return httpx.NewError(http.StatusNotFound, "Missing or invalid collection context.")
	}
	return httpx.NewError(http.StatusNotFound, "Missing collection context.")
}

// recordLimit is how many bytes the body of a create or update may have: the usual ones, and room for the values that
// the collection's fields allow to be large.
func (a *API) recordLimit(c *httpx.Context) (int64, error) {
	col, err := a.collection(c)
	if err != nil {
		return 0, err
	}
	limit := int64(httpx.DefaultBodyLimit)
	if col.IsView() {
		return limit, nil
	}
	for _, f := range col.Fields {
		switch f := f.(type) {
		case *schema.FileField:
			limit += f.Limit() * int64(max(f.MaxSelect, 1))
		case *schema.EditorField:
			limit += f.Limit()
		case *schema.JSONField:
			limit += f.Limit()
		}
	}
	return limit, nil
}

func (a *API) listRecords(c *httpx.Context) error {
	col, err := a.collection(c)
	if err != nil {
		return err
	}
	body, _, err := c.Map()
	if err != nil {
		return err
	}
	params, err := readListParams(c)
	if err != nil {
		return err
	}
	in := &records.ListInput{
		CollectionID: col.ID,
		Caller:       caller(c, "default"),
		Page:         params.page,
		PerPage:      params.perPage,
		SkipTotal:    params.skipTotal,
		Sort:         params.sort,
		Filter:       params.filter,
		Expand:       c.Query("expand"),
		Room:         c.Room,
	}
	in.Caller.Request.Body = body
	out, empty, err := a.app.Store().List(a.showing(expandContext(c, in.Expand), c, in.Caller), c.Buffer(), in)
	if err != nil {
		return err
	}
	if empty && !in.Caller.Superuser {
		a.probes.slow(c.Context(), c.Client(), col.ID)
	}
	return c.Send(http.StatusOK, out)
}

func (a *API) viewRecord(c *httpx.Context) error {
	col, err := a.collection(c)
	if err != nil {
		return err
	}
	body, _, err := c.Map()
	if err != nil {
		return err
	}
	in := &records.ViewInput{CollectionID: col.ID, ID: c.Param("id"), Caller: caller(c, "default"), Expand: c.Query("expand")}
	in.Caller.Request.Body = body
	out, err := a.app.Store().View(a.showing(expandContext(c, in.Expand), c, in.Caller), c.Buffer(), in)
	if err != nil {
		return err
	}
	return c.Send(http.StatusOK, out)
}

// writeInput reads the body of a write.
func (a *API) writeInput(c *httpx.Context, col *schema.Collection, context string) (records.WriteInput, error) {
	body, uploads, err := c.Map()
	if err != nil {
		return records.WriteInput{}, err
	}
	in := records.WriteInput{CollectionID: col.ID, Incarnation: col.Incarnation, Caller: caller(c, context), Body: body, Passwords: a.app.Passwords()}
	for i := range uploads {
		if err := addUpload(&in, col, uploads[i].Field, &uploads[i]); err != nil {
			return in, err
		}
	}
	return in, nil
}

// writeRequest returns what every write of a single record begins with: the collection and the body.
func (a *API) writeRequest(c *httpx.Context) (*schema.Collection, records.WriteInput, error) {
	col, err := a.collection(c)
	if err != nil {
		return nil, records.WriteInput{}, err
	}
	if col.IsView() {
		return nil, records.WriteInput{}, records.ErrView
	}
	if err := a.foresee(c, col); err != nil {
		return nil, records.WriteInput{}, err
	}
	// What was written is answered whatever its expand costs, so an expand that nobody needs is refused before.
	if err := records.CheckExpand(c.Query("expand")); err != nil {
		return nil, records.WriteInput{}, err
	}
	in, err := a.writeInput(c, col, "default")
	return col, in, err
}

// foresee refuses a form before its files are spooled, where the rule refuses it whatever it says.
func (a *API) foresee(c *httpx.Context, col *schema.Collection) error {
	if !strings.HasPrefix(c.Header("Content-Type"), "multipart/") {
		return nil
	}
	who := caller(c, "default")
	if who.Superuser {
		return nil
	}
	action, message := records.Created, createFailed
	switch c.Method() {
	case "PATCH":
		action, message = records.Updated, updateFailed
	case "DELETE":
		action = records.Deleted
	}
	err := a.app.Store().Foresee(readContext(c), action, col.ID, c.Param("id"), who)
	if err == nil {
		return nil
	}
	if err := c.Skip(); err != nil {
		return err
	}
	if action == records.Deleted {
		return err
	}
	return saveError(err, message)
}

// addUpload adds an upload to a write when its key names a file field; others are ignored.
func addUpload(in *records.WriteInput, col *schema.Collection, key string, u *httpx.Upload) error {
	if !records.IsFileKey(col, key) {
		return nil
	}
	f := &records.PendingFile{Key: key, Original: u.Name, Size: u.Size, Open: func() (io.ReadCloser, error) { return u.Open() }}
	if err := f.Identify(); err != nil {
		return httpx.NewError(http.StatusBadRequest, "").Because(err)
	}
	in.Files = append(in.Files, f)
	return nil
}

func (a *API) createRecord(c *httpx.Context) error {
	col, in, err := a.writeRequest(c)
	if err != nil {
		return err
	}
	if a.app.Hooked(col, records.Created) {
		draft, err := a.app.Store().DraftCreate(in)
		if err != nil {
			return err
		}
		return saveError(a.request(c, col, draft, "", in), createFailed)
	}
	cmd, err := a.app.Store().PrepareCreate(c.Context(), in)
	if err == nil {
		err = a.app.Write(c.Context(), col, cmd, c.RealIP())
	}
	if err != nil {
		return saveError(err, createFailed)
	}
	return a.answer(a.showing(c.Context(), c, in.Caller), c, cmd.Result, in.Caller)
}

func (a *API) updateRecord(c *httpx.Context) error {
	col, in, err := a.writeRequest(c)
	if err != nil {
		return err
	}
	id := c.Param("id")
	if a.app.Hooked(col, records.Updated) {
		draft, err := a.app.Store().DraftUpdate(id, in)
		if err != nil {
			return err
		}
		return saveError(a.request(c, col, draft, id, in), updateFailed)
	}
	cmd, err := a.app.Store().PrepareUpdate(c.Context(), id, in)
	if err == nil {
		err = a.app.Write(c.Context(), col, cmd, c.RealIP())
	}
	if err != nil {
		return saveError(err, updateFailed)
	}
	return a.answer(a.showing(c.Context(), c, in.Caller), c, cmd.Result, in.Caller)
}

func (a *API) deleteRecord(c *httpx.Context) error {
	col, in, err := a.writeRequest(c)
	if err != nil {
		return err
	}
	id := c.Param("id")
	cmd, err := a.app.Store().PrepareDelete(id, in)
	if err != nil {
		return err
	}
	if a.app.Hooked(col, records.Deleted) {
		return a.request(c, col, cmd, id, in)
	}
	if err := a.app.Write(c.Context(), col, cmd, c.RealIP()); err != nil {
		return err
	}
	return c.NoContent()
}

// request runs a write with the hooks around the request. A hook that keeps it from happening and answers nothing leaves an
// empty answer.
func (a *API) request(c *httpx.Context, col *schema.Collection, draft records.WriteDraft, id string, in records.WriteInput) error {
	rq := &app.WriteRequest{Info: requestInfo(c, in.Caller, jsonOf(in.Body)), Collection: col, Draft: draft, ID: id, Client: c.RealIP()}
	rq.Answer = func(ctx context.Context, r *records.Record) error {
		switch {
		case c.Written():
			return nil // a hook has answered
		case draft.Action() == records.Deleted:
			return c.NoContent()
		}
		return a.answer(ctx, c, r, in.Caller)
	}
	return a.app.Request(c.Context(), rq)
}

// answer sends a record that was just written.
func (a *API) answer(ctx context.Context, c *httpx.Context, r *records.Record, who records.Caller) error {
	out, err := a.app.Store().Answer(ctx, c.Buffer(), r, &records.AnswerInput{Caller: who, Expand: c.Query("expand")})
	if err != nil {
		return app.Written(err)
	}
	return c.Send(http.StatusOK, out)
}
