package wasmhost

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Whoever waits for an extension to be compiled is told so, and nobody else.
func TestLongCompilationsAreLogged(t *testing.T) {
	const said = "compiling an extension"
	m, log := OpenManager(t, &FakeHost{}, func(o *Options) { o.compileNotice = time.Hour })
	PutModule(t, m.options.Dir, "quick", VersionModule("quick", "1"))
	ReloadNow(t, m)
	if strings.Contains(log.String(), said) {
		t.Errorf("told although it was quick: %s", log)
	}
	m, log = OpenManager(t, &FakeHost{}, func(o *Options) { o.compileNotice = time.Nanosecond })
	end := time.Now().Add(20 * time.Second)
	for n := 0; !strings.Contains(log.String(), said); n++ { // a compilation may be over before the clock is looked at
		if time.Now().After(end) {
			t.Fatalf("not told: %s", log)
		}
		PutModule(t, m.options.Dir, "slow", VersionModule("slow", fmt.Sprint(n)))
		ReloadNow(t, m)
	}
}
