package api_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/troupebase/troupe/httpx"
	"github.com/troupebase/troupe/httpx/api"
	"github.com/troupebase/troupe/storage/settings"
)

// TestRoutesAreComplete looks at the table itself.
func TestRoutesAreComplete(t *testing.T) {
	seen := make(map[string]bool)
	for _, e := range newRig(t, nil).api.Endpoints() {
		name := e.Method + " " + e.Path
		if seen[name] {
			t.Errorf("%s is there twice", name)
		}
		seen[name] = true
		switch d := e.Description; {
		case len(d) < 15 || !unicode.IsUpper(rune(d[0])) || !strings.HasSuffix(d, "."):
			t.Errorf("%s: %q is no description", name, d)
		case e.Access.String() == "" || e.Body.String() == "":
			t.Errorf("%s: who may call it, or how large its body may be, is not declared", name)
		case strings.Contains(e.Path, "{collection}") != (e.Collection.String() != ""):
			t.Errorf("%s: the kind of its collection is not declared", name)
		case e.Access == api.Anybody && strings.Contains(e.Path, "{collection}") && e.Rate == "":
			t.Errorf("%s: no rate limit knows it, and anybody may call it", name)
		}
	}
}

// site is a server with a collection of each kind that a path can name.
type site struct {
	*rig
	super, user, other string // tokens: of a superuser, of a record of "users" and of one of "members"
}

func newSite(t *testing.T) *site {
	g := newRig(t, nil)
	g.collection(`{"name":"members","type":"auth"}`)
	g.collection(`{"name":"plain","type":"base","fields":[{"name":"text","type":"text"}]}`)
	g.collection(`{"name":"large","type":"base","fields":[{"name":"data","type":"json","maxSize":5000000}]}`)
	open := ""
	view := fmt.Sprintf(`{"name":"seen","type":"view","viewQuery":"select id, text from plain","listRule":%q,"viewRule":%q}`, open, open)
	if status, out := g.sendAs(g.superuser(), "POST", "/api/collections", view); status != http.StatusOK {
		t.Fatal(status, out)
	}
	return &site{g, g.superuser(), g.token("users", "u@example.com"), g.token("members", "m@example.com")}
}

// example is the path of an endpoint with its parameters filled in.
func example(e *api.Endpoint, collection string) string {
	path := strings.NewReplacer("{collection}", collection, "{id}", "abcdefghijklmno", "{name}", "file.txt").Replace(e.Path)
	return path
}

// usual is a collection of the kind that the endpoint is for.
func usual(e *api.Endpoint) string {
	if e.Collection == api.AuthCollection {
		return "users"
	}
	return "plain"
}

// ask sends a request that announces a body of some bytes, none for 0, and waits with it until it is told to go on. It returns the
// status and the message of the answer, or an empty message when the answer is no envelope.
func (s *site) ask(e *api.Endpoint, token, collection string, length int64) (int, string) {
	s.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		s.t.Fatal(err)
	}
	body := ""
	if length > 0 {
		body = fmt.Sprintf("Content-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: %d\r\n", length)
	}
	if token != "" {
		body += "Authorization: " + token + "\r\n"
	}
	if _, err := fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n", e.Method, example(e, collection), body); err != nil {
		s.t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: e.Method})
	if err != nil {
		s.t.Fatalf("%s %s: %v", e.Method, e.Path, err)
	}
	if res.Header.Get("Content-Type") != "application/json" || res.StatusCode < 300 {
		return res.StatusCode, "" // unread: the body may be a stream
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return res.StatusCode, messageOf(raw)
}

// messageOf takes the message out of an envelope.
func messageOf(raw []byte) string {
	_, rest, _ := strings.Cut(string(raw), `"message":"`)
	message, _, _ := strings.Cut(rest, `"`)
	return message
}

const (
	askedForAuth = "The request requires valid record authorization token."
	notSuperuser = "The authorized record is not allowed to perform this action."
)

// TestRoutesLetThroughWhomTheyDeclare asks each route as everybody.
func TestRoutesLetThroughWhomTheyDeclare(t *testing.T) {
	s := newSite(t)
	for _, e := range s.api.Endpoints() {
		refused := func(token string) string {
			status, message := s.ask(&e, token, usual(&e), 0)
			switch {
			case status == http.StatusUnauthorized && message == askedForAuth,
				status == http.StatusForbidden && (message == notSuperuser || strings.HasPrefix(message, "The request requires auth record from ")):
				return fmt.Sprint(status)
			}
			return "through"
		}
		// As a guest, as a record of the collection that the path names, if any, as one of another, as a superuser.
		got := strings.Join([]string{refused(""), refused(s.user), refused(s.other), refused(s.super)}, " ")
		want := map[api.Access]string{
			api.Anybody:        "through through through through",
			api.SignedIn:       "401 through through through",
			api.SameCollection: "401 through 403 403",
			api.Superusers:     "401 403 403 through",
		}[e.Access]
		if got != want {
			t.Errorf("%s %s: %s, want %s", e.Method, e.Path, got, want)
		}
	}
}

