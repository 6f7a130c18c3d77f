package writes

// WrittenError is a failure of what came after a write that was committed: hooks after it, the answer. Whatever it wraps, a
// want of time or room included, the write is there, so nobody is to be told to try it again.
type WrittenError struct{ Err error }

// Error is the text of the failure.
func (e *WrittenError) Error() string { return e.Err.Error() }

// Unwrap returns the failure.
func (e *WrittenError) Unwrap() error { return e.Err }

// Written wraps an error of what came after a committed write; nil stays nil.
func Written(err error) error {
	if err == nil {
		return nil
	}
	return &WrittenError{err}
}
