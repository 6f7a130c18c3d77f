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

	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/httpx"
	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/records/expand"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/settings"
	"github.com/troupebase/troupe/storage/validation"
)

// defaultBatchTimeout is how long a batch may wait and run when the settings do not say.
const defaultBatchTimeout = 3 * time.Second

// batchHandlers run several writes of records as one.
type batchHandlers struct {
	store     *records.Store
	writes    *writes.Service
	hooks     *writes.Hooks
	settings  func() *settings.Settings
	catalogue func() *schema.Catalogue
	// create, update and delete are the routes whose rate limits count for the parts.
	create, update, delete *httpx.Route
}

// run runs several writes in one transaction.
func (h *batchHandlers) run(c *httpx.Context) error {
	conf := h.settings().Batch
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
	for i, item := range form.Requests {
		b.add(i, item, uploads)
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
	outer *filter.Snapshot // the headers of the batch, once a part was made
}

// batchPart is one request of a batch.
type batchPart struct {
	item   *batchItem
	target batchTarget
	known  bool // the target is one
	write  *writes.Write
	caller records.Caller
	record *records.Record // as it was written
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
	failed := &failedPart{response: shown}
	return httpx.Invalid(runningBatch.otherwise, validation.Errors{"requests": validation.Errors{strconv.Itoa(i): failed}}).Because(err)
}

// explain is the answer that the part would have got alone.
func (b *batchRun) explain(i int, err error) error {
	part := b.parts[i]
	method := part.item.Method
	if part.write.Updates() {
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

// failedPart is the failure under the number of the request that failed.
type failedPart struct{ response map[string]any }

func (f *failedPart) Error() string { return "Batch request failed." }

// MarshalJSON writes the failure with the answer that the request would have got alone.
func (f *failedPart) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]any{"code": "batch_request_failed", "message": f.Error(), "response": f.response})
}

// add adds a request of the form. What can be said against it is said when its turn has come.
func (b *batchRun) add(i int, item *batchItem, uploads []httpx.Upload) {
	part := &batchPart{item: item}
	part.write = &writes.Write{
		Client: b.c.Client(),
		Info:   func() *writes.RequestInfo { return b.info(part) },
		Prepare: func(*writes.Write) error {
			return b.fill(part, i, uploads)
		},
		Answer: func(_ context.Context, r *records.Record) error {
			part.record = r
			return nil
		},
	}
	b.parts = append(b.parts, part)
	if part.target, part.known = item.target(); !part.known {
		return
	}
	part.write.Collection = b.h.catalogue().Find(part.target.collection)
	part.write.ID = part.target.id
	switch item.Method {
	case "POST":
		part.write.Action = records.Created
	case "PATCH":
		part.write.Action = records.Updated
	case "DELETE":
		part.write.Action = records.Deleted
	}
}

// fill completes the request of a part, or refuses it.
func (b *batchRun) fill(part *batchPart, i int, uploads []httpx.Upload) error {
	col := part.write.Collection
	switch {
	case !part.known:
		return httpx.NewError(http.StatusBadRequest, "")
	case col == nil:
		return httpx.NewError(http.StatusNotFound, noCollection)
	case col.IsView():
		return records.ErrView
	}
	if err := b.limit(part); err != nil {
		return err
	}
	part.caller = b.caller(part, part.item.Method)
	in := records.WriteInput{CollectionID: col.ID, Incarnation: col.Incarnation, Caller: part.caller, Body: part.item.Body, Late: i > 0}
	if in.Body == nil {
		in.Body = map[string]any{}
	}
	for j := range uploads {
		n, key, ok := uploadTarget(uploads[j].Field)
		if !ok || n != i {
			continue
		}
		if err := addUpload(&in, col, key, &uploads[j]); err != nil {
			return err
		}
	}
	for _, f := range in.Files {
		f.Again()
	}
	param, _ := first(part.target.query, "expand")
	if err := expand.Check(param); err != nil {
		return err
	}
	b.input(part, in)
	return nil
}

// input gives a part its input: a PUT two of them, for either way that it can go.
func (b *batchRun) input(part *batchPart, in records.WriteInput) {
	part.write.Input = in
	if part.item.Method != "PUT" {
		return
	}
	part.write.Input.Caller = b.caller(part, "POST")
	id, _ := in.Body["id"].(string)
	if id == "" {
		part.write.Action = records.Created
		return
	}
	part.target.id, part.write.ID = id, id
	update := in
	update.Caller = b.caller(part, "PATCH")
	part.write.Else = &update
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
	return b.c.Limit(method, path, route, part.write.Collection.ID, part.write.Collection.Name)
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

// run writes the parts.
func (b *batchRun) run() error {
	batch := &writes.Write{Client: b.c.Client()}
	for _, part := range b.parts {
		batch.Parts = append(batch.Parts, part.write)
	}
	_, err := b.h.writes.Do(b.ctx, batch)
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
		if part.write.Action == records.Deleted || r == nil {
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
