package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/troupebase/troupe/actors/app"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/httpx"
	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/records/expand"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/validation"
)

// defaultBatchTimeout is how long a batch may wait and run when the settings do not say.
const defaultBatchTimeout = 3 * time.Second

// batchHandlers run several writes of records as one.
type batchHandlers struct {
	app   *app.App
	store *records.Store
	// create, update and delete are the routes whose rate limits count for the parts.
	create, update, delete *httpx.Route
}

// run runs several writes in one transaction.
func (h *batchHandlers) run(c *httpx.Context) error {
	conf := h.app.Settings().Batch
	if !conf.Enabled || conf.MaxRequests <= 0 {
		return httpx.NewError(http.StatusForbidden, "Batch requests are not allowed.")
	}
	form, uploads, err := readBatch(c)
	if err != nil {
		return unread(err, "Failed to read the submitted batch data.")
	}
	if errs := form.validate(conf.MaxRequests); errs != nil {
		return httpx.Invalid("Invalid batch request data.", errs)
	}
	timeout := defaultBatchTimeout
	if conf.Timeout > 0 {
		timeout = time.Duration(conf.Timeout) * time.Second
	}
	ctx, cancel := context.WithTimeout(c.Context(), timeout)
	defer cancel()
	b := &batchRun{h: h, c: c, ctx: ctx}
	if err := b.prepare(form, uploads); err != nil {
		return err
	}
	if err := b.run(); err != nil {
		return err
	}
	out, err := b.answer(c.Buffer())
	if err != nil {
		return writes.Written(err)
	}
	return c.Send(http.StatusOK, out)
}

// readBatch reads the form of a batch, from JSON or from the part "@jsonPayload", and its uploads.
func readBatch(c *httpx.Context) (*batchForm, []httpx.Upload, error) {
	if isJSON(c) {
		raw, err := c.JSON()
		if err != nil {
			return nil, nil, err
		}
		form, err := decodeBatch(raw)
		return form, nil, err
	}
	body, uploads, err := c.Map()
	if err != nil {
		return nil, nil, err
	}
	raw, err := json.Marshal(map[string]any{"requests": body["requests"]})
	if err != nil {
		return nil, nil, err
	}
	form, err := decodeBatch(raw)
	return form, uploads, err
}

// batchRun is one batch on its way.
type batchRun struct {
	h     *batchHandlers
	c     *httpx.Context
	ctx   context.Context
	parts []*batchPart
	// hooked tells that hooks run around one of the parts.
	hooked bool
	outer  *filter.Snapshot // the headers of the batch, once a part was made
}

// batchPart is one request of a batch.
type batchPart struct {
	item    *batchItem
	target  batchTarget
	col     *schema.Collection
	command records.Command
	caller  records.Caller
	record  *records.Record // what hooks left of the record that was written
}

// failure is the answer to a batch whose part i failed. What is not the fault of the part is not told as if it were.
func (b *batchRun) failure(i int, err error) error {
	if serverSide(err) {
		return err
	}
	inner := httpx.AsError(b.explain(i, err))
	var shown map[string]any
	if jsonErr := json.Unmarshal(inner.AppendJSON(nil), &shown); jsonErr != nil {
		return jsonErr
	}
	leaf := &failedPart{response: shown}
	return httpx.Invalid(runningBatch.otherwise, validation.Errors{"requests": validation.Errors{strconv.Itoa(i): leaf}}).Because(err)
}

// explain is the answer that the part would have got alone.
func (b *batchRun) explain(i int, err error) error {
	part := b.parts[i]
	method := part.item.Method
	if up, ok := part.command.(*records.Upsert); ok && up.Updated {
		method = "PATCH"
	}
	switch method {
	case "POST", "PUT":
		err = creatingRecord.failed(err)
	case "PATCH":
		err = updatingRecord.failed(err)
	}
	var own *httpx.Error
	if errors.As(err, &own) {
		return own
	}
	if mapped := mapError(err); mapped != nil {
		return mapped
	}
	return err
}

// failedPart is the leaf under the number of the request that failed.
type failedPart struct{ response map[string]any }

func (f *failedPart) Error() string { return "Batch request failed." }

// MarshalJSON writes the leaf with the answer that the request would have got alone.
func (f *failedPart) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]any{"code": "batch_request_failed", "message": f.Error(), "response": f.response})
}

// prepare makes a command of each request.
func (b *batchRun) prepare(form *batchForm, uploads []httpx.Upload) error {
	b.hooked = b.hooks(form)
	for i, item := range form.Requests {
		part := &batchPart{item: item}
		b.parts = append(b.parts, part)
		target, ok := item.target()
		if !ok {
			return b.failure(i, httpx.NewError(http.StatusBadRequest, ""))
		}
		part.target = target
		if err := b.prepareOne(part, i, uploads); err != nil {
			return b.failure(i, err)
		}
	}
	return nil
}

func (b *batchRun) prepareOne(part *batchPart, i int, uploads []httpx.Upload) error {
	part.col = b.h.app.Catalogue().Find(part.target.collection)
	if part.col == nil {
		return httpx.NewError(http.StatusNotFound, noCollection)
	}
	if part.col.IsView() {
		return records.ErrView
	}
	if err := b.limit(part); err != nil {
		return err
	}
	part.caller = b.caller(part, part.item.Method)
	in := records.WriteInput{CollectionID: part.col.ID, Incarnation: part.col.Incarnation, Caller: part.caller, Body: part.item.Body, Late: i > 0}
	if in.Body == nil {
		in.Body = map[string]any{}
	}
	for j := range uploads {
		n, key, ok := uploadTarget(uploads[j].Field)
		if !ok || n != i {
			continue
		}
		if err := addUpload(&in, part.col, key, &uploads[j]); err != nil {
			return err
		}
	}
	for _, f := range in.Files {
		f.Again()
	}
	return b.command(part, in)
}

