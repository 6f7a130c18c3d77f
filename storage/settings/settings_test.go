package settings_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/troupebase/troupe/storage/settings"
	"github.com/troupebase/troupe/storage/validation"
)

// stored is the text of the default settings of the format.
const stored = `{"superuserIPs":[],"smtp":{"enabled":false,"port":587,"host":"smtp.example.com","username":"","password":"","authMethod":"","tls":false,"localName":""},"backups":{"cron":"","cronMaxKeep":3,"s3":{"enabled":false,"bucket":"","region":"","endpoint":"","accessKey":"","forcePathStyle":false}},"s3":{"enabled":false,"bucket":"","region":"","endpoint":"","accessKey":"","forcePathStyle":false},"meta":{"accentColor":"#1055c9","appName":"Acme","appURL":"http://localhost:8090","senderName":"Support","senderAddress":"support@example.com","hideControls":false},"rateLimits":{"rules":[{"label":"*:auth","audience":"","duration":3,"maxRequests":2},{"label":"*:create","audience":"","duration":5,"maxRequests":20},{"label":"/api/batch","audience":"","duration":1,"maxRequests":3},{"label":"/api/","audience":"","duration":10,"maxRequests":300}],"excludedIPs":[],"enabled":false},"trustedProxy":{"headers":[],"useLeftmostIP":false},"batch":{"enabled":false,"maxRequests":50,"timeout":3,"maxBodySize":0},"logs":{"maxDays":5,"minLevel":0,"logIP":true,"logAuthId":false}}`

