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
	m, log := open(t, &fakeHost{}, func(o *Options) { o.compileNotice = time.Hour })
	put(t, m.options.Dir, "quick", version("quick", "1"))
	reload(t, m)
	if strings.Contains(log.String(), said) {
		t.Errorf("told although it was quick: %s", log)
	}
	m, log = open(t, &fakeHost{}, func(o *Options) { o.compileNotice = time.Nanosecond })
	end := time.Now().Add(20 * time.Second)
	for n := 0; !strings.Contains(log.String(), said); n++ { // a compilation may be over before the clock is looked at
		if time.Now().After(end) {
			t.Fatalf("not told: %s", log)
		}
		put(t, m.options.Dir, "slow", version("slow", fmt.Sprint(n)))
		reload(t, m)
	}
}
