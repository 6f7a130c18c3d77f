package realtime

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// hangups is what the watcher asks the kernel for: the peer closed its side or the connection broke. What it asks for is told once.
const hangups = unix.EPOLLRDHUP | unix.EPOLLHUP | unix.EPOLLERR | unix.EPOLLONESHOT

// maxHangups is how many hang-ups are taken from the kernel at a time.
const maxHangups = 128

// watcher notices hang-ups of all connections on one goroutine, which rests in Go's own poller: an epoll descriptor can
// be waited for like any other. Safe for concurrent use.
type watcher struct {
	file  *os.File
	raw   syscall.RawConn
	hung  func(*client)
	start func(func()) // runs something on a goroutine of its own

	mu      sync.Mutex
	clients map[uint32]*client
	last    uint32
}

// newWatcher returns a watcher that calls hung for clients whose peer is gone.
func newWatcher(hung func(*client), start func(func())) (*watcher, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("watch connections: %w", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, errors.Join(fmt.Errorf("watch connections: %w", err), unix.Close(fd))
	}
	w := &watcher{file: os.NewFile(uintptr(fd), "epoll"), hung: hung, start: start, clients: make(map[uint32]*client)}
	if w.raw, err = w.file.SyscallConn(); err != nil {
		return nil, errors.Join(fmt.Errorf("watch connections: %w", err), w.file.Close())
	}
	return w, nil
}

// add begins to watch a client.
func (w *watcher) add(c *client) error {
	w.mu.Lock()
	for w.last++; w.clients[w.last] != nil || w.last == 0; w.last++ {
	}
	c.key = w.last
	w.clients[c.key] = c
	w.mu.Unlock()
	if c.raw == nil {
		w.start(func() { w.waitFor(c) })
		return nil
	}
	if err := w.control(c, unix.EPOLL_CTL_ADD, hangups); err != nil {
		w.remove(c)
		return fmt.Errorf("watch connection: %w", err)
	}
	return nil
}

func (w *watcher) control(c *client, op int, events uint32) (err error) {
	controlled := c.raw.Control(func(fd uintptr) {
		err = w.raw.Control(func(epoll uintptr) {
			event := unix.EpollEvent{Events: events, Fd: int32(c.key)}
			if e := unix.EpollCtl(int(epoll), op, int(fd), &event); e != nil {
				err = e
			}
		})
	})
	return errors.Join(controlled, err)
}

// await has [client.writable] called once the connection of a client takes bytes. It returns false when it cannot know.
func (w *watcher) await(c *client) bool {
	return c.raw != nil && w.control(c, unix.EPOLL_CTL_MOD, hangups|unix.EPOLLOUT) == nil
}

// tell tells a client what the kernel said of its connection.
func (w *watcher) tell(c *client, events uint32) {
	if events&^unix.EPOLLOUT != 0 || w.control(c, unix.EPOLL_CTL_MOD, hangups) != nil {
		w.hung(c)
		return
	}
	c.writable()
}

// remove ends the watch. The kernel forgets a connection when it is closed.
func (w *watcher) remove(c *client) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.clients, c.key)
}

// run tells of hang-ups until close.
func (w *watcher) run() {
	events := make([]unix.EpollEvent, maxHangups)
	for {
		n := 0
		err := w.raw.Read(func(fd uintptr) bool {
			var err error
			if n, err = unix.EpollWait(int(fd), events, 0); err != nil {
				n = 0
			}
			return n > 0
		})
		if err != nil {
			return
		}
		for i := range events[:n] {
			w.mu.Lock()
			c := w.clients[uint32(events[i].Fd)]
			w.mu.Unlock()
			if c != nil {
				w.tell(c, events[i].Events)
			}
		}
	}
}

func (w *watcher) close() error { return w.file.Close() }
