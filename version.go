package troupe

import "runtime/debug"

// module is the path under which Go knows this module.
const module = "github.com/troupebase/troupe"

// Version is the version of Troupe as the build of the program recorded it, "(devel)" for a working copy.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "(devel)"
	}
	for _, m := range append(info.Deps, &info.Main) {
		if m.Path == module && m.Version != "" {
			return m.Version
		}
	}
	return "(devel)"
}
