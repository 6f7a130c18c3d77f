package realtime

// waitFor reads from a connection that cannot be watched otherwise until its peer is gone. What the peer says means
// nothing.
func (w *watcher) waitFor(c *client) {
	var b [64]byte
	for {
		if _, err := c.conn.Read(b[:]); err != nil {
			w.hung(c)
			return
		}
	}
}
