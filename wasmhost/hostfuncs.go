package wasmhost

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"
	"unicode/utf8"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/troupebase/troupe/wasmhost/abi"
)

// hostFunc is a host function. It gets the running instance and the parameters, and returns the result or why there is none.
type hostFunc func(i *instance, p []uint64) (int32, *Error)

// hostFuncs are the functions of the ABI by name, except now, whose result is wide. Their types stand in package abi.
var hostFuncs = map[string]hostFunc{
	"error_message":        errorMessage,
	"error_status":         errorStatus,
	"log":                  logLine,
	"random":               random,
	"record_text":          recordText,
	"record_set_text":      recordSetText,
	"record_number":        recordNumber,
	"record_set_number":    recordSetNumber,
	"record_json":          recordJSON,
	"record_set_json":      recordSetJSON,
	"record_collection":    recordCollection,
	"record_original":      recordOriginal,
	"record_hide":          recordHide,
	"record_show":          recordShow,
	"find":                 find,
	"list":                 list,
	"create":               create,
	"update":               update,
	"delete":               remove,
	"sql":                  runSQL,
	"transaction_begin":    transactionBegin,
	"transaction_commit":   transactionCommit,
	"transaction_rollback": transactionRollback,
	"rows_next":            rowsNext,
	"rows_json":            rowsJSON,
	"rows_affected":        rowsAffected,
	"close":                closeHandle,
	"request":              request,
	"auth":                 auth,
	"auth_superuser":       authSuperuser,
	"respond":              respond,
	"respond_header":       respondHeader,
	"reject":               reject,
	"reject_field":         rejectField,
	"pass_on":              passOn,
	"failure":              failure,
}

// exportHost makes the module of the ABI in r.
func exportHost(ctx context.Context, r wazero.Runtime) error {
	b := r.NewHostModuleBuilder(abi.Module)
	for _, f := range abi.Functions {
		if f.Wide {
			b.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(now), valueTypes(f.Values()), valueTypes("l")).Export(f.Name)
			continue
		}
		call := hostFuncs[f.Name]
		if call == nil {
			return fmt.Errorf("host function %s is not implemented", f.Name)
		}
		b.NewFunctionBuilder().WithGoModuleFunction(call, valueTypes(f.Values()), valueTypes("i")).Export(f.Name)
	}
	_, err := b.Instantiate(ctx)
	return err
}

func valueTypes(letters string) []api.ValueType {
	types := make([]api.ValueType, len(letters))
	for n, l := range letters {
		types[n] = map[rune]api.ValueType{'i': api.ValueTypeI32, 'l': api.ValueTypeI64, 'd': api.ValueTypeF64}[l]
	}
	return types
}

// stopped is what unwinds a guest; the instance knows why.
type stopped struct{}

func (stopped) Error() string { return "stopped by the host" }

// running returns the instance that calls a host function, and counts the call. It does not return to a guest that was stopped or that goes on calling
// although it has used up its calls.
func running(ctx context.Context) (i *instance, err *Error) {
	i = ctx.(*guestContext).instance
	c := &i.call
	if i.state.Load() == stopping {
		panic(stopped{})
	}
	c.hostCalls++
	most := i.extension.manager.limits.HostCalls
	if c.hostCalls <= most {
		return i, nil
	}
	if c.fault == nil {
		c.fault = &Fault{Kind: Limited, Message: fmt.Sprintf("more than %d host calls", most)}
	}
	if c.hostCalls > most+graceCalls {
		panic(stopped{})
	}
	return i, errHostCalls
}

// Call makes f a function of wazero's.
func (f hostFunc) Call(ctx context.Context, _ api.Module, stack []uint64) {
	i, err := running(ctx)
	defer i.guard()
	var result int32
	i.pause()
	if err == nil {
		result, err = f(i, stack)
	}
	if err != nil {
		i.call.failure = err
		result = int32(err.Errno)
	}
	i.resume()
	if i.call.placedAt > 0 && !i.call.placed { // it had to wait for a place before, which it gave back for the time of the call
		i.yield()
	}
	stack[0] = api.EncodeI32(result)
}

