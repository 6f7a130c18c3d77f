package realtime

// Settle waits until what was committed so far was announced, or for some seconds. It is for whoever commits much and would
// have the Writer wait for subscribers otherwise.
func (h *Hub) Settle() {
	if h.clients.Load() > 0 {
		h.drain()
	}
}
