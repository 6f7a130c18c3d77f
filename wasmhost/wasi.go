package wasmhost

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"log/slog"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// wasiModule is the only other module that guests import from. It is made here and not taken from wazero because what a guest may do there has to be bounded: with wazero's a guest can
// make the server's table of files as large as it likes (fd_renumber) or sleep beyond its time (poll_oneoff).
const wasiModule = "wasi_snapshot_preview1"

// Errnos of WASI.
const (
	wasiOK     = 0
	wasiBadFD  = 8
	wasiFault  = 21
	wasiInval  = 28
	wasiNoSys  = 52
	wasiNoSeek = 70
)

// wasiFunc is a function of WASI; it returns an errno.
type wasiFunc func(i *instance, p []uint64) uint32

// Call makes f a function of wazero's. A guest beyond its host calls is stopped like in any other function.
func (f wasiFunc) Call(ctx context.Context, _ api.Module, stack []uint64) {
	i, err := running(ctx)
	if err != nil {
		panic(stopped{})
	}
	stack[0] = uint64(f(i, stack))
}

// wasiFuncs are the functions that do something, with their parameters: i for i32, l for i64.
var wasiFuncs = []struct {
	name, params string
	call         wasiFunc
}{
	{"args_get", "ii", func(*instance, []uint64) uint32 { return wasiOK }},
	{"args_sizes_get", "ii", wasiNone},
	{"environ_get", "ii", func(*instance, []uint64) uint32 { return wasiOK }},
	{"environ_sizes_get", "ii", wasiNone},
	{"clock_res_get", "ii", func(i *instance, p []uint64) uint32 { return i.put64(p[1], 1000) }},
	{"clock_time_get", "ili", wasiClock},
	{"fd_close", "i", func(*instance, []uint64) uint32 { return wasiOK }},
	{"fd_fdstat_get", "ii", wasiFdstat},
	{"fd_fdstat_set_flags", "ii", func(*instance, []uint64) uint32 { return wasiOK }},
	{"fd_prestat_get", "ii", wasiNoFile},
	{"fd_prestat_dir_name", "iii", wasiNoFile},
	{"fd_read", "iiii", wasiRead},
	{"fd_seek", "ilii", func(*instance, []uint64) uint32 { return wasiNoSeek }},
	{"fd_write", "iiii", wasiWrite},
	{"poll_oneoff", "iiii", wasiPoll},
	{"random_get", "ii", wasiRandom},
	{"sched_yield", "", func(*instance, []uint64) uint32 { return wasiOK }},
}

// wasiAbsent are the functions that there is nothing to do for without files and sockets.
var wasiAbsent = map[string]string{
	"fd_advise": "illi", "fd_allocate": "ill", "fd_datasync": "i", "fd_fdstat_set_rights": "ill", "fd_filestat_get": "ii",
	"fd_filestat_set_size": "il", "fd_filestat_set_times": "illi", "fd_pread": "iiili", "fd_pwrite": "iiili", "fd_readdir": "iiili",
	"fd_renumber": "ii", "fd_sync": "i", "fd_tell": "ii",
	"path_create_directory": "iii", "path_filestat_get": "iiiii", "path_filestat_set_times": "iiiilli", "path_link": "iiiiiii",
	"path_open": "iiiiillii", "path_readlink": "iiiiii", "path_remove_directory": "iii", "path_rename": "iiiiii",
	"path_symlink": "iiiii", "path_unlink_file": "iii",
	"proc_raise": "i", "sock_accept": "iii", "sock_recv": "iiiiii", "sock_send": "iiiii", "sock_shutdown": "ii",
}

// exportWASI makes the module wasi_snapshot_preview1 in r.
func exportWASI(ctx context.Context, r wazero.Runtime) error {
	b := r.NewHostModuleBuilder(wasiModule)
	export := func(name, params string, f wasiFunc) {
		b.NewFunctionBuilder().WithGoModuleFunction(f, valueTypes(params), valueTypes("i")).Export(name)
	}
	for _, f := range wasiFuncs {
		export(f.name, f.params, f.call)
	}
	for name, params := range wasiAbsent {
		export(name, params, func(*instance, []uint64) uint32 { return wasiNoSys })
	}
	b.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(wasiExit), valueTypes("i"), nil).Export("proc_exit")
	_, err := b.Instantiate(ctx)
	return err
}

func wasiExit(ctx context.Context, _ api.Module, p []uint64) {
	i := ctx.(*guestContext).instance
	i.call.fault = &Fault{Kind: Exited, Message: fmt.Sprintf("the guest exited with %d", uint32(p[0]))}
	panic(stopped{})
}

func wasiNone(i *instance, p []uint64) uint32 {
	if !i.memory.WriteUint32Le(uint32(p[0]), 0) || !i.memory.WriteUint32Le(uint32(p[1]), 0) {
		return wasiFault
	}
	return wasiOK
}

func wasiNoFile(*instance, []uint64) uint32 { return wasiBadFD }

func (i *instance) put64(ptr, v uint64) uint32 {
	if !i.memory.WriteUint64Le(uint32(ptr), v) {
		return wasiFault
	}
	return wasiOK
}

func wasiClock(i *instance, p []uint64) uint32 {
	switch uint32(p[0]) {
	case 0: // realtime
		return i.put64(p[2], uint64(time.Now().UnixNano()))
	case 1, 2, 3: // monotonic, and the CPU times, which stand still between calls anyway
		return i.put64(p[2], uint64(i.extension.manager.now()))
	}
	return wasiInval
}

