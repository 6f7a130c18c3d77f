package api

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/troupebase/troupe/actors/guests"
	"github.com/troupebase/troupe/httpx"
	"github.com/troupebase/troupe/storage/calls"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/validation"
	"github.com/troupebase/troupe/wasmhost"
)

// maxListedRecord is how many bytes a record may have that is listed with its call; a page of 500 of them is 8 MB. Longer ones are shown one by one.
const maxListedRecord = 16 << 10

// maxListedPage is a page behind all that can be kept.
const maxListedPage = 1 << 20

// extensionHandlers show superusers what extensions do, and what they are still to be told of.
type extensionHandlers struct {
	guests    *guests.Service
	catalogue func() *schema.Catalogue
}

// shownHealth is how the calls of a hook, a route, or of all of them, went since the version was loaded.
type shownHealth struct {
	Calls       uint64  `json:"calls"`
	Failures    uint64  `json:"failures"`
	Rejected    uint64  `json:"rejected"`
	Busy        uint64  `json:"busy"`
	TotalMS     float64 `json:"totalMs"`
	LastError   string  `json:"lastError"`
	LastErrorAt string  `json:"lastErrorAt"`
	SuspendedMS int64   `json:"suspendedMs"`
}

type shownHook struct {
	Event       string      `json:"event"`
	Collections []string    `json:"collections"`
	Phases      []string    `json:"phases"`
	Priority    int         `json:"priority"`
	Health      shownHealth `json:"health"`
}

type shownRoute struct {
	Method string      `json:"method"`
	Path   string      `json:"path"`
	Auth   string      `json:"auth"`
	Health shownHealth `json:"health"`
}

type shownPermissions struct {
	Collections []string         `json:"collections"`
	SQL         bool             `json:"sql"`
	Grants      []wasmhost.Grant `json:"grants"`
	Granted     []wasmhost.Grant `json:"granted"`
}

type shownInstances struct {
	All  int `json:"all"`
	Idle int `json:"idle"`
}

type shownExtension struct {
	Name        string            `json:"name"`
	Version     string            `json:"version"`
	File        string            `json:"file"`
	Checksum    string            `json:"checksum"`
	Health      shownHealth       `json:"health"`
	Hooks       []shownHook       `json:"hooks"`
	Routes      []shownRoute      `json:"routes"`
	Permissions shownPermissions  `json:"permissions"`
	Instances   shownInstances    `json:"instances"`
	Calls       guests.CallTotals `json:"calls"`
}

// shownRefusal is a file that is not in place as it is in the directory.
type shownRefusal struct {
	File string `json:"file"`
	Name string `json:"name"`
	Why  string `json:"why"`
	// Since is when it was first refused, Tries how often it was tried since, Next when it is tried again, "" where that takes a change.
	Since string `json:"since"`
	Tries int    `json:"tries"`
	Next  string `json:"next"`
	// Before tells that what was loaded of the file before is still in place.
	Before bool `json:"before"`
}

// shownExtensions is the answer to GET /api/extensions.
type shownExtensions struct {
	Extensions []shownExtension `json:"extensions"`
	Refused    []shownRefusal   `json:"refused"`
	// Absent are calls that are kept of extensions that are not loaded.
	Absent []guests.CallTotals `json:"absent"`
}

// list shows the loaded extensions.
func (h *extensionHandlers) list(c *httpx.Context) error {
	totals := h.guests.Calls().Totals()
	out := shownExtensions{Extensions: []shownExtension{}, Refused: []shownRefusal{}, Absent: []guests.CallTotals{}}
	for _, x := range h.guests.Extensions() {
		one := showExtension(x)
		one.Calls = totals[x.Name()]
		one.Calls.Extension = x.Name()
		delete(totals, x.Name())
		out.Extensions = append(out.Extensions, one)
	}
	for _, r := range h.guests.Refused() {
		out.Refused = append(out.Refused, shownRefusal{
			File: r.File, Name: r.Name, Why: r.Why, Since: schema.FormatDate(r.Since), Tries: r.Tries, Next: schema.FormatDate(r.Next), Before: r.Before,
		})
	}
	for _, sum := range totals {
		out.Absent = append(out.Absent, sum)
	}
	slices.SortFunc(out.Absent, func(a, b guests.CallTotals) int { return strings.Compare(a.Extension, b.Extension) })
	return c.SendJSON(http.StatusOK, out)
}

func showExtension(x *wasmhost.Extension) shownExtension {
	stats, asked := x.Stats(), x.Permissions()
	out := shownExtension{
		Name: x.Name(), Version: x.Version(), File: x.File(), Checksum: x.Checksum(), Health: showHealth(stats.CallStats), Hooks: []shownHook{}, Routes: []shownRoute{},
		Permissions: shownPermissions{Collections: listed(asked.Collections), SQL: asked.SQL, Grants: listed(asked.Grants), Granted: listed(x.Grants())},
		Instances:   shownInstances{All: stats.Instances, Idle: stats.Idle},
	}
	for i, spec := range x.Hooks() {
		one := shownHook{Event: spec.Event, Collections: listed(spec.Collections), Phases: []string{}, Priority: spec.Priority, Health: showHealth(stats.Hooks[i])}
		if spec.Before {
			one.Phases = append(one.Phases, "before")
		}
		if spec.After {
			one.Phases = append(one.Phases, "after")
		}
		out.Hooks = append(out.Hooks, one)
	}
	for i, spec := range x.Routes() {
		out.Routes = append(out.Routes, shownRoute{Method: spec.Method, Path: spec.Path, Auth: spec.Auth, Health: showHealth(stats.Routes[i])})
	}
	return out
}

