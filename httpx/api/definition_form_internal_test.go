package api

import (
	"encoding/json"
	"reflect"
	"testing"
)

func TestFormsAsDefinitions(t *testing.T) {
	for _, tt := range []struct {
		name string
		of   shape
		form map[string]any // as httpx reads it
		want string
	}{
		{"texts stay texts", collectionShape(), map[string]any{"name": 5.0, "listRule": true, "viewQuery": "select 1 id"}, `{"name":"5","listRule":"true","viewQuery":"select 1 id"}`},
		{"groups", collectionShape(), map[string]any{"passwordAuth.enabled": "t", "authToken.duration": 30.0, "authToken.secret": 12345.0}, `{"passwordAuth":{"enabled":true},"authToken":{"duration":30,"secret":"12345"}}`},
		{"lists", collectionShape(), map[string]any{"indexes": "create index a on b (c)", "passwordAuth.identityFields": []any{"email", "name"}}, `{"indexes":["create index a on b (c)"],"passwordAuth":{"identityFields":["email","name"]}}`},
		{"fields", collectionShape(), map[string]any{"fields": []any{`[{"name":"a","type":"text"}]`, "id"}}, `{"fields":[{"name":"a","type":"text"}]}`},
		{"fields of the query", collectionShape(), map[string]any{"fields": "id,name"}, `{}`},
		{"a payload", collectionShape(), map[string]any{"name": "a", "listRule": nil, "fields": []any{map[string]any{"name": "b"}}}, `{"name":"a","listRule":null,"fields":[{"name":"b"}]}`},
		{"zero values", settingsShape(), map[string]any{"logs.maxDays": "", "meta.hideControls": "", "superuserIPs": "", "meta.appName": ""}, `{"logs":{"maxDays":0},"meta":{"hideControls":false,"appName":""},"superuserIPs":[]}`},
		{"a payload goes over the form", settingsShape(), map[string]any{"logs.maxDays": 3.0, "logs.minLevel": "0x10", "logs": map[string]any{"maxDays": 9.0}}, `{"logs":{"maxDays":9,"minLevel":16}}`},
		{"in any case", settingsShape(), map[string]any{"META.AppName": "a", "meta.appname": "b", "LOGS.maxdays": 3.0, "batch.ENABLED": true, "Other.X": "c"}, `{"meta":{"appName":"b"},"logs":{"maxDays":3},"batch":{"enabled":true},"Other":{"X":"c"}}`},
		{"in any case, of a collection", collectionShape(), map[string]any{"NAME": "a", "ListRule": "", "FIELDS": `[{"name":"b"}]`}, `{"name":"a","listRule":"","fields":[{"name":"b"}]}`},
		{"import", importShape(), map[string]any{"collections": `[{"name":"a"}]`, "deleteMissing": true}, `{"collections":[{"name":"a"}],"deleteMissing":true}`},
		{"paths through values", settingsShape(), map[string]any{"meta.appName.x": "a", "meta": "b", "smtp..": "d"}, `{"smtp":{"":{"":"d"}}}`},
	} {
		got, err := tt.of.read(tt.form)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		raw, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		var a, b any
		if json.Unmarshal(raw, &a) != nil || json.Unmarshal([]byte(tt.want), &b) != nil || !reflect.DeepEqual(a, b) {
			t.Errorf("%s: got %s, want %s", tt.name, raw, tt.want)
		}
	}
	for _, form := range []map[string]any{{"logs.maxDays": "x"}, {"logs.maxDays": 1.5}, {"meta.hideControls": "maybe"}, {"rateLimits.rules": "[broken"}} {
		if got, err := settingsShape().read(form); err == nil {
			t.Errorf("%v: got %v", form, got)
		}
	}
}
