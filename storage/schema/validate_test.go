package schema_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/validation"
)

// codes flattens a tree to "path: code".
func codes(prefix string, errs validation.Errors, into map[string]string) map[string]string {
	for key, err := range errs {
		if tree, ok := err.(validation.Errors); ok {
			codes(prefix+key+".", tree, into)
			continue
		}
		var leaf *validation.Error
		if errors.As(err, &leaf) {
			into[prefix+key] = strings.TrimPrefix(leaf.Code, "validation_")
		}
	}
	return into
}

func (h *host) refused(err error) map[string]string {
	h.t.Helper()
	var errs validation.Errors
	if err != nil && !errors.As(err, &errs) {
		h.t.Fatalf("got %v", err)
	}
	return codes("", errs, map[string]string{})
}

func TestCreateIsRefused(t *testing.T) {
	h := newHost(t)
	h.create(`{"id":"taken","name":"one","fields":[{"type":"text","name":"a"}],"indexes":["create index i1 on one (a)"]}`)
	type want = map[string]string
	tests := map[string]struct {
		body string
		want want
	}{
		"no name":        {`{}`, want{"name": "required"}},
		"bad name":       {`{"name":"a b"}`, want{"name": "match_invalid"}},
		"long name":      {`{"name":"` + strings.Repeat("a", 256) + `"}`, want{"name": "length_out_of_range"}},
		"via":            {`{"name":"A_VIA_B"}`, want{"name": "found_via"}},
		"name taken":     {`{"name":"ONE"}`, want{"name": "collection_name_exists"}},
		"name is an id":  {`{"name":"taken"}`, want{"name": "collection_name_id_duplicate"}},
		"internal name":  {`{"name":"_PARAMS"}`, want{"name": "collection_name_invalid"}},
		"server's name":  {`{"name":"_TROUPE_x"}`, want{"name": "collection_name_invalid"}},
		"server's id":    {`{"id":"_troupe_removed","name":"n"}`, want{"id": "invalid_or_existing_id"}},
		"id taken":       {`{"id":"taken","name":"n"}`, want{"id": "invalid_or_existing_id"}},
		"bad id":         {`{"id":"a b","name":"n"}`, want{"id": "match_invalid"}},
		"unknown type":   {`{"name":"n","type":"nope"}`, want{"type": "in_invalid"}},
		"bad rules":      {`{"name":"n","listRule":"x","updateRule":"zz=1"}`, want{"listRule": "invalid_rule", "updateRule": "invalid_rule"}},
		"field twice":    {`{"name":"n","fields":[{"type":"text","name":"a"},{"type":"number","name":"A"}]}`, want{"fields.2.name": "duplicated_field_name"}},
		"field settings": {`{"name":"n","fields":[{"type":"select","name":"a"},{"type":"text","name":""}]}`, want{"fields.1.values": "required", "fields.2.name": "required"}},
		"id no text":     {`{"name":"n","fields":[{"type":"number","name":"id","id":"text3208210256"}]}`, want{"fields": "missing_primary_key"}},
		"reserved name":  {`{"name":"n","type":"auth","fields":[{"type":"text","name":"oldPassword"}]}`, want{"fields.1.name": "reserved_field_name"}},
		"no index":       {`{"name":"n","indexes":["x"]}`, want{"indexes.0": "invalid_index_expression"}},
		"index name":     {`{"name":"n","indexes":["create index I1 on n (id)"]}`, want{"indexes.0": "existing_index_name"}},
		"name twice":     {`{"name":"n","indexes":["create index a on n (id)","create index A on n (id desc)"]}`, want{"indexes.1": "duplicated_index_name"}},
		"index twice":    {`{"name":"n","indexes":["create index a on n (id)","create index b on x (` + "`id`" + `)"]}`, want{"indexes.1": "duplicated_index_definition"}},
		"index column":   {`{"name":"n","indexes":["create index a on n (no)"]}`, want{"indexes.0": "invalid_index_expression"}},
		"manage rule":    {`{"name":"n","type":"auth","manageRule":""}`, want{"manageRule": "nil_or_not_empty_required"}},
		"token":          {`{"name":"n","type":"auth","authToken":{"secret":"x","duration":9}}`, want{"authToken.secret": "length_out_of_range", "authToken.duration": "min_greater_equal_than_required"}},
		"template":       {`{"name":"n","type":"auth","otp":{"emailTemplate":{"body":""}}}`, want{"otp.emailTemplate.body": "required"}},
		"mfa alone":      {`{"name":"n","type":"auth","mfa":{"enabled":true}}`, want{"mfa.enabled": "mfa_not_enough_auths"}},
		"mfa rule":       {`{"name":"n","type":"auth","mfa":{"enabled":true,"rule":"x"},"otp":{"enabled":true}}`, want{"mfa.rule": "invalid_rule"}},
		"identity":       {`{"name":"n","type":"auth","passwordAuth":{"identityFields":["email","verified"]}}`, want{"passwordAuth.identityFields": "missing_unique_constraint"}},
		"no identity":    {`{"name":"n","type":"auth","passwordAuth":{"identityFields":[""]}}`, want{"passwordAuth.identityFields": "required"}},
		"provider":       {`{"name":"n","type":"auth","oauth2":{"enabled":true,"providers":[{"name":"nope","clientId":"a","clientSecret":"b","authURL":"x"}]}}`, want{"oauth2.providers.0.name": "missing_provider", "oauth2.providers.0.authURL": "is_url"}},
		"no query":       {`{"name":"n","type":"view"}`, want{"viewQuery": "required", "fields": "required"}},
		"view rules":     {`{"name":"n","type":"view","viewQuery":"select id from one","createRule":"","listRule":"a=1"}`, want{"createRule": "nil", "listRule": "invalid_rule"}},
		"view indexes":   {`{"name":"n","type":"view","viewQuery":"select id from one","indexes":["x"]}`, want{"indexes": "indexes_not_supported"}},
		"view columns":   {`{"name":"n","type":"view","viewQuery":"select a from one"}`, want{"viewQuery": "invalid_view_query", "fields": "missing_primary_key"}},
		"view ids":       {`{"name":"n","type":"view","viewQuery":"select '' as id"}`, want{"viewQuery": "invalid_view_query"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c, err := schema.DecodeNew([]byte(test.body))
			if err != nil {
				t.Fatal(err)
			}
			got := h.refused(h.change(func(ch *schema.Change) error { return ch.Create(c) }))
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
	if n := len(h.list); n != 7 {
		t.Errorf("%d collections after nothing but refusals", n)
	}
}

func TestUpdateIsRefused(t *testing.T) {
	h := newHost(t)
	h.create(`{"name":"one","system":true,"fields":[{"type":"text","name":"a","id":"fa","system":true}],"indexes":["create unique index i1 on one (a)"]}`)
	type want = map[string]string
	tests := map[string]struct {
		body string
		want want
	}{
		"id of another":  {`{"id":"_pb_users_auth_"}`, want{"id": "values_mismatch"}},
		"system flag":    {`{"system":false}`, want{"system": "collection_system_flag_change"}},
		"type":           {`{"type":"view"}`, want{"type": "collection_type_change", "viewQuery": "required", "fields": "required", "indexes": "indexes_not_supported"}},
		"system name":    {`{"name":"ONE"}`, want{"name": "collection_system_name_change"}},
		"system rule":    {`{"listRule":""}`, want{"listRule": "collection_system_rule_change"}},
		"system field":   {`{"fields":[{"type":"text","name":"b","id":"fa"}]}`, want{"fields": "system_field_change"}},
		"field type":     {`{"fields":[{"type":"number","name":"a","id":"fa"}]}`, want{"fields.1": "field_type_change"}},
		"system index":   {`{"indexes":[]}`, want{"indexes": "invalid_unique_system_field_index"}},
		"not unique now": {`{"indexes":["create index i1 on one (a)"]}`, want{"indexes": "invalid_unique_system_field_index"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			h.t = t
			if got := h.refused(h.update("one", test.body)); !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
	h.t = t
	if err := h.update("one", `{"id":"unknown"}`); !errors.Is(err, schema.ErrNotFound) {
		t.Errorf("an unknown id: got %v", err)
	}
}

func TestViewFields(t *testing.T) {
	h := newHost(t)
	h.create(`{"name":"b1","fields":[{"type":"text","name":"t","max":7},{"type":"number","name":"n"},{"type":"text","name":"h","hidden":true}]}`)
	tests := map[string]string{ // a query to "name:type" of its fields
		"select id, t, n as num, h hh from b1":                                        "id:text t:text num:number hh:text",
		"select x.id, X.t from b1 x":                                                  "id:text t:json",
		"select id, T as up, [t] as q, `n` from b1;":                                  "id:text up:text q:text n:number",
		"select count(*) as id, COUNT(id) c, total(n) as s, sum(n) as m from b1":      "id:text c:number s:number m:json",
		"select id, cast(n as text) t, cast( n as int) as i from b1":                  "id:text t:text i:number",
		"select id, cast(n as bool) b, CAST(t as real) r, cast(n as blob) x from b1":  "id:text b:bool r:number x:json",
		"select a.id, u.id as uid, u.email from b1 a left join users u on u.id = a.t": "id:text uid:relation email:email",
		"with x as (select id from b1) select id, 5 as five from x":                   "id:text five:json",
		"select id, t from B1":                                                        "id:text t:json",
		"select id /* , t */ from b1 -- , t":                                          "id:text",
		"select a.id, b.t from b1 a, b1 b where a.t like '%,;%' order by a.n, b.t":    "id:text t:text",
		"select id, (select t from b1 limit 1) as s, 'x, y' as z from b1":             "id:text s:json z:json",
		"select *, id from b1":                                                        "",
		"select id, cast (n as int) as m from b1":                                     "",
		"select id, n + 1 as m from b1":                                               "",
		"select id from b1 union select id from users":                                "",
	}
	for query, want := range tests {
		c, err := schema.DecodeNew([]byte(`{"name":"v","type":"view","viewQuery":` + encode(query) + `}`))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		err = h.change(func(ch *schema.Change) error {
			if err := ch.Create(c); err != nil {
				return err
			}
			for _, f := range c.Fields {
				got = append(got, f.Base().Name+":"+f.Type())
			}
			return errors.New("undo")
		})
		if strings.Join(got, " ") != want {
			t.Errorf("%s:\n got %v (%v)\nwant %s", query, got, err, want)
		}
	}
}

// importing imports collections.
func (h *host) importing(deleteMissing bool, elements ...string) error {
	list := make([]json.RawMessage, len(elements))
	for i, e := range elements {
		list[i] = json.RawMessage(e)
	}
	return h.change(func(ch *schema.Change) error { return ch.Import(list, deleteMissing) })
}

func TestImport(t *testing.T) {
	h := newHost(t)
	err := h.importing(false,
		`{"name":"v","type":"view","viewQuery":"select id from one"}`,
		`{"id":"one_id","name":"one","fields":[{"type":"relation","name":"r","collectionId":"two_id"},{"type":"relation","name":"self","collectionId":"one_id"}]}`,
		`{"id":"two_id","name":"two","fields":[{"type":"text","name":"a","max":3},{"type":"text","name":"b"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.importing(false, `{"name":"TWO","listRule":"","fields":[{"type":"text","name":"c"},{"type":"text","name":"a","id":"other"}]}`); err != nil {
		t.Fatal(err)
	}
	two := schema.NewCatalogue(1, h.list).ByID("two_id")
	var names []string
	for _, f := range two.Fields {
		names = append(names, f.Base().Name)
	}
	if a, _ := two.Field("a").(*schema.TextField); two.Name != "TWO" || strings.Join(names, " ") != "c a id b" || a.Max != 3 {
		t.Errorf("%s has %v, a: %+v", two.Name, names, a)
	}
	tests := map[string]struct {
		elements []string
		text     string
	}{
		"validation": {[]string{`{"name":"ok"}`, `{"name":"a b"}`}, "Data validations failed for collection \"a b\" (pbc_2404009634):\n{\n  \"name\": \"must be in a valid format\"\n}"},
		"own text":   {[]string{`{"name":"x_via_y"}`}, "{\n  \"name\": \"The value cannot contain \\\"_via_\\\".\"\n}"},
		"undecoded":  {[]string{`{"name":"n","fields":[{"type":"zz"}]}`}, "Failed to import the collections configuration. Raw error:\n"},
		"sql":        {[]string{`{"name":"vv","type":"view","viewQuery":"select nope"}`}, "Failed to import the collections configuration. Raw error:\n"},
		"new twice":  {[]string{`{"name":"n"}`, `{"name":"n"}`}, "Failed to import the collections configuration. Raw error:\n"},
	}
	before := encode(h.list)
	for name, test := range tests {
		err := h.importing(true, test.elements...)
		var errs validation.Errors
		if !errors.As(err, &errs) || !strings.Contains(errs["collections"].Error(), test.text) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if after := encode(h.list); after != before {
		t.Error("a failed import left something")
	}
	if got := h.refused(h.importing(false, `{"name":"n","indexes":["x"]}`)); got["indexes.0"] != "invalid_index_expression" {
		t.Errorf("index: got %v", got)
	}
	if got := h.refused(h.importing(true)); got["collections"] != "required" {
		t.Errorf("nothing: got %v", got)
	}
	if err := h.importing(true, `{"name":"one"}`); err != nil {
		t.Fatal(err)
	}
	if n := len(h.list); n != 6 { // the five of the system, and one without its fields
		t.Errorf("%d collections left", n)
	}
}