// guard makes a fault of a panic in the host or in a record, before wazero makes a trap of it.
func (i *instance) guard() {
	v := recover()
	if v == nil {
		return
	}
	if _, own := v.(stopped); !own {
		i.extension.log.Error("extension: panic in a host function", "panic", v, "stack", string(debug.Stack()))
		i.call.fault = &Fault{Kind: Panicked, Message: fmt.Sprint(v)}
	}
	panic(stopped{})
}

// bytes returns the guest's bytes at a place: valid until the guest runs again.
func (i *instance) bytes(ptr, n uint64) ([]byte, *Error) {
	if uint32(n) == 0 {
		return nil, nil
	}
	b, ok := i.memory.Read(uint32(ptr), uint32(n))
	if !ok {
		return nil, errPointer
	}
	return b, nil
}

// payload is bytes that a guest hands over, within the limit.
func (i *instance) payload(ptr, n uint64, most int) ([]byte, *Error) {
	b, err := i.bytes(ptr, n)
	if err == nil && len(b) > most {
		return nil, errTooLong
	}
	return b, err
}

// text is a copy of a payload that has to be UTF-8.
func (i *instance) text(ptr, n uint64, most int) (string, *Error) {
	b, err := i.payload(ptr, n, most)
	if err != nil {
		return "", err
	}
	if !utf8.Valid(b) {
		return "", errText
	}
	return string(b), nil
}

// name is a text that comes again and again.
func (i *instance) name(ptr, n uint64) (string, *Error) {
	b, err := i.bytes(ptr, n)
	if err != nil {
		return "", err
	}
	return i.intern(b)
}

// fill gives value to the guest's buffer if it has room, and returns its length.
func (i *instance) fill(value []byte, buf, size uint64) (int32, *Error) {
	room, err := i.bytes(buf, size)
	if err != nil {
		return 0, err
	}
	if len(value) > maxValue {
		return 0, errTooLong
	}
	if len(value) <= len(room) {
		copy(room, value)
	}
	return int32(len(value)), nil
}

// maxValue keeps the length of a value positive; no guest has that much memory.
const maxValue = 1<<31 - 1

// explain is what the guest gets to know of an error of the host's; the rest goes to the log.
func (i *instance) explain(what string, err error) *Error {
	known, unexpected := explain(err)
	if unexpected && i.call.unexpected < maxLines {
		i.call.unexpected++
		i.extension.log.Error("extension: a host call failed", "call", what, "error", err)
	}
	return known
}

func errorMessage(i *instance, p []uint64) (int32, *Error) {
	message := ""
	if f := i.call.failure; f != nil {
		message = f.Message
	}
	room, err := i.bytes(p[0], p[1])
	if err != nil {
		return 0, err
	}
	if len(message) <= len(room) {
		copy(room, message)
	}
	return int32(len(message)), nil
}

func logLine(i *instance, p []uint64) (int32, *Error) {
	level := slog.Level(api.DecodeI32(p[0]))
	switch level {
	case slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError:
	default:
		return 0, invalid("there is no level %d", int(level))
	}
	text, err := i.text(p[1], p[2], maxLine)
	if err != nil {
		return 0, err
	}
	if i.call.lines++; i.call.lines > maxLines {
		return 0, errLines
	}
	i.extension.lines.Log(context.Background(), level, text)
	return 0, nil
}

func now(ctx context.Context, _ api.Module, stack []uint64) {
	if _, err := running(ctx); err != nil {
		stack[0] = uint64(int64(err.Errno))
		return
	}
	stack[0] = uint64(time.Now().UnixMilli())
}

func random(i *instance, p []uint64) (int32, *Error) {
	b, err := i.payload(p[0], p[1], i.extension.manager.limits.Payload)
	if err != nil {
		return 0, err
	}
	rand.Read(b) // never fails, says its documentation
	return 0, nil
}
