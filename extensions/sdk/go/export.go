//go:build wasip1

package troupe

import (
	"runtime"
	"unsafe"
)

// The operations of handle.
const (
	opDescribe = iota
	opBefore
	opAfter
	opRoute
)

const (
	// maxAlloc is the largest room that the host gets: an instance has no more memory.
	maxAlloc = 64 << 20
	// maxStack is how much of the stack of a panic goes to the log.
	maxStack = 4 << 10
)

// given holds on to what the host was given room for, until handle returns: the collector cannot see the host's pointers.
var given [][]uint64

//go:wasmexport alloc
func alloc(size uint32) unsafe.Pointer {
	if size > maxAlloc {
		return nil
	}
	room := make([]uint64, (uint64(size)+8)/8)
	given = append(given, room)
	return unsafe.Pointer(&room[0])
}

//go:wasmexport handle
func handle(op, index uint32, ptr unsafe.Pointer, size uint32) (result uint64) {
	begin()
	defer func() {
		if p := recover(); p != nil {
			result = 0
			refuse(&panicked{p}, op == opRoute)
		}
		clear(given)
		given = given[:0]
	}()
	var err error
	switch {
	case op == opDescribe:
		request.answer = describe()
		return packed(request.answer)
	case op == opBefore && int(index) < len(hooks):
		result, err = hooks[index].run(hooks[index].before, nil)
	case op == opAfter && int(index) < len(hooks):
		_, err = hooks[index].run(hooks[index].after, unsafe.Slice((*byte)(ptr), size))
	case op == opRoute && int(index) < len(routes):
		result, err = routes[index].run()
	}
	if err == nil && failed != nil {
		err = failed
	}
	if err != nil {
		refuse(err, op == opRoute)
		return 0
	}
	return result
}

// begin forgets the call before.
func begin() {
	failed = nil
	reuseBuffers()
	if len(buffer) > maxBuffer {
		buffer = make([]byte, maxBuffer)
	}
}

// panicked is a panic as an error.
type panicked struct{ value any }

// Error gives the text of the panic and where it happened.
func (p *panicked) Error() string {
	text := "panic"
	switch v := p.value.(type) {
	case error:
		text += ": " + v.Error()
	case string:
		text += ": " + v
	}
	stack := make([]byte, maxStack)
	return text + "\n" + string(stack[:runtime.Stack(stack, false)])
}

// status is what a request is answered with when a handler returns the error. What is missing is what was asked for only in
// a route; in a hook it is a mistake of the extension's.
func (n Errno) status(route bool) int32 {
	switch n {
	case NotFound:
		if route {
			return 404
		}
	case Forbidden:
		return 403
	case Failed:
		return 400
	case Busy:
		return 503
	}
	return 500
}

// refuse tells the host what an error means, see the package comment.
func refuse(err error, route bool) {
	for e := err; e != nil; {
		switch v := e.(type) {
		case *Refusal:
			if v.tell() {
				return
			}
			e = nil
		case *Error:
			if v.passOn() {
				return
			}
			Log(Severe, err.Error())
			hostReject(v.Errno.status(route), "")
			return
		case interface{ Unwrap() error }:
			e = v.Unwrap()
		default:
			e = nil
		}
	}
	Log(Severe, err.Error())
	hostReject(500, "")
}

// passOn answers what refused the host call as it was said, and a lack of room or time as it is. The host knows how the last call failed that
// did, so it is compared.
func (e *Error) passOn() bool {
	return (e.Status != 0 || e.Errno == Busy) && int(hostErrorStatus()) == e.Status && lastMessage() == e.Message && hostPassOn() >= 0
}

// tell reports whether the host took the refusal as it is; a status or a text that is none would let something pass.
func (r *Refusal) tell() bool {
	for _, f := range r.fields {
		if n := hostRejectField(f.name, f.code, f.message); n < 0 {
			Log(Severe, hostError("reject_field", f.name, n).Error())
			return false
		}
	}
	if r.status == 0 && len(r.fields) > 0 {
		return true
	}
	if n := hostReject(r.status, r.message); n < 0 {
		Log(Severe, hostError("reject", "", n).Error())
		return false
	}
	return true
}
