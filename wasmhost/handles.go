package wasmhost

// eventHandle is the handle of the event's record.
const eventHandle = 1

// handles are what the guest of a call refers to by number: a handle is a position, beginning with 1.
type handles struct {
	slots []handle
	free  []int32 // given up, may be used again
	auth  int32   // of the record that is signed in, 0 until it is asked for
	held  int     // bytes that all of them keep
}

// handle is a record or rows; both nil means that it was given up.
type handle struct {
	record Record
	rows   *rows
	owner  *rows // the list that the record is current of
	bytes  int   // that it keeps of the server's memory
}

// rows are the records of a list or the rows of a statement, with a position.
type rows struct {
	records []Record
	sql     *Rows // nil for a list
	next    int
	current int32 // the handle of the current record of a list
}

// begin readies h for a call.
func (h *handles) begin(event Record) {
	h.slots = append(h.slots[:0], handle{record: event})
}

// end lets go of everything that a call has collected.
func (h *handles) end() {
	clear(h.slots)
	h.slots, h.free, h.auth, h.held = h.slots[:0], h.free[:0], 0, 0
}

// size is about how many bytes v keeps. The current record of a list is counted with the list.
func (v *handle) size() (n int) {
	switch {
	case v.owner != nil:
	case v.record != nil:
		n = v.record.Size()
	case v.rows.sql != nil:
		for _, row := range v.rows.sql.Rows {
			n += len(row)
		}
	default:
		for _, r := range v.rows.records {
			n += r.Size()
		}
	}
	return n
}

// open returns a new handle of v. The guest's own memory is bounded, and what it makes the server keep has to be, too.
func (h *handles) open(v handle, most int) (int32, *Error) {
	v.bytes = v.size()
	if h.held+v.bytes > maxHeld {
		return 0, errHeld
	}
	at, err := h.slot(v, most)
	if err == nil {
		h.held += v.bytes
	}
	return at, err
}

// slot finds a place for v.
func (h *handles) slot(v handle, most int) (int32, *Error) {
	if n := len(h.free); n > 0 {
		at := h.free[n-1]
		h.free = h.free[:n-1]
		h.slots[at-1] = v
		return at, nil
	}
	if len(h.slots) >= most {
		return 0, errHandles
	}
	h.slots = append(h.slots, v)
	return int32(len(h.slots)), nil
}

func (h *handles) at(n uint64) *handle {
	i := uint32(n)
	if i == 0 || i > uint32(len(h.slots)) {
		return nil
	}
	return &h.slots[i-1]
}

func (h *handles) record(n uint64) (Record, *Error) {
	v := h.at(n)
	switch {
	case v != nil && v.record != nil:
		return v.record, nil
	case uint32(n) == eventHandle:
		return nil, errNoRecord
	}
	return nil, errHandle
}

func (h *handles) rows(n uint64) (*rows, *Error) {
	if v := h.at(n); v != nil && v.rows != nil {
		return v.rows, nil
	}
	return nil, errHandle
}

// close gives n up, with the current record if it is rows. The event's record stays.
func (h *handles) close(n uint64) *Error {
	v := h.at(n)
	if v == nil || v.record == nil && v.rows == nil {
		return errHandle
	}
	if uint32(n) == eventHandle {
		return nil
	}
	if v.owner != nil {
		v.owner.current = 0
	}
	current := int32(0)
	if v.rows != nil {
		current = v.rows.current
	}
	h.held -= v.bytes
	*v = handle{}
	h.free = append(h.free, int32(uint32(n)))
	if h.auth == int32(uint32(n)) {
		h.auth = 0
	}
	if current != 0 {
		return h.close(uint64(current))
	}
	return nil
}

// advance moves r to its next row and returns what the guest gets: a record's handle, or 1 for a row of sql, or 0 at the end.
func (h *handles) advance(r *rows, most int) (int32, *Error) {
	if r.sql != nil {
		if r.next >= len(r.sql.Rows) {
			r.next = len(r.sql.Rows) + 1
			return 0, nil
		}
		r.next++
		return 1, nil
	}
	if r.next >= len(r.records) {
		if r.current == 0 {
			return 0, nil
		}
		return 0, h.close(uint64(r.current))
	}
	record := r.records[r.next]
	if r.current == 0 {
		at, err := h.open(handle{record: record, owner: r}, most)
		if err != nil {
			return 0, err
		}
		r.current = at
	} else {
		h.slots[r.current-1].record = record
	}
	r.records[r.next] = nil // lists can be large
	r.next++
	return r.current, nil
}
