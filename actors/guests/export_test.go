package guests

import (
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/wasmhost"
)

// MaxGiven is maxGiven.
const MaxGiven = maxGiven

// ShownRecord is a record that is shown, as an extension's hook gets it.
func ShownRecord(s *records.Shown) wasmhost.Record { return &record{at: s.Record, shown: s} }

// HookSkips tells whether a hook that names collections is not for records of c.
func HookSkips(named []string, c *schema.Collection) bool {
	return (&hook{spec: wasmhost.HookSpec{Collections: named}}).skips(c)
}
