package httpx

import "time"

// Setting a deadline of a socket costs a tenth of what a small request costs in all, and fasthttp sets three for each. So they are set later than
// they are asked for, and stay as long as they are not earlier. A peer has at least the time that is named; for an answer it has at most this much
// more, and a connection may wait for twice as long as it has to before it is parked.
const writeSlack = writeTimeout / 10

// armed is what deadlines a socket has.
type armed struct{ read, write time.Time }

// SetReadDeadline shortens the deadline of an idle connection to the time after which it is parked. That of a head that has come in already
// is of no use.
func (c *conn) SetReadDeadline(t time.Time) error {
	switch c.state.Load() {
	case connIdle:
		return c.setIdleDeadline(t)
	case connEnding:
		return c.Conn.SetReadDeadline(past)
	}
	if c.headless || c.head > 0 {
		c.headless = false
		return nil
	}
	c.armed.read = t
	return c.Conn.SetReadDeadline(t)
}

func (c *conn) setIdleDeadline(t time.Time) error {
	c.deadline = t
	park := c.server.parkAfter
	early := t.Add(park - idleTimeout) // what is now, and the time to wait
	if t.IsZero() {
		early = time.Now().Add(park)
	}
	latest := early.Add(park)
	if early.Before(c.armed.read) && !latest.Before(c.armed.read) {
		return nil
	}
	c.armed.read = latest
	err := c.Conn.SetReadDeadline(latest)
	if c.state.Load() == connEnding { // the server stopped meanwhile
		return c.Conn.SetReadDeadline(past)
	}
	return err
}

// SetWriteDeadline sets the deadline of an answer.
func (c *conn) SetWriteDeadline(t time.Time) error {
	if t.IsZero() {
		c.armed.write = t
		return c.Conn.SetWriteDeadline(t)
	}
	latest := t.Add(writeSlack)
	if !c.armed.write.Before(t) && !latest.Before(c.armed.write) {
		return nil
	}
	c.armed.write = latest
	return c.Conn.SetWriteDeadline(latest)
}

// SetDeadline sets both deadlines as they are asked for.
func (c *conn) SetDeadline(t time.Time) error {
	c.armed = armed{t, t}
	return c.Conn.SetDeadline(t)
}
