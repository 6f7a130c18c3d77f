package contract_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// event is one message of an event stream.
type event struct{ id, name, data string }

// stream is an open event stream. Its events wait in a channel, which ends with the stream.
type stream struct {
	events chan event
	cancel context.CancelFunc
}

func (s *stream) close() { s.cancel() }

func (w *world) stream(a *streamAction) (*answer, error) {
	within := time.Duration(a.WithinMS) * time.Millisecond
	if a.Open != "" {
		return w.openStream(a.Open, within)
	}
	name := a.Read + a.Close
	s := w.streams[name]
	switch {
	case s == nil:
		return nil, fmt.Errorf("there is no stream %q", name)
	case a.Close != "":
		s.close()
		for range s.events { // until the server has let go of it, or it of the server
		}
		delete(w.streams, name)
		return new(answer), nil
	case a.Count == 0:
		return s.quiet(within)
	}
	return s.read(a.Count, within)
}

// openStream connects and waits for the first event, from which clients take their id.
func (w *world) openStream(name string, within time.Duration) (*answer, error) {
	ctx, cancel := context.WithCancel(context.Background())
	s := &stream{events: make(chan event, 1024), cancel: cancel}
	w.streams[name] = s
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.base+"/api/realtime", nil)
	if err != nil {
		return nil, fmt.Errorf("open stream: %w", err)
	}
	req.Header.Set("Accept", "text/event-stream")
	res, err := (&http.Client{Transport: w.client.Transport}).Do(req)
	if err != nil {
		return nil, fmt.Errorf("open stream: %w", err)
	}
	go s.receive(res.Body)
	first, err := s.next(eventTimeout(within, mailWithin))
	switch {
	case err != nil:
		return nil, fmt.Errorf("open stream: %w", err)
	case first.name != "PB_CONNECT":
		return nil, fmt.Errorf("the first event is %q, not PB_CONNECT", first.name)
	case mediaType(res.Header.Get("Content-Type")) != "text/event-stream":
		return nil, fmt.Errorf("the stream is of type %q", res.Header.Get("Content-Type"))
	case first.id == "" || !strings.Contains(first.data, `"`+first.id+`"`):
		return nil, fmt.Errorf("the id %q of the first event is not the client's: %s", first.id, first.data)
	}
	raw := []byte(first.data)
	return &answer{res.StatusCode, res.Header, raw, decoded("application/json", raw)}, nil
}

// eventTimeout is what a case says, or else the usual.
func eventTimeout(said, usual time.Duration) time.Duration {
	if said > 0 {
		return said
	}
	return usual
}

// receive reads events until the stream ends.
func (s *stream) receive(body io.ReadCloser) {
	defer body.Close()
	defer close(s.events)
	var e event
	lines := bufio.NewReader(body)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		field, value, _ := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "id":
			e.id = value
		case "event":
			e.name = value
		case "data":
			e.data += value
		case "":
			if e.name != "" {
				s.events <- e
			}
			e = event{}
		}
	}
}

// next waits for an event.
func (s *stream) next(within time.Duration) (event, error) {
	select {
	case e, ok := <-s.events:
		if !ok {
			return e, errors.New("the stream has ended")
		}
		return e, nil
	case <-time.After(within):
		return event{}, fmt.Errorf("no event within %s", within)
	}
}

// quiet makes sure that no event comes; that a stream ends is none.
func (s *stream) quiet(within time.Duration) (*answer, error) {
	select {
	case e, ok := <-s.events:
		if ok {
			return nil, fmt.Errorf("an event came that should not: %s %s", e.name, clip(e.data))
		}
		return &answer{body: "closed"}, nil
	case <-time.After(eventTimeout(within, eventQuiet)):
		return &answer{body: []any{}}, nil
	}
}

func (s *stream) read(count int, within time.Duration) (*answer, error) {
	deadline := time.Now().Add(eventTimeout(within, eventWithin))
	list := make([]any, 0, count)
	for len(list) < count {
		e, err := s.next(time.Until(deadline))
		if err != nil {
			return nil, fmt.Errorf("%d of %d events: %w", len(list), count, err)
		}
		list = append(list, map[string]any{"event": e.name, "data": decoded("application/json", []byte(e.data))})
	}
	raw, err := json.Marshal(list)
	return &answer{raw: raw, body: list}, err
}
