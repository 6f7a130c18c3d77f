package api

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestBatchFormValidation(t *testing.T) {
	long := "/api/collections/a/records?x=" + strings.Repeat("y", maxBatchURL)
	for _, c := range []struct{ body, want string }{
		{`null`, `{"requests":{"code":"validation_required","message":"Cannot be blank."}}`},
		{`{}`, `{"requests":{"code":"validation_required","message":"Cannot be blank."}}`},
		{`{"requests":[]}`, `{"requests":{"code":"validation_required","message":"Cannot be blank."}}`},
		{`{"requests":[{"method":"POST","url":"/x"},{"method":"POST","url":"/x"},{"method":"POST","url":"/x"}]}`, `{"requests":{"code":"validation_length_too_long","message":"The length must be no more than 2.","params":{"max":2,"min":0}}}`},
		{`{"requests":[{"method":"post","url":"/x"}]}`, `{"requests":{"0":{"method":{"code":"validation_in_invalid","message":"Must be a valid value."}}}}`},
		{`{"requests":[{"method":"POST","url":"/x"},{}]}`, `{"requests":{"1":{"method":{"code":"validation_required","message":"Cannot be blank."},"url":{"code":"validation_required","message":"Cannot be blank."}}}}`},
		{`{"requests":[{"method":"POST","url":"` + long + `"}]}`, `{"requests":{"0":{"url":{"code":"validation_length_too_long","message":"The length must be no more than 2000.","params":{"max":2000,"min":0}}}}}`},
		{`{"requests":[{"method":"GET","url":"/nope"}]} trailing`, `{}`},
	} {
		form, err := decodeBatch([]byte(c.body))
		if err != nil {
			t.Errorf("%.80s: %v", c.body, err)
			continue
		}
		got, err := json.Marshal(form.validate(2))
		if err != nil || string(got) != c.want {
			t.Errorf("%.80s\n got %s, %v\nwant %s", c.body, got, err, c.want)
		}
	}
	for _, body := range []string{`{`, `[]`, `{"requests":"x"}`, `{"requests":[1]}`, `{"requests":[null]}`, `{"requests":[{"body":[]}]}`, `{"requests":[{"headers":{"X":1}}]}`} {
		if _, err := decodeBatch([]byte(body)); err == nil {
			t.Errorf("%s: no error", body)
		}
	}
}

func TestBatchTarget(t *testing.T) {
	for _, c := range []struct {
		method, url    string
		collection, id string
		ok             bool
	}{
		{"POST", "/api/collections/a/records", "a", "", true},
		{"POST", "/api/collections/a/records?expand=b&x=%zz", "a", "", true},
		{"PUT", "/api/collections/a/records", "a", "", true},
		{"PATCH", "/api/collections/a/records/r%201", "a", "r%201", true},
		{"DELETE", "/api/collections/a/records/r1", "a", "r1", true},
		{"POST", "/api/collections/a/records/", "", "", false},
		{"POST", "/api/collections/a/records/r1", "", "", false},
		{"PUT", "/api/collections/a/records/r1", "", "", false},
		{"PATCH", "/api/collections/a/records", "", "", false},
		{"PATCH", "/api/collections/a/records/", "", "", false},
		{"GET", "/api/collections/a/records", "", "", false},
		{"POST", "api/collections/a/records", "", "", false},
		{"POST", "http://h/api/collections/a/records", "", "", false},
		{"POST", "/api/nope", "", "", false},
		{"POST", "", "", "", false},
	} {
		got, ok := (&batchItem{Method: c.method, URL: c.url}).target()
		if ok != c.ok || ok && (got.collection != c.collection || got.id != c.id) {
			t.Errorf("%s %s: %+v, %v", c.method, c.url, got, ok)
		}
	}
}

func TestUploadTarget(t *testing.T) {
	for _, c := range []struct {
		part  string
		item  int
		field string
		ok    bool
	}{
		{"requests.0.doc", 0, "doc", true},
		{"requests.12.docs+", 12, "docs+", true},
		{"requests[3].+docs", 3, "+docs", true},
		{"requests.x.doc", 0, "", false},
		{"requests.-1.doc", 0, "", false},
		{"requests.1", 0, "", false},
		{"requests[1]doc", 0, "", false},
		{"doc", 0, "", false},
		{"", 0, "", false},
	} {
		item, field, ok := uploadTarget(c.part)
		if ok != c.ok || item != c.item || field != c.field {
			t.Errorf("%q: %d %q %v", c.part, item, field, ok)
		}
	}
}

func FuzzBatch(f *testing.F) {
	f.Add([]byte(`{"requests":[{"method":"POST","url":"/api/collections/a/records","body":{"a":1}}]}`))
	f.Add([]byte(`{"requests":[null]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		form, err := decodeBatch(raw)
		if err != nil || form.validate(50) != nil {
			return
		}
		for _, item := range form.Requests {
			if target, ok := item.target(); ok && (target.collection == "" || strings.Contains(target.collection, "/") && !strings.Contains(item.URL, "%")) {
				t.Errorf("%q: %+v", item.URL, target)
			}
		}
	})
}
