package wasmhost

import (
	"github.com/tetratelabs/wazero/api"

	"github.com/troupebase/troupe/wasmhost/rewrite"
)

// guestDepth is how deeply functions of a guest may call themselves.
const guestDepth = 4096

// guestGlobals are the globals that the rewriter put into a module. Nothing has to be reset between calls: one that was stopped or trapped ends with its
// instance.
type guestGlobals struct {
	stopping api.MutableGlobal
	depth    api.Global
}

func newGuestGlobals(m api.Module) (g guestGlobals) {
	g.stopping, _ = m.ExportedGlobal(rewrite.StopGlobal).(api.MutableGlobal)
	g.depth = m.ExportedGlobal(rewrite.DepthGlobal)
	return g
}

// stop makes the guest trap soon. The lock of the pool is held, which keeps others from writing the same flag.
func (g *guestGlobals) stop() {
	if g.stopping != nil {
		g.stopping.Set(1)
	}
}

// tooDeep reports, after a trap, whether the guest's own recursion was the reason.
func (g *guestGlobals) tooDeep() bool {
	return g.depth != nil && uint32(g.depth.Get()) != 0
}
