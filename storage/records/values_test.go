package records_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
)

// TestCommandsAreData looks through the types of all commands: nothing in them calls anybody, waits for anybody, or holds what applies
// them. What values mean by themselves is not looked into: definitions, whom a token belongs to, the request's snapshot (see
// TestCommandsHoldValues), and the content of uploads, which is let go of when it is stored.
func TestCommandsAreData(t *testing.T) {
	values := map[reflect.Type]bool{
		reflect.TypeFor[schema.Collection](): true, reflect.TypeFor[schema.Value](): true, reflect.TypeFor[filter.Identity](): true,
		reflect.TypeFor[filter.Request](): true, reflect.TypeFor[records.Command](): true,
	}
	var look func(path string, of reflect.Type, seen map[reflect.Type]bool)
	look = func(path string, of reflect.Type, seen map[reflect.Type]bool) {
		if values[of] || seen[of] || of.PkgPath() == "time" || of.PkgPath() == "github.com/gabriel-vasile/mimetype" {
			return
		}
		seen[of] = true
		switch of.Kind() {
		case reflect.Func, reflect.Chan, reflect.Interface, reflect.UnsafePointer:
			if !strings.HasSuffix(path, ".in.Files.Content") {
				t.Errorf("%s is a %s", path, of)
			}
		case reflect.Pointer, reflect.Slice, reflect.Array:
			look(path, of.Elem(), seen)
		case reflect.Map:
			look(path, of.Key(), seen)
			look(path, of.Elem(), seen)
		case reflect.Struct:
			if of == reflect.TypeFor[records.Store]() {
				t.Errorf("%s is the store", path)
				return
			}
			for i := range of.NumField() {
				look(path+"."+of.Field(i).Name, of.Field(i).Type, seen)
			}
		}
	}
	for _, cmd := range []records.Command{
		new(records.Create), new(records.Update), new(records.Delete), new(records.Truncate), new(records.Upsert), new(records.Batch),
	} {
		of := reflect.TypeOf(cmd).Elem()
		look(of.Name(), of, make(map[reflect.Type]bool))
	}
}