// TestRoutesRefuseOtherCollections asks each route for a collection that is not there, or not of its kind.
func TestRoutesRefuseOtherCollections(t *testing.T) {
	s := newSite(t)
	for _, e := range s.api.Endpoints() {
		if e.Collection == api.NoCollection {
			continue
		}
		token := s.super
		if e.Access == api.SameCollection {
			token = s.user
		}
		if status, _ := s.ask(&e, token, "nobody", 0); status != http.StatusNotFound {
			t.Errorf("%s %s: %d for a collection that is not there", e.Method, e.Path, status)
		}
		switch status, message := s.ask(&e, token, "seen", 0); {
		case e.Collection == api.StoredCollection && (status != http.StatusBadRequest || message != "Unsupported collection type."),
			e.Collection == api.AuthCollection && e.Access != api.SameCollection && (status != http.StatusNotFound || message != api.NoAuthContext),
			e.Collection == api.AnyCollection && message == api.NoAuthContext:
			t.Errorf("%s %s: %d %s for a view", e.Method, e.Path, status, message)
		}
		if status, message := s.ask(&e, token, usual(&e), 0); message == api.NoAuthContext || message == "Unsupported collection type." {
			t.Errorf("%s %s: %d %s for one of its kind", e.Method, e.Path, status, message)
		}
	}
}

// TestRoutesRefuseLargeBodies announces bodies of the size of the declared limit and beyond it, as a guest: the limit comes first.
func TestRoutesRefuseLargeBodies(t *testing.T) {
	s := newSite(t)
	const batchBody = 5000
	if _, err := s.app.Settings.Save(t.Context(), func(c *settings.Settings) error { c.Batch.MaxBodySize = batchBody; return nil }); err != nil {
		t.Fatal(err)
	}
	for _, e := range s.api.Endpoints() {
		limit, collection := int64(httpx.DefaultBodyLimit), usual(&e)
		switch e.Body {
		case api.RecordBody:
			limit, collection = limit+5_000_000, "large"
		case api.BatchBody:
			limit = batchBody
		}
		if status, _ := s.ask(&e, "", collection, limit+1); status != http.StatusRequestEntityTooLarge {
			t.Errorf("%s %s: %d for a body beyond %d", e.Method, e.Path, status, limit)
		}
		if status := s.bodyWanted(&e, collection, limit); status == http.StatusRequestEntityTooLarge {
			t.Errorf("%s %s: %d for a body of %d", e.Method, e.Path, status, limit)
		}
	}
}

// bodyWanted announces a body and returns the status of the first answer: that the client may go on, mostly.
func (s *site) bodyWanted(e *api.Endpoint, collection string, length int64) int {
	s.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		s.t.Fatal(err)
	}
	fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", e.Method, example(e, collection), length)
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		s.t.Fatalf("%s %s: %v", e.Method, e.Path, err)
	}
	status := 0
	if _, err := fmt.Sscanf(line, "HTTP/1.1 %d", &status); err != nil {
		s.t.Fatalf("%s %s: %q", e.Method, e.Path, line)
	}
	return status
}

// TestRoutesAreLimitedAsTheyDeclare allows no request of a label, as a guest: rate limits come before who may call.
func TestRoutesAreLimitedAsTheyDeclare(t *testing.T) {
	s := newSite(t)
	allow := func(labels ...string) {
		p := httpx.PolicyOptions{RateLimits: true}
		for _, label := range labels {
			p.RateRules = append(p.RateRules, httpx.RateRule{Label: label, MaxRequests: 0, Duration: 60})
		}
		s.api.HTTP().SetPolicy(p)
	}
	all := s.api.Endpoints()
	var labels []string
	for _, e := range all {
		labels = append(labels, strings.Fields(e.Rate)...)
	}
	for _, e := range all {
		own := strings.Fields(e.Rate)
		var others []string
		for _, label := range labels {
			if !slices.Contains(own, label) {
				others = append(others, "*:"+label)
			}
		}
		allow(others...)
		if status, _ := s.ask(&e, "", usual(&e), 0); status == http.StatusTooManyRequests {
			t.Errorf("%s %s: limited by the label of another route", e.Method, e.Path)
		}
		limits := []string{e.Method + " " + example(&e, usual(&e))}
		for _, label := range own {
			limits = append(limits, "*:"+label, usual(&e)+":"+label)
		}
		for _, limit := range limits {
			allow(limit)
			if status, _ := s.ask(&e, "", usual(&e), 0); status != http.StatusTooManyRequests {
				t.Errorf("%s %s: %d where the label %q allows nothing", e.Method, e.Path, status, limit)
			}
		}
	}
}
