package api

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"

	"github.com/troupebase/troupe/actors/auth"
	"github.com/troupebase/troupe/actors/realtime"
	"github.com/troupebase/troupe/httpx"
	"github.com/troupebase/troupe/storage/budget"
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
		if httpx.Answered(err) {
			return err
		}
		return httpx.NewError(http.StatusBadRequest, "").Because(err)
	}
	if errs := checkSubscription(form.ClientID, form.Subscriptions); len(errs) > 0 {
		return httpx.Invalid("", errs)
	}
	err := h.bindStream(c, form.ClientID, form.Subscriptions)
	switch {
	case errors.Is(err, realtime.ErrStale):
		return &httpx.Error{Status: http.StatusServiceUnavailable, Message: tooBusy, RetryAfter: retryAfter, Cause: err}
	case errors.Is(err, realtime.ErrUnknownClient):
		return httpx.NewError(http.StatusNotFound, "Missing or invalid client id.").Because(err)
	case errors.Is(err, realtime.ErrOtherAddress):
		return httpx.NewError(http.StatusBadRequest, "Invalid realtime client.").Because(err)
	case errors.Is(err, realtime.ErrOtherIdentity):
		return httpx.NewError(http.StatusForbidden, "The current and the previous request authorization don't match.").Because(err)
	case err != nil:
		return refusedTopics(err)
	}
	return c.NoContent()
}

// refusedTopics is the answer to a subscription for which there is no room. It names the limit: nothing but fewer topics, or fewer
// streams, or waiting helps.
func refusedTopics(err error) error {
	var work *realtime.LimitError
	if errors.As(err, &work) {
		text := fmt.Sprintf("The filters, expands and fields of the topics of %q ask for too much work with each change: %d units, the limit of %s is %d.",
			work.Key, work.Wanted, whose(work.Whose), work.Max)
		if work.Whose != realtime.OfStream {
			return &httpx.Error{Status: http.StatusTooManyRequests, Message: text, RetryAfter: retryAfter, Cause: err}
		}
		return httpx.Invalid("", validation.Errors{"subscriptions": validation.New("validation_too_much_work", text).
			With(map[string]any{"max": work.Max})})
	}
	var room *budget.FullError
	if errors.As(err, &room) {
		status := http.StatusServiceUnavailable
		switch {
		case room.Never():
			status = http.StatusRequestEntityTooLarge
		case room.Client:
			status = http.StatusTooManyRequests
		}
		text := fmt.Sprintf("The topics take too much memory: all of %s may keep %d bytes.", whose(clientOrAll(room.Client)), room.Limit)
		return &httpx.Error{Status: status, Message: text, RetryAfter: retryAfter, Cause: err}
	}
	return err
}

func clientOrAll(client bool) string {
	if client {
		return realtime.OfClient
	}
	return realtime.OfAll
}

func whose(limit string) string {
	switch limit {
	case realtime.OfStream:
		return "one connection"
	case realtime.OfClient:
		return "one client address"
	}
	return "all clients"
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
