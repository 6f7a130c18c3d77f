package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// everyType is a collection with a field of every type.
const everyType = `{"name":"every","type":"base","fields":[
	{"name":"t","type":"text"},{"name":"n","type":"number"},{"name":"b","type":"bool"},{"name":"e","type":"email"},{"name":"u","type":"url"},
	{"name":"ed","type":"editor"},{"name":"d","type":"date"},{"name":"s","type":"select","values":["x","y"]},{"name":"sm","type":"select","maxSelect":2,"values":["x","y"]},
	{"name":"j","type":"json"},{"name":"f","type":"file"},{"name":"fm","type":"file","maxSelect":3},{"name":"r","type":"relation","collectionId":"_pb_users_auth_"},
	{"name":"rm","type":"relation","collectionId":"_pb_users_auth_","maxSelect":3},{"name":"g","type":"geoPoint"},{"name":"h","type":"text","hidden":true},
	{"name":"made","type":"autodate","onCreate":true}]}`

const bodyBoundary = "xxBOUNDARYxx"

// bodyTypes are the types of bodies, bodySeeds bodies of each.
var (
	bodyTypes = []string{"application/json", "multipart/form-data; boundary=" + bodyBoundary, "application/x-www-form-urlencoded"}
	bodySeeds = [][]string{
		{
			`{"t":"a","n":1.5,"b":true,"e":"a@example.com","u":"https://example.com","d":"2026-01-02","s":"x","sm":["x","y"],"j":{"a":[1,null]},"g":{"lon":1,"lat":2},"h":"hidden"}`,
			`{"n+":1,"+sm":["x"],"sm-":"y","t:autogenerate":"","g":{"lon":1},"j":null,"id":""}`, `{"id":"abcdefghijklmno","T":1,"made":"x","f":"missing.txt"}`, `null`, `[]`, `{"j":"{\"a\":1}"}`,
			`{"t":"\u0000\ud800","n":1e999}`, `{"n":-0.0,"j":-0.0,"t":1e21}`, "{\"t\":\"\xff\"}",
		},
		{
			bodyPart(`name="t"`, "a") + bodyPart(`name="f"; filename="a.txt"`, "hello") + bodyPart(`name="fm+"; filename="b b.PNG"`, "\x89PNG") + "--" + bodyBoundary + "--\r\n",
			bodyPart(`name="@jsonPayload"`, `{"t":"b","n+":3}`) + bodyPart(`name="n"`, "0x10") + bodyPart(`name="sm"`, "x") + bodyPart(`name="sm"`, "y") + "--" + bodyBoundary + "--",
			bodyPart(`name="f"; filename="../../x"`, "") + "--" + bodyBoundary + "--", "--" + bodyBoundary, "",
		},
		{"t=a&n=1&b=true&sm=x&sm=y&j=%7B%7D", "t=%zz&=&n=1e400&@jsonPayload={\"t\":1}", "j=&g=&d=now&r=x", "j=1.50&t=1.50&n=1.50", "j=1e999", "j=-1e999", "j=12345678901234567890123", "j=%220%22&s=&sm="},
	}
)

// bodyPart is a part of a form.
func bodyPart(header, value string) string {
	return "--" + bodyBoundary + "\r\nContent-Disposition: form-data; " + header + "\r\n\r\n" + value + "\r\n"
}

// sendRaw sends a body to a path below the records, and fails on a 5xx.
func sendRaw(t *testing.T, g *rig, token, method, path, contentType string, body []byte) (int, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, g.base+"/api/collections/every/records"+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("Authorization", token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode >= 500 {
		t.Fatalf("%s %s: %d %s", method, path, res.StatusCode, raw)
	}
	return res.StatusCode, raw
}

// FuzzRecordBody sends bodies through the real decoder to records: nothing fails with a 5xx, as a panic would, and what is
// accepted is stored and read back as it was answered.
func FuzzRecordBody(f *testing.F) {
	for i, seeds := range bodySeeds {
		for _, seed := range seeds {
			f.Add(uint8(i), []byte(seed))
		}
	}
	g := newRig(f, nil)
	g.collection(everyType)
	token := g.superuser()
	f.Fuzz(func(t *testing.T, kind uint8, body []byte) {
		if len(body) > 1<<16 {
			return
		}
		send := func(method, path, contentType string, body []byte) (int, []byte) {
			return sendRaw(t, g, token, method, path, contentType, body)
		}
		contentType := bodyTypes[int(kind)%len(bodyTypes)]
		status, made := send("POST", "", contentType, body)
		if status != http.StatusOK {
			return
		}
		record := decodeRecord(t, made)
		path := fmt.Sprint("/", record["id"])
		if strings.ContainsAny(path[1:], "/?#%\\") {
			t.Fatalf("the id %q cannot be in a path", record["id"])
		}
		status, stored := send("GET", path, "application/json", nil)
		if status != http.StatusOK || !reflect.DeepEqual(record, decodeRecord(t, stored)) {
			t.Errorf("answered %s\nstored %d %s", made, status, stored)
		}
		status, changed := send("PATCH", path, contentType, body)
		if status == http.StatusOK {
			if _, again := send("GET", path, "application/json", nil); !reflect.DeepEqual(decodeRecord(t, changed), decodeRecord(t, again)) {
				t.Errorf("an update answered %s\nstored %s", changed, again)
			}
		}
		if status, raw := send("DELETE", path, "application/json", nil); status != http.StatusNoContent {
			t.Errorf("delete: %d %s", status, raw)
		}
	})
}

// decodeRecord reads an answer. SQLite keeps JSON numbers as numbers, however they were written: what counts is their value.
func decodeRecord(t *testing.T, raw []byte) map[string]any {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var out map[string]any
	if err := d.Decode(&out); err != nil {
		t.Fatalf("no JSON: %v: %s", err, raw)
	}
	out, _ = byValue(out).(map[string]any)
	return out
}

func byValue(v any) any {
	switch v := v.(type) {
	case json.Number:
		n, _ := strconv.ParseFloat(v.String(), 64) // infinite beyond the range
		return n
	case []any:
		for i := range v {
			v[i] = byValue(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = byValue(v[k])
		}
	}
	return v
}
