package filter_test

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/troupebase/troupe/storage/filter"
)

func TestParseNamed(t *testing.T) {
	for text, want := range map[string][]string{
		"t = {:x}":                          {"x"},
		"{:x} = t && (n > {:y_1}||t={:x})":  {"x", "y_1"},
		"t = '{:x}'":                        nil,
		`t = "a{:x}b" // {:y}`:              nil,
		"geoDistance({:a}, 1, 2, {:b}) < 3": {"a", "b"},
		"strftime('%Y', {:d}) = '2024'":     {"d"},
	} {
		e, err := filter.ParseNamed(text)
		if err != nil || !reflect.DeepEqual(e.Named(), want) {
			t.Errorf("%s: %v, %v; want %v", text, e.Named(), err, want)
		}
		if _, err := filter.Parse(text); (err == nil) != (want == nil) {
			t.Errorf("%s without parameters: %v", text, err)
		}
	}
	for _, text := range []string{"t = {x}", "t = {:}", "t = {:x", "t = {:x y}", "t = {::x}", "t {:x} 1", "{:x}", "t.{:x} = 1", "t = {:x}1", "t = {",
		"t = {:" + strings.Repeat("x", 65) + "}"} {
		if _, err := filter.ParseNamed(text); err == nil {
			t.Errorf("%s is read", text)
		}
	}
}

func TestNewParams(t *testing.T) {
	got, err := filter.NewParams(map[string]any{"nil": nil, "text": "x", "true": true, "false": false, "int": 3, "int32": int32(4), "int64": int64(5),
		"whole": 6.0, "float": 1.5, "large": 1e300, "number": json.Number("7"), "decimal": json.Number("1.5"),
		"time": time.Date(2024, 1, 2, 3, 4, 5, 6e6, time.UTC)})
	want := filter.Params{"nil": nil, "text": "x", "true": int64(1), "false": int64(0), "int": int64(3), "int32": int64(4), "int64": int64(5),
		"whole": int64(6), "float": 1.5, "large": 1e300, "number": int64(7), "decimal": 1.5, "time": "2024-01-02 03:04:05.006Z"}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	for _, v := range []any{math.NaN(), math.Inf(-1), []string{"x"}, map[string]any{}, json.Number("x"), json.Number("1e999"), struct{}{}} {
		if _, err := filter.NewParams(map[string]any{"x": v}); err == nil {
			t.Errorf("%v is taken", v)
		}
	}
}
