package httpx

import (
	"reflect"
	"testing"
)

// Keys of a form are written in any case, as those of JSON may be; the key as it is written in the form comes first.
func TestFormKeysInAnyCase(t *testing.T) {
	type group struct {
		Deep string `json:"deepKey"`
	}
	type form struct {
		Query string            `json:"query"`
		List  []string          `json:"list"`
		Group group             `json:"group"`
		Map   map[string]string `json:"map"`
	}
	for text, want := range map[string]form{
		"QUERY=a":                    {Query: "a"},
		"Query=a&query=b&QUERY=c":    {Query: "b"},
		"LIST=a&LIST=b":              {List: []string{"a", "b"}},
		"GROUP.deepkey=a":            {Group: group{"a"}},
		"MAP.Key=a&map.k=b":          {Map: map[string]string{"Key": "a", "k": "b"}},
		"queryx=a&que=b&group=c&.=d": {},
	} {
		values := make(formValues)
		if err := values.parse([]byte(text)); err != nil {
			t.Fatal(err)
		}
		var got form
		if err := values.decode(&got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v, want %+v", text, got, err, want)
		}
	}
}
