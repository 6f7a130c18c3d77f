//go:build wasip1

package troupe

import "unsafe"

// RecordEvent is something that happens to a record.
type RecordEvent struct {
	Record Record // whose fields may be changed where abi.md says that it counts
	state  []byte
}

// Keep hands bytes from before to after, 64 KiB at most.
func (e *RecordEvent) Keep(state []byte) { e.state = state }

// State is what before kept, in after.
func (e *RecordEvent) State() []byte { return e.state }

// Request is the request that the event belongs to; ok is false where there is none.
func (e *RecordEvent) Request() (r *Request, ok bool) {
	buf, size := room()
	return &Request{}, hostRequest(partMethod, "", buf, size) >= 0
}

// CallID is the id of this call, in the success events: the same each time that the call is made, as one that fails is made again.
func (e *RecordEvent) CallID() string { return request.text(partCall, "") }

// Failure is why the write failed, in the error events.
func (e *RecordEvent) Failure() string {
	for {
		buf, size := room()
		n := hostFailure(buf, size)
		if n < 0 {
			keep("failure", "", n)
			return ""
		}
		if !grow(n) {
			return string(buffer[:n])
		}
	}
}

// RecordHandler is called for an event of a record. What its error means, the package comment says.
type RecordHandler func(e *RecordEvent) error

// Hook is a registered hook.
type Hook struct {
	event         string
	collections   []string
	before, after RecordHandler
	priority      int
	atomic        bool
	decided       bool // atomic was set
}

// After sets what is called on the way out, after what is inside succeeded: in the same transaction, if there is one, but
// perhaps in another instance.
func (h *Hook) After(f RecordHandler) *Hook {
	h.after = f
	return h
}

// Priority sets the place among the hooks of an event: the smaller, the further outside. It is 0 unless set.
func (h *Hook) Priority(n int) *Hook {
	h.priority = n
	return h
}

// Atomic says whether the hooks and the write that they are around run in one transaction: what the handler finds does not change until
// the record is written, and what it writes is taken back when the record is not. That is so unless set for hooks before the write (those
// of request, create, update, delete, validate and execute) of an extension that may reach data, see [AllowCollections] and [AllowSQL].
// Other writers wait while such a hook runs; switch it off for one that only looks at the record.
func (h *Hook) Atomic(on bool) *Hook {
	h.atomic, h.decided = on, true
	return h
}

// hooks are all that were registered; the position is their index in the ABI.
var hooks []*Hook

func on(event string, f RecordHandler, collections []string) *Hook {
	h := &Hook{event: event, before: f, collections: collections}
	hooks = append(hooks, h)
	return h
}

// run calls the handler of a phase.
func (h *Hook) run(f RecordHandler, state []byte) (uint64, error) {
	if f == nil {
		return 0, nil
	}
	event.Record, event.state = Record{1}, state
	err := f(&event)
	if err != nil {
		return 0, err
	}
	return packed(event.state), nil
}

// event is used again for every call.
var event RecordEvent

// packed is a result of the ABI. The bytes live on: event or answer hold them until the next call.
func packed(b []byte) uint64 {
	if len(b) == 0 {
		return 0
	}
	return uint64(uintptr(unsafe.Pointer(&b[0])))<<32 | uint64(len(b))
}

// Without collections a hook is called for all of them. A nil handler leaves only what After sets.

// OnRecordCreateRequest is called around a request that creates a record.
func OnRecordCreateRequest(f RecordHandler, collections ...string) *Hook {
	return on("record.create.request", f, collections)
}

// OnRecordCreate is called before a new record is checked and written.
func OnRecordCreate(f RecordHandler, collections ...string) *Hook {
	return on("record.create", f, collections)
}

// OnRecordCreateExecute is called around the statement that writes a new record, after its check.
func OnRecordCreateExecute(f RecordHandler, collections ...string) *Hook {
	return on("record.create.execute", f, collections)
}

// OnRecordCreateSuccess is called after a new record was committed.
func OnRecordCreateSuccess(f RecordHandler, collections ...string) *Hook {
	return on("record.create.success", f, collections)
}

// OnRecordCreateError is called after a new record was not written.
func OnRecordCreateError(f RecordHandler, collections ...string) *Hook {
	return on("record.create.error", f, collections)
}

// OnRecordUpdateRequest is called around a request that changes a record.
func OnRecordUpdateRequest(f RecordHandler, collections ...string) *Hook {
	return on("record.update.request", f, collections)
}

// OnRecordUpdate is called before a changed record is checked and written.
func OnRecordUpdate(f RecordHandler, collections ...string) *Hook {
	return on("record.update", f, collections)
}

// OnRecordUpdateExecute is called around the statement that writes a changed record, after its check.
func OnRecordUpdateExecute(f RecordHandler, collections ...string) *Hook {
	return on("record.update.execute", f, collections)
}

// OnRecordUpdateSuccess is called after a changed record was committed.
func OnRecordUpdateSuccess(f RecordHandler, collections ...string) *Hook {
	return on("record.update.success", f, collections)
}

// OnRecordUpdateError is called after a change was not written.
func OnRecordUpdateError(f RecordHandler, collections ...string) *Hook {
	return on("record.update.error", f, collections)
}

// OnRecordDeleteRequest is called around a request that deletes a record.
func OnRecordDeleteRequest(f RecordHandler, collections ...string) *Hook {
	return on("record.delete.request", f, collections)
}

// OnRecordDelete is called before a record is deleted.
func OnRecordDelete(f RecordHandler, collections ...string) *Hook {
	return on("record.delete", f, collections)
}

// OnRecordDeleteExecute is called around the statement that deletes a record.
func OnRecordDeleteExecute(f RecordHandler, collections ...string) *Hook {
	return on("record.delete.execute", f, collections)
}

// OnRecordDeleteSuccess is called after a deletion was committed.
func OnRecordDeleteSuccess(f RecordHandler, collections ...string) *Hook {
	return on("record.delete.success", f, collections)
}

// OnRecordDeleteError is called after a deletion failed.
func OnRecordDeleteError(f RecordHandler, collections ...string) *Hook {
	return on("record.delete.error", f, collections)
}

// OnRecordValidate is called around the check of a record that is created or changed.
func OnRecordValidate(f RecordHandler, collections ...string) *Hook {
	return on("record.validate", f, collections)
}

// OnRecordEnrich is called when a record is about to be shown to somebody; the record is a copy.
func OnRecordEnrich(f RecordHandler, collections ...string) *Hook {
	return on("record.enrich", f, collections)
}

// OnBootstrap is called when the server starts.
func OnBootstrap(f func() error) { onServer("bootstrap", f) }

// OnServe is called when the server begins to listen.
func OnServe(f func() error) { onServer("serve", f) }

// OnTerminate is called when the server stops.
func OnTerminate(f func() error) { onServer("terminate", f) }

func onServer(event string, f func() error) {
	on(event, func(*RecordEvent) error { return f() }, nil)
}
