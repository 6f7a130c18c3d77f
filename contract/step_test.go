package contract_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/troupebase/troupe/actors/mailer/mailtest"
)

// How long is waited for what must come, and for what must not, where a case does not say.
const (
	eventWithin = 3 * time.Second
	eventQuiet  = 300 * time.Millisecond
	mailWithin  = 5 * time.Second
	mailQuiet   = 400 * time.Millisecond
)

// answer is what came of a step: body is raw, decoded where that says more.
type answer struct {
	status int
	header http.Header
	raw    []byte
	body   any
}

// do does a step.
func (w *world) do(s *step) (*answer, error) {
	switch {
	case s.Request != nil:
		return w.send(s.Request)
	case s.SSE != nil:
		return w.stream(s.SSE)
	case s.Mail != nil:
		return w.mail(s.Mail)
	case s.OIDC != nil:
		return new(answer), w.provide(s.OIDC)
	case s.SleepMS > 0:
		time.Sleep(time.Duration(s.SleepMS) * time.Millisecond) // what was recorded depends on the clock here
		return new(answer), nil
	}
	return nil, errors.New("the step does nothing")
}

func (w *world) send(r *request) (*answer, error) {
	body, kind, err := w.body(r)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequest(r.Method, w.base+escape(w.fill(r.Path)), body)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	if r.Auth != "" {
		req.Header.Set("Authorization", w.fill(r.Auth))
	}
	for name, value := range r.Headers {
		if strings.EqualFold(name, "Host") {
			req.Host = w.fill(value)
		} else {
			req.Header.Set(name, w.fill(value))
		}
	}
	res, err := w.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("send request: %w", err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	return &answer{res.StatusCode, res.Header, raw, decoded(res.Header.Get("Content-Type"), raw)}, nil
}

// escape encodes what people write into a path and a URL may not hold.
func escape(path string) string {
	var b strings.Builder
	for _, c := range path {
		if strings.ContainsRune(" \"<>{}|\\^`'", c) {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteRune(c)
		}
	}
	return b.String()
}

func (w *world) body(r *request) (body io.Reader, kind string, err error) {
	switch {
	case r.Multipart != nil:
		return w.multipart(r.Multipart)
	case r.JSON != nil:
		return strings.NewReader(w.fillJSON(string(r.JSON))), "application/json", nil
	case r.Body != nil:
		return strings.NewReader(w.fill(*r.Body)), "", nil
	}
	return nil, "", nil
}

func (w *world) multipart(parts []part) (io.Reader, string, error) {
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	for _, p := range parts {
		disposition := map[string]string{"name": p.Name}
		head := make(textproto.MIMEHeader)
		content := []byte(w.fill(p.Value))
		if p.Filename != "" {
			disposition["filename"] = p.Filename
			kind := p.ContentType
			if kind == "" {
				kind = "application/octet-stream"
			}
			head.Set("Content-Type", kind)
			if content = p.Base64; content == nil {
				content = []byte(w.fill(p.Content))
			}
		}
		head.Set("Content-Disposition", mime.FormatMediaType("form-data", disposition))
		to, err := form.CreatePart(head)
		if err == nil {
			_, err = to.Write(content)
		}
		if err != nil {
			return nil, "", fmt.Errorf("write body: %w", err)
		}
	}
	if err := form.Close(); err != nil {
		return nil, "", fmt.Errorf("write body: %w", err)
	}
	return &b, form.FormDataContentType(), nil
}

// decoded is JSON as its values, text as it is, and of anything else how long it is.
func decoded(kind string, raw []byte) any {
	if len(raw) == 0 {
		return nil
	}
	if strings.Contains(kind, "json") {
		var v any
		d := json.NewDecoder(bytes.NewReader(raw))
		d.UseNumber()
		if d.Decode(&v) == nil {
			return v
		}
	}
	if strings.HasPrefix(kind, "text/") || strings.Contains(kind, "xml") || strings.Contains(kind, "yaml") || isText(raw) {
		return string(raw)
	}
	return map[string]any{"bytes": json.Number(fmt.Sprint(len(raw)))}
}

// isText tells whether bytes look like text, by the rule that the cases were recorded with.
func isText(raw []byte) bool {
	return !bytes.ContainsFunc(raw, func(r rune) bool { return r == 0 || r == utf8.RuneError }) && !bytes.ContainsFunc(raw, isControl)
}

func isControl(r rune) bool { return r > 0x7e && r < 0xa0 }

var link = regexp.MustCompile(`href="([^"]*)"`)

// mail answers with the sender, the recipient and the links of a mail; its wording is the server's own.
func (w *world) mail(m *mailAction) (*answer, error) {
	to := w.fill(m.To)
	within := time.Duration(m.WithinMS) * time.Millisecond
	addressed := func(mail *mailtest.Message) bool { return to == "" || strings.Contains(mail.Recipient(), to) }
	if m.None {
		if within == 0 {
			within = mailQuiet
		}
		if mail, ok := w.mails.Take(addressed, within); ok {
			return nil, fmt.Errorf("a mail came to %s: %q", mail.To, mail.Subject)
		}
		return new(answer), nil
	}
	if within == 0 {
		within = mailWithin
	}
	mail, ok := w.mails.Take(addressed, within)
	if !ok {
		return nil, fmt.Errorf("no mail to %q within %s", to, within)
	}
	links := []any{}
	for _, m := range link.FindAllStringSubmatch(mail.HTML, -1) {
		links = append(links, html.UnescapeString(m[1]))
	}
	return &answer{
		raw:  []byte(mail.Subject + "\n" + mail.HTML + "\n" + mail.Text),
		body: map[string]any{"from": mail.Sender(), "to": mail.Recipient(), "links": links},
	}, nil
}

// provide sets what the provider says of a user, with variables filled in.
func (w *world) provide(act *providerAct) error {
	set := *act
	if act.User != nil {
		raw, err := json.Marshal(act.User)
		if err != nil {
			return fmt.Errorf("set provider: %w", err)
		}
		set.User = nil
		if err := json.Unmarshal([]byte(w.fillJSON(string(raw))), &set.User); err != nil {
			return fmt.Errorf("set provider: %w", err)
		}
	}
	w.provider.set(set)
	return nil
}
