package httpx

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"

	"github.com/troupebase/troupe/storage/budget"
)

const (
	// freeAnswer is how long an answer may be that is not charged: most are, and the share is for those that matter.
	freeAnswer = 1 << 20
	// answerStep is how much is charged at once.
	answerStep = 1 << 20
)

// Room charges the client for an answer of so many bytes, until it has been sent; a slow reader keeps it for as long. Whoever puts a large answer
// together asks while it grows. It fails with an *[Error] that says what the client can do.
func (c *Context) Room(n int) error {
	if n <= freeAnswer || int64(n) <= c.answerCharge {
		return nil
	}
	more := (int64(n) - c.answerCharge + answerStep - 1) / answerStep * answerStep
	if err := c.server.opts.Answers.Take(c.Client(), more); err != nil {
		return answerRefused(err)
	}
	c.answerCharge += more
	return nil
}

// answerRefused is the answer in place of one for which there is no room.
func answerRefused(err error) error {
	var full *budget.FullError
	switch {
	case !errors.As(err, &full):
		return err
	case full.Client:
		return &Error{Status: http.StatusTooManyRequests, RetryAfter: roomWait, Cause: err,
			Message: fmt.Sprintf("The answers to your address would take more than %d MiB at once. Ask for fewer records.", full.Limit>>20)}
	}
	return &Error{Status: http.StatusServiceUnavailable, Message: "Too many large answers at once, please try again.", RetryAfter: roomWait, Cause: err}
}

// chargedAnswer is an answer that is charged until it has been sent.
type chargedAnswer struct {
	bytes.Reader
	give func()
}

// Close implements io.Closer; fasthttp calls it when it needs the answer no longer.
func (b *chargedAnswer) Close() error {
	b.give()
	b.give = func() {}
	return nil
}

// giveBackAnswer has what is charged for the answer given back when the answer has been sent, which is after the request has ended here.
func (c *Context) giveBackAnswer() {
	if c.answerCharge == 0 {
		return
	}
	share, client, n := c.server.opts.Answers, c.Client(), c.answerCharge
	give := func() { share.Give(client, n) }
	res := &c.ctx.Response
	if c.ctx.Hijacked() || res.IsBodyStream() || len(res.Body()) <= freeAnswer {
		give()
		return
	}
	body := &chargedAnswer{give: give}
	text := res.SwapBody(nil)
	body.Reset(text)
	c.ctx.SetBodyStream(body, len(text))
}
