package wasmhost

func reject(i *instance, p []uint64) (int32, *Error) {
	if i.call.about == nil {
		return 0, errNotLoading
	}
	status := uint32(p[0])
	if status < 400 || status > 599 {
		return 0, errStatus
	}
	message, err := i.text(p[1], p[2], maxMessage)
	if err != nil {
		return 0, err
	}
	r := i.rejection()
	r.Status, r.Message = int(status), message
	return 0, nil
}

func rejectField(i *instance, p []uint64) (int32, *Error) {
	if i.call.about == nil {
		return 0, errNotLoading
	}
	name, err := i.name(p[0], p[1])
	if err != nil {
		return 0, err
	}
	code, err := i.text(p[2], p[3], maxMessage)
	if err != nil {
		return 0, err
	}
	message, err := i.text(p[4], p[5], maxMessage)
	if err != nil {
		return 0, err
	}
	r := i.rejection()
	if r.Fields == nil {
		r.Fields = make(map[string]FieldFailure)
	}
	if _, again := r.Fields[name]; !again && len(r.Fields) >= maxFailures {
		return 0, errFields
	}
	r.Fields[name] = FieldFailure{Code: code, Message: message}
	return 0, nil
}

// rejection is the guest's own no, which it begins anew when it has passed on another's.
func (i *instance) rejection() *Rejection {
	c := &i.call
	if c.rejection == nil || c.passed {
		c.rejection = &Rejection{Status: 400}
	}
	c.passed, c.gaveUp = false, false
	return c.rejection
}

// errorStatus is the status of what refused the last host call that failed.
func errorStatus(i *instance, _ []uint64) (int32, *Error) {
	if f := i.call.failure; f != nil && f.Refusal != nil {
		return int32(f.Refusal.Status), nil
	}
	return 0, nil
}

// passOn ends the call with what the last host call that failed ended in. For want of time or room that is [ErrBusy]: whoever is answered is told that
// nothing was written, as the guest was, unless something was.
func passOn(i *instance, _ []uint64) (int32, *Error) {
	c := &i.call
	switch f := c.failure; {
	case c.about == nil:
		return 0, errNotLoading
	case f == nil:
		return 0, errNoRefusal
	case f.Refusal != nil:
		c.rejection, c.passed, c.gaveUp = f.Refusal, true, false
	case f.Errno == Busy:
		c.rejection, c.passed, c.gaveUp = nil, false, true
	default:
		return 0, errNoRefusal
	}
	return 0, nil
}

func failure(i *instance, p []uint64) (int32, *Error) {
	c := i.call.about
	if c == nil || c.Failure == nil {
		return 0, &Error{Errno: Context, Message: "there is no failure"}
	}
	i.scratch = append(i.scratch[:0], c.Failure.Error()...)
	return i.fill(i.scratch, p[0], p[1])
}
