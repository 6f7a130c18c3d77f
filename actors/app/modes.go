package app

import (
	"io/fs"
	"os"
	"runtime"
)

// othersMode are the bits with which a directory lets other users of the machine in.
const othersMode fs.FileMode = 0o077

// warnOfModes tells the operator of a data directory that was made for others to read too. It is not changed: somebody may
// rely on that.
func (a *App) warnOfModes() {
	if runtime.GOOS == "windows" {
		return // modes say nothing there
	}
	info, err := os.Stat(a.opts.Dir)
	if err != nil || info.Mode()&othersMode == 0 {
		return
	}
	a.log.Warn("other users of this machine may look into the data directory; chmod -R go= keeps them out",
		"dir", a.opts.Dir, "mode", info.Mode().Perm().String())
}
