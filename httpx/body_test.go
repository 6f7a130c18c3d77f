package httpx

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// bodySite answers with what the decoders make of a body.
func bodySite(t *testing.T) *site {
	small := func(*Context) (int64, error) { return 100, nil }
	return start(t, []*Route{
		{Method: "POST", Path: "/map", Handler: func(c *Context) error {
			m, uploads, err := c.Map()
			if err != nil {
				return err
			}
			for _, u := range uploads {
				f, err := u.Open()
				if err != nil {
					return err
				}
				content, err := io.ReadAll(f)
				if err != nil {
					return err
				}
				f.Close()
				m["upload "+u.Field] = fmt.Sprintf("%s %d %.20s", u.Name, u.Size, content)
			}
			return c.SendJSON(200, m)
		}},
		{Method: "POST", Path: "/bind", Handler: func(c *Context) error {
			form := testForm{Text: "old"}
			if err := Loading(c.Bind(&form)); err != nil {
				return err
			}
			return c.SendJSON(200, form)
		}},
		{Method: "POST", Path: "/small", BodyLimit: small, Handler: func(c *Context) error {
			b, err := c.Bytes()
			if err != nil {
				return err
			}
			return c.SendJSON(200, len(b))
		}},
		{Method: "POST", Path: "/unlimited", BodyLimit: func(*Context) (int64, error) { return -1, nil }, Handler: func(c *Context) error {
			n, err := io.Copy(io.Discard, c.Stream())
			if err != nil {
				return err
			}
			return c.SendJSON(200, n)
		}},
		{Method: "POST", Path: "/lost", BodyLimit: func(*Context) (int64, error) { return 0, NewError(404, "Missing or invalid collection context.") }, Handler: echo},
		{Method: "GET", Path: "/get", Handler: func(c *Context) error {
			m, _, err := c.Map()
			if err != nil {
				return err
			}
			return c.SendJSON(200, m)
		}},
	}, nil)
}

type testForm struct {
	Text  string         `json:"text,omitempty"`
	Flag  bool           `json:"flag,omitempty"`
	Num   int            `json:"num,omitempty"`
	Float float64        `json:"float,omitempty"`
	List  []string       `json:"list,omitempty"`
	Ptr   *int           `json:"ptr,omitempty"`
	Any   any            `json:"any,omitempty"`
	Map   map[string]any `json:"map,omitempty"`
	Group struct {
		Name string `json:"name,omitempty"`
		Deep struct {
			N uint8 `json:"n,omitempty"`
		} `json:"deep"`
	} `json:"group"`
	Secret string `json:"-"`
}

const (
	urlencoded = "application/x-www-form-urlencoded"
	formData   = "multipart/form-data; boundary=B"
)

// parts makes a multipart body of name=value pairs; a value "@file:content" becomes an upload.
func parts(pairs ...string) string {
	var b strings.Builder
	for _, p := range pairs {
		name, value, _ := strings.Cut(p, "=")
		b.WriteString("--B\r\nContent-Disposition: form-data; name=\"" + name + "\"")
		if file, ok := strings.CutPrefix(value, "@"); ok {
			name, value, _ = strings.Cut(file, ":")
			b.WriteString("; filename=\"" + name + "\"\r\nContent-Type: text/plain")
		}
		b.WriteString("\r\n\r\n" + value + "\r\n")
	}
	return b.String() + "--B--\r\n"
}

const (
	message400 = `"message":"Something went wrong while processing your request.","status":400`
	noType     = `"message":"Unsupported Content-Type.","status":400`
	loading    = `"message":"An error occurred while loading the submitted data.","status":400`
	tooLarge   = `{"data":{},"message":"Request entity too large.","status":413}`
)

