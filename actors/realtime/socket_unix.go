//go:build unix

package realtime

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// plainSocket returns the way to the socket of a connection, nil when there is something in between, such as TLS.
func plainSocket(conn net.Conn) syscall.RawConn {
	s, ok := conn.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// writeOnce writes what the socket takes at once, perhaps nothing.
func writeOnce(fd uintptr, b []byte) (int, error) {
	for {
		n, err := unix.Write(int(fd), b)
		switch err {
		case unix.EINTR:
			continue
		case unix.EAGAIN:
			return 0, nil
		}
		return max(n, 0), err
	}
}
