package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/troupebase/troupe/actors/catalogue"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/httpx"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/validation"
)

// collectionHandlers answer what superusers ask of the definitions of collections.
type collectionHandlers struct {
	store     *records.Store
	writes    *writes.Service
	catalogue *catalogue.Service
}

func (h *collectionHandlers) list(c *httpx.Context, _ *schema.Collection, l list) (empty bool, err error) {
	out, err := h.store.ListCollections(l.ctx, c.Buffer(), &records.ListInput{
		Caller: caller(c, "default"), Page: l.page, PerPage: l.perPage, SkipTotal: l.skipTotal, Sort: l.sort, Filter: l.filter,
	})
	if err != nil {
		return false, err
	}
	return false, c.Send(http.StatusOK, out)
}

func (h *collectionHandlers) view(c *httpx.Context, col *schema.Collection) error {
	return c.Send(http.StatusOK, col.AppendAPI(c.Buffer()))
}

func (h *collectionHandlers) create(c *httpx.Context) error {
	body, err := jsonBody(c, collectionShape)
	if err != nil {
		return unreadDefinition(err, schema.ErrTypeData)
	}
	col, err := schema.DecodeNew(body)
	if err != nil {
		return errors.Join(schema.ErrData, err)
	}
	err = h.catalogue.Change(acting(c), catalogue.Change{Create: col})
	if err != nil {
		return creatingCollection.failed(err)
	}
	return c.Send(http.StatusOK, h.stored(col).AppendAPI(c.Buffer()))
}

// unreadDefinition is the error of a body that cannot be read at all: kind says what it was to be.
func unreadDefinition(err, kind error) error {
	if httpx.Answered(err) {
		return err
	}
	return errors.Join(kind, err)
}

// stored returns a collection as it was published, which may have been changed again since.
func (h *collectionHandlers) stored(c *schema.Collection) *schema.Collection {
	if now := h.catalogue.Current().ByID(c.ID); now != nil {
		return now
	}
	return c
}

func (h *collectionHandlers) update(c *httpx.Context, found *schema.Collection) error {
	body, err := jsonBody(c, collectionShape)
	if err != nil {
		return unreadDefinition(err, schema.ErrData)
	}
	err = h.catalogue.Change(acting(c), catalogue.Change{Update: found.ID, Definition: body})
	if err != nil {
		return updatingCollection.failed(err)
	}
	return c.Send(http.StatusOK, h.stored(found).AppendAPI(c.Buffer()))
}

func (h *collectionHandlers) delete(c *httpx.Context, col *schema.Collection) error {
	err := h.catalogue.Change(acting(c), catalogue.Change{Delete: col.ID})
	if err != nil {
		return deletingCollection.failed(err)
	}
	return c.NoContent()
}

func (h *collectionHandlers) truncate(c *httpx.Context, col *schema.Collection) error {
	if col.IsView() {
		return httpx.NewError(http.StatusBadRequest, "View collections cannot be truncated since they don't store their own records.")
	}
	cmd, err := h.store.PrepareTruncate(col.ID, caller(c, "default"))
	if err != nil {
		return err
	}
	if _, err := h.writes.Do(c.Context(), &writes.Write{Collection: col, Command: cmd, Client: c.Client()}); err != nil {
		return truncatingCollection.failed(err)
	}
	return c.NoContent()
}

func (h *collectionHandlers) importAll(c *httpx.Context) error {
	body, err := jsonBody(c, importShape)
	if err != nil {
		return httpx.Loading(err)
	}
	var form struct {
		Collections   []json.RawMessage `json:"collections"`
		DeleteMissing bool              `json:"deleteMissing"`
	}
	if err := decodeForm(body, &form); err != nil {
		return httpx.Loading(err)
	}
	for _, element := range form.Collections {
		var object map[string]json.RawMessage
		if err := json.Unmarshal(element, &object); err != nil {
			return httpx.Loading(errors.Join(httpx.ErrMalformed, err))
		}
	}
	if len(form.Collections) == 0 {
		return httpx.Invalid(validateFailed, validation.Errors{"collections": validation.Required})
	}
	err = h.catalogue.Change(acting(c), catalogue.Change{Import: form.Collections, DeleteMissing: form.DeleteMissing})
	if err != nil {
		return importingCollections.failed(err)
	}
	return c.NoContent()
}

// decodeForm reads the first JSON value of a body; no body leaves v alone.
func decodeForm(body []byte, v any) error {
	if len(body) == 0 {
		return nil
	}
	if err := json.NewDecoder(strings.NewReader(string(body))).Decode(v); err != nil {
		return errors.Join(httpx.ErrMalformed, err)
	}
	return nil
}

func (h *collectionHandlers) scaffolds(c *httpx.Context) error {
	return c.SendJSON(http.StatusOK, schema.Scaffolds())
}

func (h *collectionHandlers) providers(c *httpx.Context) error {
	return c.SendJSON(http.StatusOK, schema.Providers())
}

// maxViewQuery is how many bytes a view query that is tried out may have.
const maxViewQuery = 5000

func (h *collectionHandlers) dryRunView(c *httpx.Context) error {
	var form struct {
		Query string `json:"query"`
	}
	if err := c.Bind(&form); err != nil {
		return httpx.Loading(err)
	}
	switch {
	case form.Query == "":
		return httpx.Invalid(validateFailed, validation.Errors{"query": validation.Required})
	case len(form.Query) > maxViewQuery:
		return httpx.Invalid(validateFailed, validation.Errors{"query": tooLong(maxViewQuery)})
	}
	out, err := h.store.TryView(c.Context(), c.Buffer(), form.Query)
	if err != nil {
		return tryingView.failed(err)
	}
	return c.Send(http.StatusOK, out)
}
