package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/httpx"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/records/expand"
	"github.com/troupebase/troupe/storage/schema"
)

// recordHandlers answer what is asked of the records of a collection.
type recordHandlers struct {
	store  *records.Store
	writes *writes.Service
	hooks  *writes.Hooks
}

func (h *recordHandlers) list(c *httpx.Context, col *schema.Collection, l list) (empty bool, err error) {
	body, _, err := c.Map()
	if err != nil {
		return false, err
	}
	in := &records.ListInput{
		CollectionID: col.ID,
		Caller:       caller(c, "default"),
		Page:         l.page,
		PerPage:      l.perPage,
		SkipTotal:    l.skipTotal,
		Sort:         l.sort,
		Filter:       l.filter,
		Expand:       l.expand,
		Room:         c.Room,
	}
	in.Caller.Request.Body = body
	out, empty, err := h.store.List(showing(l.ctx, h.hooks, c, in.Caller), c.Buffer(), in)
	if err != nil {
		return false, err
	}
	return empty, c.Send(http.StatusOK, out)
}

func (h *recordHandlers) view(c *httpx.Context, col *schema.Collection, r read) error {
	body, _, err := c.Map()
	if err != nil {
		return err
	}
	in := &records.ViewInput{CollectionID: col.ID, ID: c.Param("id"), Caller: caller(c, "default"), Expand: r.expand}
	in.Caller.Request.Body = body
	out, err := h.store.View(showing(r.ctx, h.hooks, c, in.Caller), c.Buffer(), in)
	if err != nil {
		return err
	}
	return c.Send(http.StatusOK, out)
}

// writeInput reads the body of a write.
func (h *recordHandlers) writeInput(c *httpx.Context, col *schema.Collection, context string) (records.WriteInput, error) {
	body, uploads, err := c.Map()
	if err != nil {
		return records.WriteInput{}, err
	}
	in := records.WriteInput{CollectionID: col.ID, Incarnation: col.Incarnation, Caller: caller(c, context), Body: body}
	for i := range uploads {
		if err := addUpload(&in, col, uploads[i].Field, &uploads[i]); err != nil {
			return in, err
		}
	}
	return in, nil
}

// writeRequest returns what every write of a single record begins with.
func (h *recordHandlers) writeRequest(c *httpx.Context, col *schema.Collection) (records.WriteInput, error) {
	if err := h.refuseEarly(c, col); err != nil {
		return records.WriteInput{}, err
	}
	// What was written is answered whatever its expand costs, so an expand that nobody needs is refused before.
	if err := expand.Check(c.Query("expand")); err != nil {
		return records.WriteInput{}, err
	}
	return h.writeInput(c, col, "default")
}

// refuseEarly refuses a form before its files are read, where the rule refuses it whatever it says.
func (h *recordHandlers) refuseEarly(c *httpx.Context, col *schema.Collection) error {
	if !strings.HasPrefix(c.Header("Content-Type"), "multipart/") {
		return nil
	}
	who := caller(c, "default")
	if who.Superuser {
		return nil
	}
	action, during := records.Created, &creatingRecord
	switch c.Method() {
	case "PATCH":
		action, during = records.Updated, &updatingRecord
	case "DELETE":
		action, during = records.Deleted, &deletingRecord
	}
	err := h.store.Foresee(readContext(c), action, col.ID, c.Param("id"), who)
	if err == nil {
		return nil
	}
	if err := c.DiscardBody(); err != nil {
		return err
	}
	return during.failed(err)
}

// addUpload adds an upload to a write when its key names a file field; others are ignored.
func addUpload(in *records.WriteInput, col *schema.Collection, key string, u *httpx.Upload) error {
	if !records.IsFileKey(col, key) {
		return nil
	}
	f := &records.PendingFile{Key: key, Original: u.Name, Size: u.Size, Content: u.Content()}
	if err := f.Identify(); err != nil {
		return httpx.NewError(http.StatusBadRequest, "").Because(err)
	}
	in.Files = append(in.Files, f)
	return nil
}

func (h *recordHandlers) create(c *httpx.Context, col *schema.Collection) error {
	return h.write(c, col, records.Created, &creatingRecord)
}

func (h *recordHandlers) update(c *httpx.Context, col *schema.Collection) error {
	return h.write(c, col, records.Updated, &updatingRecord)
}

func (h *recordHandlers) delete(c *httpx.Context, col *schema.Collection) error {
	return h.write(c, col, records.Deleted, &deletingRecord)
}

// write writes the record of a request and answers it. A hook that keeps that from happening and answers nothing leaves an empty
// answer.
func (h *recordHandlers) write(c *httpx.Context, col *schema.Collection, action records.Action, during *operation) error {
	in, err := h.writeRequest(c, col)
	if err != nil {
		return err
	}
	rq := &writes.Write{Collection: col, Action: action, Input: in, Client: c.Client()}
	if action != records.Created {
		rq.ID = c.Param("id")
	}
	rq.Info = func() *writes.RequestInfo { return requestInfo(c, in.Caller, jsonOf(in.Body)) }
	rq.Answer = func(ctx context.Context, r *records.Record) error {
		switch {
		case c.Written():
			return nil // a hook has answered
		case action == records.Deleted:
			return c.NoContent()
		}
		if writes.RequestOf(ctx) == nil {
			ctx = showing(ctx, h.hooks, c, in.Caller)
		}
		return h.answer(ctx, c, r, in.Caller)
	}
	if _, err := h.writes.Do(c.Context(), rq); err != nil {
		return during.failed(err)
	}
	return nil
}

// answer sends a record that was just written.
func (h *recordHandlers) answer(ctx context.Context, c *httpx.Context, r *records.Record, who records.Caller) error {
	out, err := h.store.Answer(ctx, c.Buffer(), r, &records.AnswerInput{Caller: who, Expand: c.Query("expand")})
	if err != nil {
		return writes.Written(err)
	}
	return c.Send(http.StatusOK, out)
}
