package app

import (
	"github.com/troupebase/troupe/actors/hooks"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
)

// hookSet are the hooks of an [App].
type hookSet struct {
	bootstrap hooks.Hook[*BootstrapEvent]
	terminate hooks.Hook[*TerminateEvent]
	validate  hooks.Hook[*RecordEvent]
	enrich    hooks.Hook[*RecordEnrichEvent]
	create    stages
	update    stages
	delete    stages
}

// stages are the hooks of one kind of write.
type stages struct {
	request hooks.Hook[*RecordRequestEvent]
	write   hooks.Hook[*RecordEvent]
	execute hooks.Hook[*RecordEvent]
	success hooks.Hook[*RecordEvent]
	failure hooks.Hook[*RecordEvent]
}

// of returns the stages of an action.
func (h *hookSet) of(action records.Action) *stages {
	switch action {
	case records.Created:
		return &h.create
	case records.Updated:
		return &h.update
	}
	return &h.delete
}

// writes tells whether any hook runs around writes of this kind to records of c.
func (h *hookSet) writes(c *schema.Collection, action records.Action) bool {
	s := h.of(action)
	return s.write.Bound(c.Name, c.ID) || s.execute.Bound(c.Name, c.ID) || s.success.Bound(c.Name, c.ID) || s.failure.Bound(c.Name, c.ID) ||
		action != records.Deleted && h.validate.Bound(c.Name, c.ID)
}

// requests tells whether any hook runs around requests of this kind.
func (h *hookSet) requests(c *schema.Collection, action records.Action) bool {
	return h.of(action).request.Bound(c.Name, c.ID) || h.writes(c, action)
}

// removals tells whether any hook at all may run when records are deleted and references to them released.
func (h *hookSet) removals() bool {
	for _, s := range []*stages{&h.update, &h.delete} {
		if s.write.Length()+s.execute.Length()+s.success.Length()+s.failure.Length() > 0 {
			return true
		}
	}
	return false
}

// OnBootstrap is the hook around the start. It has to be bound before [App.Bootstrap].
func (a *App) OnBootstrap() *hooks.Hook[*BootstrapEvent] { return &a.hooks.bootstrap }

// OnTerminate is the hook around the end.
func (a *App) OnTerminate() *hooks.Hook[*TerminateEvent] { return &a.hooks.terminate }

// OnRecordCreateRequest is the hook around requests that create a record of one of the collections, named by name or id;
// none means all. The record has no id yet.
func (a *App) OnRecordCreateRequest(collections ...string) *hooks.Tagged[*RecordRequestEvent] {
	return a.hooks.create.request.Tag(collections...)
}

// OnRecordUpdateRequest is the hook around requests that update a record.
func (a *App) OnRecordUpdateRequest(collections ...string) *hooks.Tagged[*RecordRequestEvent] {
	return a.hooks.update.request.Tag(collections...)
}

// OnRecordDeleteRequest is the hook around requests that delete a record.
func (a *App) OnRecordDeleteRequest(collections ...string) *hooks.Tagged[*RecordRequestEvent] {
	return a.hooks.delete.request.Tag(collections...)
}

// OnRecordValidate is the hook around the check of a record that is created or updated.
func (a *App) OnRecordValidate(collections ...string) *hooks.Tagged[*RecordEvent] {
	return a.hooks.validate.Tag(collections...)
}

// OnRecordCreate is the hook around the check and the write of a new record, which is complete by then.
func (a *App) OnRecordCreate(collections ...string) *hooks.Tagged[*RecordEvent] {
	return a.hooks.create.write.Tag(collections...)
}

// OnRecordCreateExecute is the hook around the write of a new record, after its check. What is changed here is not checked
// again.
func (a *App) OnRecordCreateExecute(collections ...string) *hooks.Tagged[*RecordEvent] {
	return a.hooks.create.execute.Tag(collections...)
}

// OnRecordAfterCreateSuccess is the hook after a new record was committed. An error is the caller's answer and takes nothing
// back.
func (a *App) OnRecordAfterCreateSuccess(collections ...string) *hooks.Tagged[*RecordEvent] {
	return a.hooks.create.success.Tag(collections...)
}

// OnRecordAfterCreateError is the hook after a create failed or was rolled back.
func (a *App) OnRecordAfterCreateError(collections ...string) *hooks.Tagged[*RecordEvent] {
	return a.hooks.create.failure.Tag(collections...)
}

// OnRecordUpdate is [App.OnRecordCreate] for updates.
func (a *App) OnRecordUpdate(collections ...string) *hooks.Tagged[*RecordEvent] {
	return a.hooks.update.write.Tag(collections...)
}

// OnRecordUpdateExecute is [App.OnRecordCreateExecute] for updates.
func (a *App) OnRecordUpdateExecute(collections ...string) *hooks.Tagged[*RecordEvent] {
	return a.hooks.update.execute.Tag(collections...)
}

// OnRecordAfterUpdateSuccess is [App.OnRecordAfterCreateSuccess] for updates.
func (a *App) OnRecordAfterUpdateSuccess(collections ...string) *hooks.Tagged[*RecordEvent] {
	return a.hooks.update.success.Tag(collections...)
}

// OnRecordAfterUpdateError is [App.OnRecordAfterCreateError] for updates.
func (a *App) OnRecordAfterUpdateError(collections ...string) *hooks.Tagged[*RecordEvent] {
	return a.hooks.update.failure.Tag(collections...)
}

// OnRecordDelete is the hook around the deletion of a record, also of one that goes along with another.
func (a *App) OnRecordDelete(collections ...string) *hooks.Tagged[*RecordEvent] {
	return a.hooks.delete.write.Tag(collections...)
}

// OnRecordDeleteExecute is the hook around the deletion itself and what goes along with it.
func (a *App) OnRecordDeleteExecute(collections ...string) *hooks.Tagged[*RecordEvent] {
	return a.hooks.delete.execute.Tag(collections...)
}

// OnRecordAfterDeleteSuccess is [App.OnRecordAfterCreateSuccess] for deletions.
func (a *App) OnRecordAfterDeleteSuccess(collections ...string) *hooks.Tagged[*RecordEvent] {
	return a.hooks.delete.success.Tag(collections...)
}

// OnRecordAfterDeleteError is [App.OnRecordAfterCreateError] for deletions.
func (a *App) OnRecordAfterDeleteError(collections ...string) *hooks.Tagged[*RecordEvent] {
	return a.hooks.delete.failure.Tag(collections...)
}