// listed is a list that is empty in JSON, not null.
func listed[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func showHealth(s wasmhost.CallStats) shownHealth {
	return shownHealth{
		Calls: s.Calls, Failures: s.Failures, Rejected: s.Rejected, Busy: s.Busy, TotalMS: float64(s.Total.Microseconds()) / 1000,
		LastError: s.LastError, LastErrorAt: schema.FormatDate(s.LastErrorAt), SuspendedMS: (s.Suspended + time.Millisecond - 1).Milliseconds(),
	}
}

// shownCall is a call that is kept.
type shownCall struct {
	ID             string       `json:"id"`
	Extension      string       `json:"extension"`
	Event          string       `json:"event"`
	Hook           string       `json:"hook"`
	CollectionID   string       `json:"collectionId"`
	CollectionName string       `json:"collectionName"`
	RecordID       string       `json:"recordId"`
	State          calls.State  `json:"state"`
	Attempts       int          `json:"attempts"`
	Next           string       `json:"next"`
	Error          string       `json:"error"`
	Created        string       `json:"created"`
	By             *calls.Asker `json:"by"`
	// Record is null when it is longer than is listed, or was when the call was kept; RecordBytes tells the two apart.
	Record      json.RawMessage `json:"record"`
	RecordBytes int             `json:"recordBytes"`
}

func (h *extensionHandlers) show(k *calls.Header) shownCall {
	out := shownCall{
		ID: k.ID, Extension: k.Extension, Event: k.Event, Hook: k.Hook, CollectionID: k.Collection, RecordID: k.Record, State: k.State, Attempts: k.Attempts,
		Error: k.Error, Created: schema.FormatDate(k.Created), By: k.Asker, RecordBytes: k.DataBytes,
	}
	if c := h.catalogue().ByID(k.Collection); c != nil {
		out.CollectionName = c.Name
	}
	if k.State == calls.Waiting {
		out.Next = schema.FormatDate(k.Next)
	}
	if k.Unreadable != nil {
		out.Error = k.Unreadable.Error()
	}
	if json.Valid(k.Data) {
		out.Record = k.Data
	}
	return out
}

// calls lists the calls that are kept.
func (h *extensionHandlers) calls(c *httpx.Context, _ *schema.Collection, l list) (empty bool, err error) {
	wanted := calls.Wanted{Extension: c.Query("extension"), State: calls.State(c.Query("state")), Shown: maxListedRecord, Limit: l.perPage, Offset: min(l.page-1, maxListedPage) * l.perPage}
	if wanted.State != "" && !wanted.State.Valid() {
		return false, httpx.NewError(http.StatusBadRequest, "There is no such state.")
	}
	kept, total, err := h.guests.Calls().List(l.ctx, wanted)
	if err != nil {
		return false, err
	}
	out := struct {
		Items      []shownCall `json:"items"`
		Page       int         `json:"page"`
		PerPage    int         `json:"perPage"`
		TotalItems int         `json:"totalItems"`
		TotalPages int         `json:"totalPages"`
	}{[]shownCall{}, l.page, l.perPage, total, (total + l.perPage - 1) / l.perPage}
	for i := range kept {
		out.Items = append(out.Items, h.show(&kept[i]))
	}
	return false, c.SendJSON(http.StatusOK, out)
}

// call shows one call with its record.
func (h *extensionHandlers) call(c *httpx.Context) error {
	k, err := h.guests.Calls().Get(c.Context(), c.Param("id"))
	if err != nil {
		return err
	}
	return c.SendJSON(http.StatusOK, h.show(k))
}

// replay makes a call due.
func (h *extensionHandlers) replay(c *httpx.Context) error {
	if err := h.guests.Calls().Replay(c.Context(), c.Param("id")); err != nil {
		return err
	}
	return c.NoContent()
}

// replayAll makes all calls of an extension due.
func (h *extensionHandlers) replayAll(c *httpx.Context) error {
	var form struct {
		Extension string `json:"extension"`
	}
	if err := c.Bind(&form); err != nil {
		return httpx.Loading(err)
	}
	if form.Extension == "" {
		return httpx.Invalid(validateFailed, validation.Errors{"extension": validation.Required})
	}
	n, err := h.guests.Calls().ReplayAll(c.Context(), form.Extension)
	if err != nil {
		return err
	}
	return c.SendJSON(http.StatusOK, map[string]int{"replayed": n})
}

// discard takes a call away.
func (h *extensionHandlers) discard(c *httpx.Context) error {
	if err := h.guests.Calls().Discard(c.Context(), c.Param("id")); err != nil {
		return err
	}
	return c.NoContent()
}
