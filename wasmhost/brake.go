package wasmhost

import (
	"github.com/tetratelabs/wazero/api"

	"github.com/troupebase/troupe/wasmhost/rewrite"
)

// guestDepth is how deeply functions of a guest may call themselves.
const guestDepth = 4096

// brake holds the globals that the rewriter put into a module. Nothing has to be reset between calls: one that was stopped or trapped ends with its
// instance.
type brake struct {
	stopping api.MutableGlobal
	depth    api.Global
}

func newBrake(m api.Module) (b brake) {
	b.stopping, _ = m.ExportedGlobal(rewrite.StopGlobal).(api.MutableGlobal)
	b.depth = m.ExportedGlobal(rewrite.DepthGlobal)
	return b
}

// stop makes the guest trap soon. The lock of the pool is held, which keeps others from writing the same flag.
func (b *brake) stop() {
	if b.stopping != nil {
		b.stopping.Set(1)
	}
}

// tooDeep reports, after a trap, whether the guest's own recursion was the reason.
func (b *brake) tooDeep() bool {
	return b.depth != nil && uint32(b.depth.Get()) != 0
}
