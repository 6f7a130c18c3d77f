package signin_test

import (
	"cmp"
	"errors"
	"testing"
	"time"

	"github.com/troupebase/troupe/actors/signin"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
)

// FuzzCodes goes through random steps with codes and sessions. However they follow one another: a code signs in once, before
// its time is over, at most five are tried in a row, and a session ends with a method that did not begin it.
func FuzzCodes(f *testing.F) {
	f.Add([]byte{0, 1, 0, 2, 3, 4, 5})
	f.Add([]byte{0, 2, 2, 2, 2, 2, 2, 1, 6, 0, 1, 1})
	f.Add([]byte{3, 4, 4, 3, 5, 6, 4})
	f.Add([]byte{0, 6, 6, 6, 6, 6, 6, 1})
	f.Add([]byte{0, 6, 6, 2, 2, 2, 2, 1, 6, 0, 1, 6, 1})
	g := newRig(f, func(c *schema.Collection) {
		withCodes(c)
		c.Auth.MFA.Enabled = true
	})
	alice := g.alice()
	f.Fuzz(func(t *testing.T, steps []byte) {
		if len(steps) > 40 {
			return
		}
		g.later.Store(0)
		w := &codeWalk{T: t, g: g, service: g.another(), alice: alice, steps: steps, otp: new(signin.IssuedOTP)}
		for _, step := range steps {
			switch step % 7 {
			case 0:
				w.makeCode()
			case 1:
				w.tryCode(w.otp.Code)
			case 2:
				w.tryCode("wrong")
			case 3:
				w.beginSession()
			case 4:
				w.endSession("password")
			case 5:
				w.endSession("otp")
			case 6:
				w.wait()
			}
		}
	})
}

// codeWalk is one sequence of steps, and what may be after the steps so far.
type codeWalk struct {
	*testing.T
	g       *rig
	service *signin.Service
	alice   *records.Record
	steps   []byte

	otp     *signin.IssuedOTP // the newest, empty once it was used
	made    time.Time
	session string // the newest, begun with a code, "" for none
	opened  time.Time
	tries   int   // with codes that counted, since the window began
	window  int64 // when it did, by how far the clock was ahead
}

// since is how long ago something was by the service's clock.
func (w *codeWalk) since(then time.Time) time.Duration {
	return time.Since(then) + time.Duration(w.g.later.Load())
}

func (w *codeWalk) makeCode() {
	var err error
	if w.otp, err = signin.NewOTPs(w.g.data).Create(w.Context(), w.alice); err != nil {
		w.Fatal(err)
	}
	w.made = time.Now()
}

func (w *codeWalk) tryCode(code string) {
	usable := w.otp.ID != "" && w.since(w.made) < codeLife
	if later := w.g.later.Load(); usable && (w.tries == 0 || later-w.window >= int64(180*time.Second)) {
		w.tries, w.window = 0, later
	}
	_, err := w.g.withOTP(w.service, w.alice.Collection, cmp.Or(w.otp.ID, "missingmissing1"), cmp.Or(code, "wrong"), "10.0.0.1")
	var asked *signin.SecondFactorError
	right := errors.As(err, &asked) // who has shown a code is asked for a second factor
	switch {
	case right && (!usable || code != w.otp.Code || w.tries >= 5):
		w.Fatalf("%v: a code signs in that should not", w.steps)
	case !right && !errors.Is(err, signin.ErrOTP) && !errors.Is(err, signin.ErrAttempts):
		w.Fatal(err)
	case !right && usable && code == w.otp.Code && w.tries < 5 && w.since(w.made) < codeLife:
		w.Fatalf("%v: a code does not sign in: %v", w.steps, err)
	case right:
		w.otp = new(signin.IssuedOTP)
	}
	if usable && w.tries < 5 {
		w.tries++
	}
}

// second comes with a method and a session, nil for none.
func (w *codeWalk) second(method string, session any) error {
	a := from(w.alice.Collection, shown{method, w.alice})
	a.MFASession = session
	_, err := w.service.SignIn(w.Context(), a)
	return err
}

func (w *codeWalk) beginSession() {
	var asked *signin.SecondFactorError
	if err := w.second("otp", nil); !errors.As(err, &asked) {
		w.Fatal(err)
	}
	w.session, w.opened = asked.Session, time.Now()
}

func (w *codeWalk) endSession(method string) {
	if w.session == "" {
		return
	}
	late := w.since(w.opened) > 600*time.Second
	err := w.second(method, w.session)
	if err != nil {
		return
	}
	if method == "otp" || late {
		w.Fatalf("%v: a session ends that should not", w.steps)
	}
	if again := w.second(method, w.session); !errors.Is(again, signin.ErrMFASession) {
		w.Fatalf("%v: a session ends twice: %v", w.steps, again)
	}
	w.session = ""
}

func (w *codeWalk) wait() { w.g.later.Add(int64(100 * time.Second)) }
