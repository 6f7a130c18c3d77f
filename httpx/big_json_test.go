package httpx

import (
	"strings"
	"testing"
	"time"
)

// Big bodies wait for a place, small ones do not.
func TestBigJSONWaitsForAPlace(t *testing.T) {
	s := &Server{reading: make(chan struct{}, 1)}
	c := &Context{server: s}
	s.reading <- struct{}{} // somebody reads
	small := `{"a":"b"}`
	var m map[string]any
	if err := c.decodeJSON([]byte(small), &m); err != nil || m["a"] != "b" {
		t.Fatal(m, err)
	}
	big := `{"a":"` + strings.Repeat("b", bigJSON) + `"}`
	done := make(chan error, 1)
	go func() { done <- c.decodeJSON([]byte(big), &m) }()
	select {
	case err := <-done:
		t.Fatalf("a big body was read beside another: %v", err)
	case <-time.After(20 * time.Millisecond):
	}
	<-s.reading
	select {
	case err := <-done:
		if err != nil || len(m["a"].(string)) != bigJSON {
			t.Fatal(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the place is free and nobody takes it")
	}
	if len(s.reading) != 0 {
		t.Error("the place was not given back")
	}
}
