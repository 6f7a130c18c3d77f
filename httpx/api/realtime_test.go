package api_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/troupebase/troupe/actors/realtime"
)

// A client of HTTP/1.0 does not know chunks: it gets the bare events and the end of the connection.
func TestStreamOfHTTP10IsNotChunked(t *testing.T) {
	g := newRig(t, nil)
	g.collection(`{"name":"marks","type":"base","fields":[{"name":"t","type":"text"}],"listRule":"","createRule":""}`)
	conn, err := net.Dial("tcp", strings.TrimPrefix(g.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	fmt.Fprint(conn, "GET /api/realtime HTTP/1.0\r\nHost: x\r\n\r\n")
	r := bufio.NewReader(conn)
	line := func() string {
		text, err := r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSuffix(text, "\n")
	}
	for head := line(); head != "\r"; head = line() {
		if strings.HasPrefix(strings.ToLower(head), "transfer-encoding:") {
			t.Errorf("header %q", head)
		}
	}
	id, ok := strings.CutPrefix(line(), "id:")
	if event := line(); !ok || len(id) != 40 || event != "event:PB_CONNECT" {
		t.Fatalf("id %q, %q", id, event)
	}
	if data := line(); data != `data:{"clientId":"`+id+`"}` {
		t.Errorf("data %q", data)
	}
	if end := line(); end != "" {
		t.Errorf("the event ends with %q", end)
	}
	g.subscribe(&stream{t: t, id: id}, "", "marks")
	if status, out := g.send("POST", "/api/collections/marks/records", `{"t":"x"}`); status != 200 {
		t.Fatal(status, out)
	}
	if got := line(); got != "id:"+id {
		t.Errorf("the next event begins with %q", got)
	}
	for range 3 {
		line()
	}
	if err := g.app.Realtime.Close(); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(r); err != nil || len(rest) != 0 {
		t.Errorf("the stream ends with %q, %v", rest, err)
	}
}

// Who asks for too much is told so and keeps the topics that there were.
func TestSubscriptionBeyondTheLimits(t *testing.T) {
	g := newRig(t, nil)
	g.collection(`{"name":"marks","type":"base","fields":[{"name":"t","type":"text"}],"listRule":"","createRule":""}`)
	s := g.stream("", "marks")
	topics := func(n int, query string) []string {
		list := make([]string, n)
		for i := range list {
			list[i] = fmt.Sprintf(`marks/*?options={"query":{%s,"i":%d}}`, query, i)
		}
		return list
	}
	for name, list := range map[string][]string{
		"filters": topics(1000, `"filter":"t ~ 'x' || t ~ 'y'"`),
		"expands": topics(40, `"expand":"b_via_a.a.b_via_a.a.b_via_a.a","fields":"id"`),
	} {
		body, err := json.Marshal(map[string]any{"clientId": s.id, "subscriptions": list})
		if err != nil {
			t.Fatal(err)
		}
		status, out := g.send("POST", "/api/realtime", string(body))
		text, _ := json.Marshal(out)
		if status != 400 || !strings.Contains(string(text), fmt.Sprint(realtime.MaxStreamWork)) || !strings.Contains(string(text), "validation_too_much_work") {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
	if status, out := g.send("POST", "/api/collections/marks/records", `{"t":"x"}`); status != 200 {
		t.Fatal(status, out)
	}
	if event, _ := s.next(); event != "marks" {
		t.Errorf("got %s", event)
	}
}
