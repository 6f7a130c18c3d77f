package httpx

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// hungUp tells whether the other end has closed the connection, or its half of it, whatever of what it sent is still unread. Of
// a connection that has no socket to look at it does not know.
func hungUp(nc net.Conn) bool {
	s, ok := nc.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return false
	}
	gone := false
	err = raw.Control(func(fd uintptr) {
		look := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
		n, err := unix.Poll(look, 0)
		gone = n == 1 && err == nil && look[0].Revents != 0
	})
	return gone || err != nil
}