func TestRecordBodies(t *testing.T) {
	w := bodySite(t)
	const js = "application/json"
	for _, c := range []struct{ target, contentType, body, want string }{
		{"/map", js, `{"a":1,"b":[true]}`, `{"a":1,"b":[true]}`},
		{"/map", js + "; charset=utf-8", `{}`, `{}`},
		{"/map", "application/json5", `{"a":"x"}`, `{"a":"x"}`},
		{"/map", js, `null`, `{}`},
		{"/map", js, ``, `{}`},
		{"/map", "", ``, `{}`},
		{"/map", js, `{"a":1} xyz`, `{"a":1}`},
		{"/map", js, `{"a":1}{"a":2}`, `{"a":1}`},
		{"/map", js, `{"a":1,"a":2}`, `{"a":2}`},
		{"/map?a=q", js, `{"@jsonPayload":"{}"}`, `{"@jsonPayload":"{}"}`},
		{"/map", js, `[1]`, message400},
		{"/map", js, `"a"`, message400},
		{"/map", js, `{"a":`, message400},
		{"/map", js, `   `, message400},
		{"/map", "Application/JSON", `{}`, noType},
		{"/map", "application/vnd.api+json", `{}`, noType},
		{"/map", "", `{}`, noType},
		{"/map", "text/xml", `<a/>`, message400},
		{"/map", urlencoded, `t=5&n=-1.5&b=true&z=05&e=1e3&p=%2B1&x=a+b%26c&o=1.0&h=0x1`, `{"b":true,"e":"1e3","h":"0x1","n":-1.5,"o":"1.0","p":"+1","t":5,"x":"a b\u0026c","z":"05"}`},
		{"/map", urlencoded, `l=1&l=a&l=true&e=&big=12345678901234567890&i=Inf`, `{"big":"12345678901234567890","e":"","i":"Inf","l":[1,"a",true]}`},
		{"/map?t=q&s=a", urlencoded, `t=f`, `{"s":"a","t":["f","q"]}`},
		{"/map", urlencoded, `t=%zz`, message400},
		{"/map", urlencoded, `t=a;b`, message400},
		{"/map", urlencoded, `&&t=a&`, `{"t":"a"}`},
		{"/map", urlencoded, `t=z&%40jsonPayload=%7B%22t%22%3A%22p%22%7D`, `{"t":"p"}`},
		{"/map", formData, parts("a=1", "a=x", "b=@dir/f.txt:content"), `{"a":[1,"x"],"upload b":"f.txt 7 content"}`},
		{"/map?a=q", formData, parts("n=5"), `{"a":"q","n":5}`},
		{"/map", formData, parts(`@jsonPayload={"t":"p","b":true}`, "n=1", `@jsonPayload={"t":"q","n":2}`), `{"b":true,"n":2,"t":"q"}`},
		{"/map", formData, parts(`@jsonPayload=null`, "t=x"), `{}`},
		{"/map", formData, parts(`@jsonPayload=null`, "t=x", `@jsonPayload={"a":1}`), `{"a":1}`},
		{"/map", formData, parts(`@jsonPayload=[1]`), message400},
		{"/map", formData, parts(`@jsonPayload=`), message400},
		{"/map", formData, `xxx`, message400},
		{"/map", "multipart/form-data", `xxx`, message400},
	} {
		if got := w.post(c.target, c.contentType, c.body); !strings.Contains(got.body, c.want) {
			t.Errorf("%s %s %s\n got %s\nwant %s", c.target, c.contentType, c.body, got.body, c.want)
		}
	}
}

func TestFixedForms(t *testing.T) {
	w := bodySite(t)
	const js = "application/json"
	for _, c := range []struct{ contentType, body, want string }{
		{js, `{"TEXT":"a","nope":1,"flag":null}`, `{"text":"a","group":{"deep":{}}}`},
		{js, `null`, `{"text":"old","group":{"deep":{}}}`},
		{js, ``, `{"text":"old","group":{"deep":{}}}`},
		{"text/xml", `<a/>`, `{"text":"old","group":{"deep":{}}}`},
		{js, `[]`, loading},
		{js, `{"text":1}`, loading},
		{js, `{"num":1.5}`, loading},
		{"text/plain", `x`, noType},
		{urlencoded, `text=1&flag=t&num=0x10&float=1e2&list=a&list=b&ptr=7&any=5&group.name=g&group.deep.n=9&nope=1&map.x=1&Secret=s`,
			`{"text":"1","flag":true,"num":16,"float":100,"list":["a","b"],"ptr":7,"any":5,"map":{"x":1},"group":{"name":"g","deep":{"n":9}}}`},
		{urlencoded, `TEXT=a&text=&num=&flag=`, `{"group":{"deep":{}}}`},
		{urlencoded, `flag=maybe`, loading},
		{urlencoded, `num=1.5`, loading},
		{urlencoded, `group.deep.n=256`, loading},
		{urlencoded, `text=a&%40jsonPayload=%7B%22text%22%3A%22p%22%7D`, `{"text":"p","group":{"deep":{}}}`},
		{formData, parts("text=m", "list=x"), `{"text":"m","list":["x"],"group":{"deep":{}}}`},
	} {
		if got := w.post("/bind", c.contentType, c.body); !strings.Contains(got.body, c.want) {
			t.Errorf("%s %s\n got %s\nwant %s", c.contentType, c.body, got.body, c.want)
		}
	}
	if got := w.post("/bind?text=q", urlencoded, "num=1"); !strings.Contains(got.body, `"text":"q","num":1`) {
		t.Errorf("query is not merged: %s", got.body)
	}
}

