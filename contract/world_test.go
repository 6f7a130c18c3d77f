package contract_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/troupebase/troupe"
	"github.com/troupebase/troupe/actors/mailer/mailtest"
)

const (
	rootEmail    = "root@example.com"
	rootPassword = "rootpass1234"
	// answerTimeout bounds every request; starting and stopping a server too.
	answerTimeout = 30 * time.Second
)

// world is what a case has around it: a server on an empty data directory with one superuser, a mail sink, a provider,
// and the variables of the conversation.
type world struct {
	base     string
	client   *http.Client
	mails    *mailtest.Sink
	provider *provider
	streams  map[string]*stream
	vars     map[string]string
	bound    bindings
}

// newWorld starts all of it; it ends with the test.
func newWorld(t *testing.T, expandAll bool) *world {
	t.Helper()
	dir := t.TempDir()
	mails, err := mailtest.NewSink(mailtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mails.Close() }) // a case may send mails that have no parts
	w := &world{
		base: startServer(t, troupe.Options{Dir: filepath.Join(dir, "data"), NoExpandAll: !expandAll}),
		client: &http.Client{
			Timeout:       answerTimeout,
			Transport:     &http.Transport{DisableCompression: true},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		mails: mails, provider: newProvider(), streams: make(map[string]*stream), bound: make(bindings),
	}
	t.Cleanup(w.provider.Close)
	t.Cleanup(func() {
		for _, s := range w.streams {
			s.close()
		}
		w.client.CloseIdleConnections()
	})
	w.vars = map[string]string{
		"base": w.base, "host": strings.TrimPrefix(w.base, "http://"), "dir": dir,
		"smtp_port": strconv.Itoa(mails.Port()), "oidc_url": w.provider.URL,
	}
	if err := w.signIn(); err != nil {
		t.Fatal(err)
	}
	return w
}

// startServer serves a data directory with a superuser until the test ends, and returns its address.
func startServer(t *testing.T, o troupe.Options) string {
	t.Helper()
	app := troupe.New(o)
	ctx, stop := context.WithCancel(context.Background())
	address, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- app.RunWith(ctx, "127.0.0.1:0", func(addr net.Addr) error {
			root, err := app.NewRecord("_superusers")
			if err != nil {
				return err
			}
			root.Set("email", rootEmail)
			root.Set("password", rootPassword)
			if err := app.Save(ctx, root); err != nil {
				return err
			}
			address <- "http://" + addr.String()
			return nil
		})
	}()
	select {
	case base := <-address:
		t.Cleanup(func() {
			stop()
			if err := <-ended; err != nil {
				t.Errorf("the server ended with: %v", err)
			}
		})
		return base
	case err := <-ended:
		stop()
		t.Fatalf("the server did not start: %v", err)
	case <-time.After(answerTimeout):
		stop()
		t.Fatal("the server did not start in time")
	}
	return ""
}

// signIn keeps the superuser's token in the variable "root".
func (w *world) signIn() error {
	body, err := json.Marshal(map[string]string{"identity": rootEmail, "password": rootPassword})
	if err != nil {
		return fmt.Errorf("sign in: %w", err)
	}
	got, err := w.send(&request{Method: "POST", Path: "/api/collections/_superusers/auth-with-password", JSON: body})
	if err != nil {
		return fmt.Errorf("sign in: %w", err)
	}
	token, _ := lookup(got.body, "$.token")
	if w.vars["root"], _ = token.(string); w.vars["root"] == "" {
		return fmt.Errorf("sign in: %d %s", got.status, got.raw)
	}
	return nil
}

var (
	variable = regexp.MustCompile(`\{\{(\w+)(:url)?\}\}`)
	number   = regexp.MustCompile(`"\{\{(\w+):num\}\}"`)
)

// fill puts the values of variables into a text; what is no variable stays.
func (w *world) fill(text string) string {
	return w.replace(text, func(value string) string { return value })
}

// fillJSON is fill within JSON: values are escaped, and "{{x:num}}" becomes a number.
func (w *world) fillJSON(text string) string {
	text = number.ReplaceAllStringFunc(text, func(place string) string {
		if value, ok := w.vars[number.FindStringSubmatch(place)[1]]; ok {
			return value
		}
		return place
	})
	return w.replace(text, func(value string) string {
		quoted, err := json.Marshal(value)
		if err != nil {
			return value
		}
		return string(quoted[1 : len(quoted)-1])
	})
}

func (w *world) replace(text string, write func(value string) string) string {
	if !strings.Contains(text, "{{") {
		return text
	}
	return variable.ReplaceAllStringFunc(text, func(place string) string {
		m := variable.FindStringSubmatch(place)
		value, ok := w.vars[m[1]]
		switch {
		case !ok:
			return place
		case m[2] != "":
			return url.QueryEscape(value)
		}
		return write(value)
	})
}

// save keeps values of an answer for later steps.
func (w *world) save(s *step, got *answer) error {
	var errs []error
	for name, from := range s.Save {
		value, err := saved(from, got)
		if err != nil {
			errs = append(errs, fmt.Errorf("save %s: %w", name, err))
			continue
		}
		w.vars[name] = value
	}
	return errors.Join(errs...)
}

func saved(from string, got *answer) (string, error) {
	if expression, ok := strings.CutPrefix(from, "re:"); ok {
		re, err := regexp.Compile(expression)
		if err != nil {
			return "", fmt.Errorf("read expression: %w", err)
		}
		groups := re.FindSubmatch(got.raw)
		if len(groups) < 2 {
			return "", fmt.Errorf("%s found nothing", expression)
		}
		return string(groups[1]), nil
	}
	if header, ok := strings.CutPrefix(from, "header:"); ok {
		return got.header.Get(header), nil
	}
	value, ok := lookup(got.body, from)
	if !ok {
		return "", fmt.Errorf("nothing at %s", from)
	}
	if text, ok := value.(string); ok {
		return text, nil
	}
	text, err := json.Marshal(value)
	return string(text), err
}
