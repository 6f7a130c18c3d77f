package records_test

import (
	"bytes"
	"testing"

	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
)

// restored is a collection with a field of every type.
const restored = `{"name":"r","type":"auth","fields":[{"type":"text","name":"id","primaryKey":true,"system":true},{"type":"text","name":"tokenKey","system":true,"hidden":true},
	{"type":"password","name":"password","system":true,"hidden":true},{"type":"email","name":"email","system":true},{"type":"bool","name":"verified","system":true},{"type":"text","name":"t"},{"type":"number","name":"n"},{"type":"bool","name":"b"},{"type":"date","name":"d"},
	{"type":"json","name":"j"},{"type":"geoPoint","name":"geo"},{"type":"password","name":"pw"},{"type":"select","name":"s","values":["a","b"],"maxSelect":2},
	{"type":"select","name":"s1","values":["a","b"],"maxSelect":1},{"type":"url","name":"u"},{"type":"email","name":"e"},{"type":"editor","name":"ed"},
	{"type":"autodate","name":"made","onCreate":true},{"type":"file","name":"f","maxSelect":3},{"type":"file","name":"f1","maxSelect":1},{"type":"text","name":"h","hidden":true}]}`

func restoring(t testing.TB) (*records.Store, *schema.Collection) {
	t.Helper()
	c, err := schema.DecodeNew([]byte(restored))
	if err != nil {
		t.Fatal(err)
	}
	catalogue := schema.NewCatalogue(1, []*schema.Collection{c})
	return records.NewStore(nil, func() *schema.Catalogue { return catalogue }, records.Options{}), c
}

// TestRestoreRecord: a record that was written down is the same again, whatever its fields hold, but for secrets.
func TestRestoreRecord(t *testing.T) {
	store, c := restoring(t)
	for _, text := range []string{
		`{"id":"a23456789012345"}`,
		`{"id":"a23456789012345","t":"é <&> \u2028","n":1.5,"b":true,"d":"2024-02-29 10:00:00.123Z","geo":{"lon":1.25,"lat":-3},"s":["b","a"],"s1":"b","u":"https://x.org","e":"a@x.org",
			"ed":"<p>x</p>","made":"2024-02-29 10:00:00.123Z","f":["a_1.txt","b_2.txt"],"f1":"c.txt","h":"hidden","email":"x@y.org","verified":true,"j":{"n":12345678901234567890,"s":"x"}}`,
		`{"id":"a23456789012345","n":-0,"j":"text","s":[]}`, `{"id":"a23456789012345","n":1e300,"j":[]}`, `{"id":"a23456789012345","j":null}`, `{"id":"a23456789012345","j":12345678901234567890}`,
		`{"id":"a23456789012345","tokenKey":"chosen","password":"chosen","pw":"chosen","unknown":1}`,
	} {
		r, err := records.RestoreRecord(c, []byte(text))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		once := store.AppendRecord(nil, r)
		again, err := records.RestoreRecord(c, once)
		if err != nil {
			t.Fatalf("%s: %v", once, err)
		}
		if twice := store.AppendRecord(nil, again); !bytes.Equal(once, twice) {
			t.Errorf("%s became %s", once, twice)
		}
		if r.Text("tokenKey") != "" || r.IsNew() || r.Original() == nil {
			t.Errorf("%s: key %q, new %v", text, r.Text("tokenKey"), r.IsNew())
		}
		if r.Text("t") != "" && (!bytes.Contains(once, []byte(`12345678901234567890`)) || !bytes.Contains(once, []byte(`"f":["a_1.txt","b_2.txt"]`)) || !bytes.Contains(once, []byte(`"made":"2024`))) {
			t.Errorf("lost something: %s", once)
		}
	}
	for _, text := range []string{``, `null`, `[]`, `{"id":""}`, `{"t":"x"}`, `{"id":{}}`, `{"id":"a"`} {
		if r, err := records.RestoreRecord(c, []byte(text)); err == nil && r.ID() == "" {
			t.Errorf("%s: accepted", text)
		}
	}
}

// FuzzRestoreRecord: whatever stands in a file, reading it ends in a record that can be written down and read again as the same one, or in an error.
func FuzzRestoreRecord(f *testing.F) {
	store, c := restoring(f)
	f.Add([]byte(`{"id":"a23456789012345","t":"x","n":1,"j":{"a":[1]},"geo":{"lon":1},"s":["a"],"d":"2024-01-01"}`))
	f.Add([]byte(`{"id":1,"n":"x","s":"a","f":[1],"geo":[],"d":5,"b":"yes","j":"{"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := records.RestoreRecord(c, text)
		if err != nil {
			return
		}
		once := store.AppendRecord(nil, r)
		again, err := records.RestoreRecord(c, once)
		if err != nil {
			t.Fatalf("%s: %v", once, err)
		}
		if twice := store.AppendRecord(nil, again); !bytes.Equal(once, twice) {
			t.Errorf("%s became %s", once, twice)
		}
	})
}