func TestBodyLimits(t *testing.T) {
	w := bodySite(t)
	hundred, more := strings.Repeat("x", 100), strings.Repeat("x", 101)
	const begun = "x" // fasthttp reads that much before it asks a handler
	chunked := func(target, body string) answer {
		return w.raw("POST", "POST "+target+" HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"+
			fmt.Sprintf("%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n", len(body)-1, body[1:], 1, body[:1]))
	}
	for name, c := range map[string]struct {
		got  answer
		want string
	}{
		"within":           {w.post("/small", "x/y", hundred), "100\n"},
		"beyond":           {w.post("/small", "x/y", more), tooLarge},
		"chunked, within":  {chunked("/small", hundred), "100\n"},
		"chunked, beyond":  {chunked("/small", more), tooLarge},
		"unlimited":        {w.post("/unlimited", "x/y", strings.Repeat("x", 1<<20)), "1048576\n"},
		"limit refuses":    {w.post("/lost", "x/y", more), `"message":"Missing or invalid collection context.","status":404`},
		"length only":      {w.raw("POST", "POST /small HTTP/1.1\r\nHost: h\r\nContent-Length: 33554433\r\n\r\n"+begun), tooLarge},
		"on unknown route": {w.raw("POST", "POST /nope HTTP/1.1\r\nHost: h\r\nContent-Length: 33554433\r\n\r\n"+begun), tooLarge},
		"GET with a body":  {w.raw("GET", "GET /get HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{\"a\":1}"), `{"a":1}`},
		"GET, broken body": {w.raw("GET", "GET /get HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 1\r\n\r\n{"), message400},
	} {
		if !strings.Contains(c.got.body, c.want) {
			t.Errorf("%s: %d %s", name, c.got.StatusCode, c.got.body)
		}
	}
}

// TestCutOffBody: a form must not be taken for whole because the peer hung up at a good place.
func TestCutOffBody(t *testing.T) {
	for name, b := range map[string]*bounded{
		"cut off":       {r: strings.NewReader("a=1"), left: 100, announced: 4},
		"whole":         {r: strings.NewReader("a=1"), left: 3, announced: 3},
		"chunked":       {r: strings.NewReader("a=1"), left: 100, announced: -1},
		"one too many":  {r: strings.NewReader("a=12"), left: 3, announced: 4},
		"byte by byte":  {r: iotest.OneByteReader(strings.NewReader("a=1")), left: 3, announced: 3},
		"many too many": {r: iotest.OneByteReader(strings.NewReader("a=123456")), left: 3, announced: -1},
	} {
		want := map[string]error{"cut off": io.ErrUnexpectedEOF, "one too many": ErrTooLarge, "many too many": ErrTooLarge}[name]
		if got, err := io.ReadAll(b); string(got) != "a=1" || err != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestUploadsAreOnTheDiskAndRemoved(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	w := bodySite(t)
	content := strings.Repeat("0123456789", maxUploadMemory/10+1<<20)
	got := w.post("/map", formData, parts("f=@big.bin:"+content))
	if want := fmt.Sprintf(`{"upload f":"big.bin %d 01234567890123456789"}`, len(content)); strings.TrimSpace(got.body) != want {
		t.Errorf("got %.200s, want %s", got.body, want)
	}
}

func TestLoadingKeepsTheAnswersOfItsOwn(t *testing.T) {
	if Loading(nil) != nil {
		t.Error("no error became one")
	}
	for err, want := range map[error]int{ErrTooLarge: 413, ErrUnsupportedContentType: 400, ErrMalformed: 400} {
		var e *Error
		if !errors.As(Loading(fmt.Errorf("x: %w", err)), &e) || e.Status != want {
			t.Errorf("%v: %v", err, e)
		}
	}
}

// FuzzForms holds that an urlencoded body is either refused or makes JSON, and that numbers are inferred only from the
// form that gives the same text back.
func FuzzForms(f *testing.F) {
	for _, s := range []string{"", "a=1&a=2", "a=%zz", "@jsonPayload={\"a\":1}", "a;b", "%", "a=-0&b=1e5", "=&=", "group.deep.n=1&group=2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		values := make(formValues)
		if err := values.parse([]byte(s)); err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		var form testForm
		if err := values.decode(&form); err != nil && !errors.Is(err, ErrMalformed) {
			t.Fatal(err)
		}
		m, err := values.infer()
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		if _, err := json.Marshal(m); err != nil {
			t.Fatalf("%q became %v: %v", s, m, err)
		}
		if _, ok := values[payloadKey]; ok {
			return
		}
		for name, v := range m {
			if n, ok := v.(float64); ok {
				text, err := json.Marshal(n)
				if err != nil || len(values[name]) != 1 {
					t.Fatalf("%s became %s", values[name], text)
				}
			}
		}
	})
}