// limit counts the part against the rate limits of the request it stands for.
func (b *batchRun) limit(part *batchPart) error {
	route, method := b.h.create, "POST"
	switch part.item.Method {
	case "PATCH":
		route, method = b.h.update, "PATCH"
	case "DELETE":
		route, method = b.h.delete, "DELETE"
	}
	path, _, _ := strings.Cut(part.item.URL, "?")
	return b.c.Limit(method, path, route, part.col.ID, part.col.Name)
}

// command makes the command of a part. Where hooks run, rules and passwords are looked at when its turn has come.
func (b *batchRun) command(part *batchPart, in records.WriteInput) (err error) {
	store := b.h.store
	param, _ := first(part.target.query, "expand")
	if err := expand.Check(param); err != nil {
		return err
	}
	id, method := part.target.id, part.item.Method
	if method == "PUT" {
		if id, _ = in.Body["id"].(string); id == "" {
			method = "POST"
			in.Caller = b.caller(part, "POST")
		} else {
			part.target.id = id
		}
	}
	switch {
	case method == "PUT":
		part.command, err = b.upsert(part, in, id)
	case method == "POST" && b.hooked:
		part.command, err = commandOf(store.DraftCreate(in))
	case method == "POST":
		part.command, err = store.PrepareCreate(b.ctx, in)
	case method == "PATCH" && b.hooked:
		part.command, err = commandOf(store.DraftUpdate(id, in))
	case method == "PATCH":
		part.command, err = store.PrepareUpdate(b.ctx, id, in)
	case method == "DELETE":
		part.command, err = store.PrepareDelete(id, in)
	}
	return err
}

// commandOf returns the command of a draft, which is made into one again when its turn has come.
func commandOf(d *records.Draft, err error) (records.Command, error) {
	if err != nil {
		return nil, err
	}
	return d.Command(), nil
}

func (b *batchRun) upsert(part *batchPart, in records.WriteInput, id string) (records.Command, error) {
	create, update := in, in
	create.Caller = b.caller(part, "POST")
	update.Caller = b.caller(part, "PATCH")
	if b.hooked {
		return b.h.store.DraftUpsert(id, create, update), nil
	}
	return b.h.store.PrepareUpsert(b.ctx, id, create, update)
}

// caller is what the rules of a part see: its own method, query and headers on top of those of the batch.
func (b *batchRun) caller(part *batchPart, method string) records.Caller {
	who := caller(b.c, "batch")
	if b.outer == nil {
		b.outer = new(filter.Snapshot)
		who.Request.Source.CopyTo(b.outer)
	}
	own := new(filter.Snapshot)
	for name, values := range part.target.query {
		for _, v := range values {
			own.AddQuery(name, v)
		}
	}
	for name, v := range part.item.Headers {
		if filter.HeaderName(name) != "authorization" {
			own.AddHeader([]byte(name), []byte(v))
		}
	}
	own.Under(b.outer)
	who.Request.Method, who.Request.Source = method, own
	return who
}

func first(q url.Values, name string) (string, bool) {
	if v, ok := q[name]; ok && len(v) > 0 {
		return v[0], true
	}
	return "", false
}

// run applies the commands: as one, or request by request where hooks run around one of them.
func (b *batchRun) run() error {
	var err error
	if b.hooked {
		err = b.h.app.Writes().Batch(b.ctx, b.c.RealIP(), b.request)
	} else {
		batch := &records.Batch{Together: true}
		for _, part := range b.parts {
			batch.Commands = append(batch.Commands, part.command)
		}
		err = b.h.app.Writes().Write(b.ctx, b.parts[0].col, batch, b.c.RealIP())
	}
	var failed *records.BatchError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &failed):
		return b.failure(failed.Index, failed.Err)
	}
	return runningBatch.failed(err)
}

// answer appends the list of the parts' answers.
func (b *batchRun) answer(dst []byte) ([]byte, error) {
	dst = append(dst, '[')
	for i, part := range b.parts {
		if i > 0 {
			dst = append(dst, ',')
		}
		r := part.record
		if !b.hooked {
			r = records.ResultOf(part.command)
		}
		if _, gone := part.command.(*records.Delete); gone || r == nil {
			dst = append(dst, `{"body":null,"status":204}`...)
			continue
		}
		param, _ := first(part.target.query, "expand")
		body, err := b.h.store.Answer(b.showing(part), nil, r, &records.AnswerInput{Caller: part.caller, Expand: param})
		if err != nil {
			return nil, err
		}
		if fields, _ := first(part.target.query, "fields"); fields != "" {
			if body, err = pick(nil, body, fields); err != nil {
				return nil, err
			}
			if len(body) == 0 {
				body = []byte("null")
			}
		}
		dst = append(dst, `{"body":`...)
		dst = append(dst, body...)
		dst = append(dst, `,"status":200}`...)
	}
	return append(dst, ']'), nil
}
