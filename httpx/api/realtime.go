package api

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strconv"

	"github.com/troupebase/troupe/actors/auth"
	"github.com/troupebase/troupe/actors/realtime"
	"github.com/troupebase/troupe/httpx"
	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/validation"
)

// realtimeHandlers answer who wants to be told about changes.
type realtimeHandlers struct {
	hub      *realtime.Hub
	verifier *auth.Verifier
	log      *slog.Logger
}

// connect opens an event stream: the connection leaves HTTP and belongs to a client actor from then on.
func (h *realtimeHandlers) connect(c *httpx.Context) error {
	c.SetHeader("Content-Type", "text/event-stream")
	c.SetHeader("Cache-Control", "no-store")
	c.SetHeader("X-Accel-Buffering", "no")
	if c.Method() == http.MethodHead {
		return nil
	}
	o := realtime.Opening{IP: c.RealIP(), Client: c.Client(), Plain: !c.KnowsChunks()}
	c.Hijack(func(conn net.Conn, head []byte) {
		o.Head = head
		if err := h.hub.Connect(conn, o); err != nil {
			h.log.Warn("event stream not opened", "error", err)
			conn.Close()
		}
	})
	return nil
}

// The limits of a subscription request (realtime.md 2).
const (
	maxClientID      = 255
	maxSubscriptions = 1000
	maxTopic         = 2500
)

// subscribe replaces the topics of a stream and binds who listens.
func (h *realtimeHandlers) subscribe(c *httpx.Context) error {
	var form struct {
		ClientID      string   `json:"clientId"`
		Subscriptions []string `json:"subscriptions"`
	}
	if err := c.Bind(&form); err != nil {
		return unread(err, "")
	}
	if errs := checkSubscription(form.ClientID, form.Subscriptions); len(errs) > 0 {
		return httpx.Invalid("", errs)
	}
	if err := h.bindStream(c, form.ClientID, form.Subscriptions); err != nil {
		return subscribing.failed(err)
	}
	return c.NoContent()
}

// maxBindTries is how often who subscribes is looked at anew because their collection was written to between the look and the
// subscription. The look is one read of a row, so even beside a thousand commits a second hardly one in ten misses.
const maxBindTries = 20

// bindStream binds a stream to topics and to who the token says it is now: since the header was read the body has come in,
// which a client can hold back for as long as it likes.
func (h *realtimeHandlers) bindStream(c *httpx.Context, clientID string, topics []string) (err error) {
	for range maxBindTries {
		var who *filter.Identity
		var current func() bool
		if session := sessionOf(c); session != nil {
			who, current = session.Identity, func() bool { return h.verifier.Current(session) }
		}
		err = h.hub.Subscribe(c.Context(), clientID, topics, who, c.RealIP(), current)
		if !errors.Is(err, realtime.ErrStale) {
			return err
		}
		c.Identify()
	}
	return err
}

func checkSubscription(clientID string, topics []string) validation.Errors {
	errs := validation.Errors{}
	switch {
	case clientID == "":
		errs["clientId"] = validation.Required
	case len(clientID) > maxClientID:
		errs["clientId"] = validation.New("validation_length_out_of_range", "The length must be between 1 and 255.").
			With(map[string]any{"min": 1, "max": maxClientID})
	}
	if len(topics) > maxSubscriptions {
		errs["subscriptions"] = tooLong(maxSubscriptions)
		return errs
	}
	each := validation.Errors{}
	for i, topic := range topics {
		if len(topic) > maxTopic {
			each[strconv.Itoa(i)] = tooLong(maxTopic)
		}
	}
	errs.Set("subscriptions", each)
	return errs
}
