package writes

import (
	"github.com/troupebase/troupe/actors/hooks"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
)

// Hooks are the hooks around records: around what is written, and around what is shown. The zero value has no handlers. It is
// safe for concurrent use, and handlers may be bound at any time.
type Hooks struct {
	validate hooks.Hook[*RecordEvent]
	enrich   hooks.Hook[*RecordEnrichEvent]
	create   Stages
	update   Stages
	delete   Stages
}

// Stages are the hooks of one kind of write, from the outermost to the innermost, and those after the outcome.
type Stages struct {
	// Request is around a request to the API.
	Request hooks.Hook[*RecordRequestEvent]
	// Write is around the check and the statement, Execute around the statement alone.
	Write, Execute hooks.Hook[*RecordEvent]
	// Success comes after the commit, Failure after an error.
	Success, Failure hooks.Hook[*RecordEvent]
}

// Validation returns the hook around the check of a record, Enrichment that around records that are shown. It is for those
// who replace handlers; programs bind theirs with [Hooks.OnRecordValidate] and its like.
func (h *Hooks) Validation() *hooks.Hook[*RecordEvent] { return &h.validate }

// Enrichment is described at [Hooks.Validation].
func (h *Hooks) Enrichment() *hooks.Hook[*RecordEnrichEvent] { return &h.enrich }

// Stages returns the stages of an action, see [Hooks.Validation].
func (h *Hooks) Stages(action records.Action) *Stages {
	switch action {
	case records.Created:
		return &h.create
	case records.Updated:
		return &h.update
	}
	return &h.delete
}

// writes tells whether any hook runs around writes of this kind to records of c.
func (h *Hooks) writes(c *schema.Collection, action records.Action) bool {
	s := h.Stages(action)
	return s.Write.Bound(c.Name, c.ID) || s.Execute.Bound(c.Name, c.ID) || s.Success.Bound(c.Name, c.ID) || s.Failure.Bound(c.Name, c.ID) ||
		action != records.Deleted && h.validate.Bound(c.Name, c.ID)
}

// requests tells whether any hook runs around requests of this kind.
func (h *Hooks) requests(c *schema.Collection, action records.Action) bool {
	return h.Stages(action).Request.Bound(c.Name, c.ID) || h.writes(c, action)
}

// removals tells whether any hook at all may run when records are deleted and references to them released.
func (h *Hooks) removals() bool {
	for _, s := range []*Stages{&h.update, &h.delete} {
		if s.Write.Length()+s.Execute.Length()+s.Success.Length()+s.Failure.Length() > 0 {
			return true
		}
	}
	return false
}

// OnRecordCreateRequest is the hook around requests that create a record of one of the collections, named by name or id;
// none means all. The record has no id yet.
func (h *Hooks) OnRecordCreateRequest(collections ...string) *hooks.Tagged[*RecordRequestEvent] {
	return h.create.Request.Tag(collections...)
}

// OnRecordUpdateRequest is the hook around requests that update a record.
func (h *Hooks) OnRecordUpdateRequest(collections ...string) *hooks.Tagged[*RecordRequestEvent] {
	return h.update.Request.Tag(collections...)
}

// OnRecordDeleteRequest is the hook around requests that delete a record.
func (h *Hooks) OnRecordDeleteRequest(collections ...string) *hooks.Tagged[*RecordRequestEvent] {
	return h.delete.Request.Tag(collections...)
}

// OnRecordValidate is the hook around the check of a record that is created or updated.
func (h *Hooks) OnRecordValidate(collections ...string) *hooks.Tagged[*RecordEvent] {
	return h.validate.Tag(collections...)
}

// OnRecordCreate is the hook around the check and the write of a new record, which is complete by then.
func (h *Hooks) OnRecordCreate(collections ...string) *hooks.Tagged[*RecordEvent] {
	return h.create.Write.Tag(collections...)
}

// OnRecordCreateExecute is the hook around the write of a new record, after its check. What is changed here is not checked
// again.
func (h *Hooks) OnRecordCreateExecute(collections ...string) *hooks.Tagged[*RecordEvent] {
	return h.create.Execute.Tag(collections...)
}

// OnRecordAfterCreateSuccess is the hook after a new record was committed. An error is the caller's answer and takes nothing
// back.
func (h *Hooks) OnRecordAfterCreateSuccess(collections ...string) *hooks.Tagged[*RecordEvent] {
	return h.create.Success.Tag(collections...)
}

// OnRecordAfterCreateError is the hook after a create failed or was rolled back.
func (h *Hooks) OnRecordAfterCreateError(collections ...string) *hooks.Tagged[*RecordEvent] {
	return h.create.Failure.Tag(collections...)
}

// OnRecordUpdate is [Hooks.OnRecordCreate] for updates.
func (h *Hooks) OnRecordUpdate(collections ...string) *hooks.Tagged[*RecordEvent] {
	return h.update.Write.Tag(collections...)
}

// OnRecordUpdateExecute is [Hooks.OnRecordCreateExecute] for updates.
func (h *Hooks) OnRecordUpdateExecute(collections ...string) *hooks.Tagged[*RecordEvent] {
	return h.update.Execute.Tag(collections...)
}

// OnRecordAfterUpdateSuccess is [Hooks.OnRecordAfterCreateSuccess] for updates.
func (h *Hooks) OnRecordAfterUpdateSuccess(collections ...string) *hooks.Tagged[*RecordEvent] {
	return h.update.Success.Tag(collections...)
}

// OnRecordAfterUpdateError is [Hooks.OnRecordAfterCreateError] for updates.
func (h *Hooks) OnRecordAfterUpdateError(collections ...string) *hooks.Tagged[*RecordEvent] {
	return h.update.Failure.Tag(collections...)
}

// OnRecordDelete is the hook around the deletion of a record, also of one that goes along with another.
func (h *Hooks) OnRecordDelete(collections ...string) *hooks.Tagged[*RecordEvent] {
	return h.delete.Write.Tag(collections...)
}

// OnRecordDeleteExecute is the hook around the deletion itself and what goes along with it.
func (h *Hooks) OnRecordDeleteExecute(collections ...string) *hooks.Tagged[*RecordEvent] {
	return h.delete.Execute.Tag(collections...)
}

// OnRecordAfterDeleteSuccess is [Hooks.OnRecordAfterCreateSuccess] for deletions.
func (h *Hooks) OnRecordAfterDeleteSuccess(collections ...string) *hooks.Tagged[*RecordEvent] {
	return h.delete.Success.Tag(collections...)
}

// OnRecordAfterDeleteError is [Hooks.OnRecordAfterCreateError] for deletions.
func (h *Hooks) OnRecordAfterDeleteError(collections ...string) *hooks.Tagged[*RecordEvent] {
	return h.delete.Failure.Tag(collections...)
}
