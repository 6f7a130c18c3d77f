//go:build !unix

package realtime

import (
	"net"
	"syscall"
)

// plainSocket returns nil: every write may wait here.
func plainSocket(net.Conn) syscall.RawConn { return nil }

func writeOnce(uintptr, []byte) (int, error) { return 0, nil }
