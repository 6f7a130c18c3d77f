package httpx

import (
	"fmt"
	"strings"
	"testing"
)

// joined is n pieces with a separator between them.
func joined(n int, piece func(i int) string, sep string) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString(sep)
		}
		b.WriteString(piece(i))
	}
	return b.String()
}

// fieldsOf are the fields of a form with n parts.
func fieldsOf(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("p%d=", i)
	}
	return out
}

const asJSON = "application/json"

// The pieces of large bodies.
func aKey(i int) string      { return fmt.Sprintf("%q:1", fmt.Sprint(i)) }
func aPair(i int) string     { return fmt.Sprintf("%x=", i) }
func anEmptyList(int) string { return "[]" }

// TestLaw13CostOfBodies: everything is bounded. Bodies that cost much to read are refused before they are read, and the answer says why.
func TestLaw13CostOfBodies(t *testing.T) {
	w := bodySite(t)
	for name, c := range map[string]struct {
		contentType, body, want string
	}{
		"keys":            {asJSON, "{" + joined(maxBodyKeys+1, aKey, ",") + "}", "A request may have 65536 keys."},
		"values":          {asJSON, `{"a":[` + joined(maxBodyValues, anEmptyList, ",") + "]}", "A request may have 524288 values."},
		"depth":           {asJSON, `{"a":` + strings.Repeat("[", maxBodyDepth) + strings.Repeat("]", maxBodyDepth) + "}", ""},
		"pairs":           {urlencoded, joined(maxPairs+1, aPair, "&"), "A request may have 10000 fields."},
		"empty pairs":     {urlencoded, strings.Repeat("a&", maxPairs), "A request may have 10000 fields."},
		"parts":           {formData, parts(fieldsOf(maxParts + 1)...), "A request may have 1000 parts."},
		"payload":         {formData, parts("@jsonPayload={" + joined(maxBodyKeys+1, aKey, ",") + "}"), "A request may have 65536 keys."},
		"payloads":        {formData, parts("@jsonPayload={"+joined(maxBodyKeys/2+1, aKey, ",")+"}", "@jsonPayload={"+joined(maxBodyKeys/2, aKey, ",")+"}"), "A request may have 65536 keys."},
		"payload's depth": {urlencoded, "@jsonPayload=" + strings.Repeat("[", maxBodyDepth+1), ""},
		"head of a part":  {formData, "--B\r\nContent-Disposition: form-data; name=\"" + strings.Repeat("a", 2*maxPartHead) + "\"\r\n\r\nx\r\n--B--\r\n", ""},
		"heads of a part": {formData, "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n" + strings.Repeat("X: y\r\n", maxPartHead/4) + "\r\nx\r\n--B--\r\n", "Request entity too large."},
		"preamble":        {formData, strings.Repeat("x", 2*maxPartHead) + "\r\n" + parts("a=b"), ""},
	} {
		for _, target := range []string{"/map", "/bind"} {
			got := w.post(target, c.contentType, c.body)
			status := 400
			if c.want != "" {
				status = 413
			}
			if got.StatusCode != status || !strings.Contains(got.body, c.want) {
				t.Errorf("%s to %s: %d %.120s", name, target, got.StatusCode, got.body)
			}
		}
	}
	if got := w.get("GET", "/get?"+strings.Repeat("a&", maxPairs)); got.StatusCode != 413 {
		t.Errorf("parameters: %d %s", got.StatusCode, got.body)
	}
}

// TestBodiesAtTheLimit: what costs as much as a body may cost is read.
func TestBodiesAtTheLimit(t *testing.T) {
	w := bodySite(t)
	for name, c := range map[string]struct{ contentType, body string }{
		"keys":        {asJSON, "{" + joined(maxBodyKeys, aKey, ",") + "}"},
		"a long text": {asJSON, `{"a":"` + strings.Repeat(`,:{[\"`, 1<<20) + `"}`},
		"depth":       {asJSON, `{"a":` + strings.Repeat("[", maxBodyDepth-1) + strings.Repeat("]", maxBodyDepth-1) + "}"},
		"pairs":       {urlencoded, joined(maxPairs, aPair, "&")},
		"parts":       {formData, parts(fieldsOf(maxParts)...)},
	} {
		if got := w.post("/map", c.contentType, c.body); got.StatusCode != 200 {
			t.Errorf("%s at the limit: %d %.120s", name, got.StatusCode, got.body)
		}
	}
}