func open(t *testing.T) *sqlite.Conn {
	t.Helper()
	conn, err := sqlite.OpenConn(filepath.Join(t.TempDir(), "data.db"), sqlite.OpenReadWrite, sqlite.OpenCreate)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	err = sqlitex.ExecuteScript(conn, "CREATE TABLE _params (id TEXT PRIMARY KEY NOT NULL, value JSON, created TEXT, updated TEXT)", nil)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// value returns SQL type and text of the stored settings.
func value(t *testing.T, conn *sqlite.Conn) (kind, text string) {
	t.Helper()
	err := sqlitex.ExecuteTransient(conn, "SELECT typeof(value), CAST(value AS TEXT) FROM _params WHERE id = 'settings'",
		&sqlitex.ExecOptions{ResultFunc: func(stmt *sqlite.Stmt) error {
			kind, text = stmt.ColumnText(0), stmt.ColumnText(1)
			return nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	return kind, text
}

func put(t *testing.T, conn *sqlite.Conn, v any) {
	t.Helper()
	err := sqlitex.ExecuteTransient(conn, "INSERT OR REPLACE INTO _params (id, value) VALUES ('settings', ?1)",
		&sqlitex.ExecOptions{Args: []any{v}})
	if err != nil {
		t.Fatal(err)
	}
}

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func TestStoredForm(t *testing.T) {
	conn := open(t)
	if err := settings.Ensure(conn, now); err != nil {
		t.Fatal(err)
	}
	if kind, text := value(t, conn); kind != "blob" || text != stored {
		t.Errorf("%s:\n got %s\nwant %s", kind, text, stored)
	}
	changed := settings.Default()
	changed.Meta.AppName = "Other"
	changed.S3.Secret = "hush"
	if err := settings.Save(conn, changed, settings.Key{}, now); err != nil {
		t.Fatal(err)
	}
	if err := settings.Ensure(conn, now); err != nil {
		t.Fatal(err)
	}
	got, err := settings.Load(conn, settings.Key{})
	if err != nil || !reflect.DeepEqual(got, changed) {
		t.Errorf("%v: got %+v", err, got)
	}
	if _, text := value(t, conn); !strings.Contains(text, `"accessKey":"","secret":"hush","forcePathStyle"`) {
		t.Errorf("secret is not where it belongs: %s", text)
	}
}

func TestLoadTolerates(t *testing.T) {
	conn := open(t)
	if s, err := settings.Load(conn, settings.Key{}); err != nil || !reflect.DeepEqual(s, settings.Default()) {
		t.Errorf("missing row: %v, %+v", err, s)
	}
	for _, v := range []any{`{"meta":{"appName":"X"},"unknown":1}`, []byte(`{"meta":{"appName":"X"},"superuserIPs":null}`)} {
		put(t, conn, v)
		s, err := settings.Load(conn, settings.Key{Name: "K", Secret: []byte("short")})
		if err != nil || s.Meta.AppName != "X" || s.Meta.SenderName != "Support" || s.SuperuserIPs == nil {
			t.Errorf("%s: %v, %+v", v, err, s)
		}
	}
	for _, v := range []any{nil, "nonsense", ""} {
		put(t, conn, v)
		_, err := settings.Load(conn, settings.Key{Name: "NAME"})
		if err == nil || !strings.Contains(err.Error(), `invalid settings db data or missing encryption key "NAME"`) {
			t.Errorf("%v: got %v", v, err)
		}
	}
}

func TestEncryption(t *testing.T) {
	conn := open(t)
	key := settings.Key{Name: "NAME", Secret: []byte(strings.Repeat("k", 32))}
	s := settings.Default()
	s.SMTP.Password = "hush"
	if err := settings.Save(conn, s, key, now); err != nil {
		t.Fatal(err)
	}
	kind, text := value(t, conn)
	sealed, err := base64.StdEncoding.DecodeString(text)
	if err != nil || kind != "text" || strings.Contains(string(sealed), "hush") {
		t.Errorf("stored %s %q: %v", kind, text, err)
	}
	if got, err := settings.Load(conn, key); err != nil || !reflect.DeepEqual(got, s) {
		t.Errorf("%v: %+v", err, got)
	}
	for want, secret := range map[string]string{
		"missing encryption key": "", "message authentication failed": strings.Repeat("x", 32), "invalid key size 5": "short",
	} {
		if _, err := settings.Load(conn, settings.Key{Name: "NAME", Secret: []byte(secret)}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("key %q: got %v, want %q", secret, err, want)
		}
	}
	if err := settings.Save(conn, s, settings.Key{Secret: []byte("short")}, now); err == nil {
		t.Error("a key of a wrong length was taken")
	}
}

func TestMergeLeavesTheOriginal(t *testing.T) {
	s := settings.Default()
	c := s.Clone()
	if err := c.Merge([]byte(`{"rateLimits":{"rules":[{"label":"/x"}]},"meta":null,"trustedProxy":{"headers":["A"]},"superuserIPs":null}`)); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(s, settings.Default()) {
		t.Error("the original changed")
	}
	want := []settings.RateLimitRule{{Label: "/x", Duration: 3, MaxRequests: 2}}
	if !reflect.DeepEqual(c.RateLimits.Rules, want) || c.Meta != s.Meta || c.SuperuserIPs == nil {
		t.Errorf("got %+v", c)
	}
	for _, body := range []string{`[]`, `"x"`, `{"smtp":{"port":1.5}}`, `{"smtp":{"tls":"true"}}`, `{`} {
		if err := s.Clone().Merge([]byte(body)); err == nil {
			t.Errorf("%s was taken", body)
		}
	}
}

func TestAnswersShowNoSecrets(t *testing.T) {
	s := settings.Default()
	s.SMTP.Password, s.S3.Secret, s.Backups.S3.Secret = "hush", "hush", "hush"
	s.TrustedProxy.Headers = nil
	answer := string(s.AppendAPI(nil))
	if strings.Contains(answer, "hush") || strings.Contains(answer, "null") {
		t.Error(answer)
	}
	if want := strings.Replace(stored, `"password":"",`, "", 1); answer != want {
		t.Errorf("got %s\nwant %s", answer, want)
	}
}

func TestRenameCollection(t *testing.T) {
	s := settings.Default()
	s.RateLimits.Rules = []settings.RateLimitRule{{Label: "a:create"}, {Label: "ab:create"}, {Label: "*:auth"}, {Label: "/a:b"}}
	if !s.RenameCollection("a", "z") || s.RateLimits.Rules[0].Label != "z:create" || s.RateLimits.Rules[1].Label != "ab:create" {
		t.Errorf("got %+v", s.RateLimits.Rules)
	}
	if s.RenameCollection("a", "z") {
		t.Error("nothing was left to rename")
	}
}

// TestRecordedAnswers replays the changes of settings that were recorded from the reference.
func TestRecordedAnswers(t *testing.T) {
	root := os.Getenv("TROUPE_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared")
	}
	dir := filepath.Join(root, "contract", "cases")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no recorded answers at %s: %v", dir, err)
	}
	for _, name := range []string{"system-settings", "system-settings-validation", "system-settings-cron", "system-settings-ratelimits"} {
		t.Run(name, func(t *testing.T) { replay(t, filepath.Join(dir, name+".json")) })
	}
}

// recordedStep is one request to the reference and its answer.
type recordedStep struct {
	Name    string
	Request *struct {
		Method, Path, Auth string
		JSON               json.RawMessage
	}
	Expect struct {
		Status int
		Body   any
	}
	Ignore []string
}

func replay(t *testing.T, file string) {
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var c struct{ Steps []recordedStep }
	if err := json.Unmarshal(raw, &c); err != nil {
		t.Fatal(err)
	}
	current, checked := settings.Default(), 0
	for _, step := range c.Steps {
		r := step.Request
		path, _, _ := strings.Cut(r.Path, "?fields=")
		if r.Method != "PATCH" || path != "/api/settings" || r.Auth != "{{root}}" || len(r.JSON) == 0 || string(r.JSON) == "null" {
			continue
		}
		checked++
		current = step.apply(t, current)
	}
	if checked == 0 {
		t.Error("nothing was checked")
	}
}

// apply makes the change of a step, compares what it says with the recorded answer and returns what the settings are then.
func (step *recordedStep) apply(t *testing.T, current *settings.Settings) *settings.Settings {
	t.Helper()
	next := current.Clone()
	err := next.Merge(step.Request.JSON)
	var errs validation.Errors
	if step.Name == "so it is missing now" {
		// The reference goes on with a secret that was cleared, until it is restarted. Here it is gone.
		if next.Validate() == nil {
			t.Errorf("%s: a cleared secret is still there", step.Request.JSON)
		}
		next.S3.Secret = "as it was"
		return next
	}
	if err == nil {
		err = next.Validate()
	}
	if (err == nil) != (step.Expect.Status == 200) {
		t.Errorf("%s: got %v, want %d %v", step.Request.JSON, err, step.Expect.Status, step.Expect.Body)
		return current
	}
	if errors.As(err, &errs) {
		if got, want := plain(t, errs), plain(t, step.Expect.Body.(map[string]any)["data"]); got != want {
			t.Errorf("%s:\n got %s\nwant %s", step.Request.JSON, got, want)
		}
	}
	if err != nil {
		return current
	}
	if !strings.Contains(step.Request.Path, "?fields=") && len(step.Ignore) == 0 {
		var answer any
		if err := json.Unmarshal(next.AppendAPI(nil), &answer); err != nil {
			t.Fatal(err)
		}
		if got, want := plain(t, answer), plain(t, step.Expect.Body); got != want {
			t.Errorf("%s:\n got %s\nwant %s", step.Request.JSON, got, want)
		}
	}
	return next
}

func plain(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var x any
	if err := json.Unmarshal(raw, &x); err != nil {
		t.Fatal(err)
	}
	raw, _ = json.Marshal(x)
	return string(raw)
}

func TestCronMatches(t *testing.T) {
	at := func(s string) time.Time {
		m, err := time.Parse("2006-01-02 15:04 -0700", s)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	tests := []struct {
		expression, moment string
		want               bool
	}{
		{"* * * * *", "2026-03-01 10:07 +0000", true},
		{"*/7 10 * * *", "2026-03-01 10:07 +0000", true},
		{"*/7 10 * * *", "2026-03-01 10:08 +0000", false},
		{"7 10 1 * 0", "2026-03-01 10:07 +0000", true},  // a Sunday
		{"7 10 1 * 1", "2026-03-01 10:07 +0000", false}, // day and weekday must both match
		{"7 9 * * *", "2026-03-01 10:07 +0100", true},   // in UTC
		{"@hourly", "2026-03-01 10:00 +0000", true},
		{"1-9/4,7 * * * *", "2026-03-01 10:09 +0000", true},
	}
	for _, test := range tests {
		c, err := settings.ParseCron(test.expression)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Matches(at(test.moment)); got != test.want {
			t.Errorf("%s at %s: got %v", test.expression, test.moment, got)
		}
	}
	if c, _ := settings.ParseCron("@daily"); c.String() != "0 0 * * *" {
		t.Errorf("@daily is %s", c)
	}
}

func FuzzParseCron(f *testing.F) {
	for _, seed := range []string{"* * * * *", "1-5/2,7 0 1 1 0", "@daily", "*/60 * * * *", "-1 * * * *", "1- * * * *"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, expression string) {
		c, err := settings.ParseCron(expression)
		if err != nil {
			return
		}
		if again, err := settings.ParseCron(c.String()); err != nil || *again != *c {
			t.Fatalf("%q is %q, which reads differently: %v", expression, c, err)
		}
	})
}

func FuzzMerge(f *testing.F) {
	f.Add([]byte(stored))
	f.Add([]byte(`{"rateLimits":{"rules":[{}, null]}} x`))
	f.Fuzz(func(t *testing.T, body []byte) {
		s := settings.Default()
		if s.Merge(body) != nil {
			return
		}
		_ = s.Validate()
		if !json.Valid(s.AppendAPI(nil)) {
			t.Fatal("answer is no JSON")
		}
	})
}