func wasiFdstat(i *instance, p []uint64) uint32 {
	if uint32(p[0]) > 2 {
		return wasiBadFD
	}
	stat := [24]byte{0: 2, 2: 1} // a character device that appends
	binary.LittleEndian.PutUint64(stat[8:], 1<<6|1<<1)
	if !i.memory.Write(uint32(p[1]), stat[:]) {
		return wasiFault
	}
	return wasiOK
}

func wasiRead(i *instance, p []uint64) uint32 {
	if uint32(p[0]) != 0 {
		return wasiBadFD
	}
	if !i.memory.WriteUint32Le(uint32(p[3]), 0) { // the end of the file
		return wasiFault
	}
	return wasiOK
}

// maxVectors bounds the parts of one write: libc's use two.
const maxVectors = 1024

// wasiWrite takes standard output and error as lines of the log.
func wasiWrite(i *instance, p []uint64) uint32 {
	if fd := uint32(p[0]); fd != 1 && fd != 2 {
		return wasiBadFD
	}
	if uint32(p[2]) > maxVectors {
		return wasiInval
	}
	vectors, err := i.bytes(p[1], p[2]*8)
	if err != nil {
		return wasiFault
	}
	total, most := uint64(0), uint64(i.extension.manager.limits.Payload)
	for ; len(vectors) >= 8 && total < most; vectors = vectors[8:] { // what is left is written by another call, which is counted
		part, err := i.bytes(uint64(binary.LittleEndian.Uint32(vectors)), uint64(binary.LittleEndian.Uint32(vectors[4:])))
		if err != nil {
			return wasiFault
		}
		part = part[:min(uint64(len(part)), most-total)]
		i.print(part)
		total += uint64(len(part))
	}
	if !i.memory.WriteUint32Le(uint32(p[3]), uint32(total)) {
		return wasiFault
	}
	return wasiOK
}

// print collects lines and logs those that have ended. What is too long is cut, what is too much is left out.
func (i *instance) print(b []byte) {
	for len(b) > 0 && i.call.lines < maxLines {
		part, rest, ended := bytes.Cut(b, []byte("\n"))
		if room := maxLine - len(i.line); room > 0 {
			i.line = append(i.line, part[:min(room, len(part))]...)
		}
		if ended {
			i.flushLine()
		}
		b = rest
	}
}

// flushLine logs what stands in the line, also without an end of line when the call is over.
func (i *instance) flushLine() {
	if len(i.line) == 0 {
		return
	}
	if i.call.lines++; i.call.lines <= maxLines {
		i.extension.lines.Log(context.Background(), slog.LevelInfo, string(bytes.ToValidUTF8(i.line, []byte("\uFFFD"))))
	}
	i.line = i.line[:0]
}

func wasiRandom(i *instance, p []uint64) uint32 {
	b, err := i.payload(p[0], p[1], i.extension.manager.limits.Payload)
	if err != nil {
		return wasiFault
	}
	rand.Read(b)
	return wasiOK
}

// Layout of poll_oneoff.
const (
	subscriptionSize = 48
	eventSize        = 32
	maxSubscriptions = 64
)

// wasiPoll sleeps until the first clock of the subscriptions, at most to the end of the call. Other subscriptions are answered with an errno.
func wasiPoll(i *instance, p []uint64) uint32 {
	n := uint32(p[2])
	if n == 0 || n > maxSubscriptions {
		return wasiInval
	}
	in, err := i.bytes(p[0], uint64(n*subscriptionSize))
	if err != nil {
		return wasiFault
	}
	out, err := i.bytes(p[1], uint64(n*eventSize))
	if err != nil {
		return wasiFault
	}
	events := make([]byte, 0, n*eventSize)
	sleep := time.Duration(-1)
	for ; len(in) > 0; in = in[subscriptionSize:] {
		var event [eventSize]byte
		copy(event[:8], in[:8])
		event[10] = in[8]
		if in[8] != 0 {
			event[8] = wasiBadFD
			sleep = 0
		} else if d := i.alarm(in); sleep < 0 || d < sleep {
			sleep = d
		}
		events = append(events, event[:]...)
	}
	copy(out, events)
	if !i.memory.WriteUint32Le(uint32(p[3]), n) {
		return wasiFault
	}
	i.sleep(sleep)
	return wasiOK
}

// alarm is how long the clock of a subscription has to go.
func (i *instance) alarm(subscription []byte) time.Duration {
	clock, timeout := binary.LittleEndian.Uint32(subscription[16:]), binary.LittleEndian.Uint64(subscription[24:])
	at := time.Duration(min(timeout, 1<<62))
	if absolute := subscription[40]&1 != 0; !absolute {
		return at
	}
	if clock == 0 {
		return at - time.Duration(time.Now().UnixNano())
	}
	return at - time.Duration(i.extension.manager.now())
}

// sleep waits for d or until the guest's own time is over, whichever comes first: to sleep is its own choice.
func (i *instance) sleep(d time.Duration) {
	end := i.call.until
	if left := time.Duration(end - i.extension.manager.now()); d > left {
		d = left
	}
	if d > 0 {
		time.Sleep(d)
	}
	if i.extension.manager.now() >= end {
		i.state.CompareAndSwap(end, stopping) // unless the watchdog was quicker
		panic(stopped{})
	}
}
