package schema

import (
	"testing"
)

func TestGenerateFieldID(t *testing.T) {
	for _, test := range [][3]string{
		{"text", "id", "text3208210256"}, {"text", "a", "text3904355907"}, {"geoPoint", "f", "geoPoint1993550816"},
	} {
		if got := generateFieldID(test[0], test[1]); got != test[2] {
			t.Errorf("GenerateFieldID(%q, %q) = %q, want %q", test[0], test[1], got, test[2])
		}
	}
}
