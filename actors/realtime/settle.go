package realtime

// Settle waits until little of what was committed is still to be announced, or for some seconds. It is for whoever commits much and would
// have the Writer wait for subscribers otherwise.
func (h *Hub) Settle() {
	if h.clients.Load() > 0 {
		wait(h.pressure.untilLittle(), drainLimit)
	}
}
