package troupe

import "context"

// Extension is a loaded WebAssembly extension.
type Extension struct {
	// Name and Version are what it says of itself, File is the name of its file.
	Name, Version, File string
}

// Extensions returns the loaded extensions, ordered by name. They are loaded by [App.Run].
func (a *App) Extensions() []Extension {
	if !a.inner.Ready() {
		return nil
	}
	var list []Extension
	for _, x := range a.inner.Guests.Extensions() {
		list = append(list, Extension{Name: x.Name(), Version: x.Version(), File: x.File()})
	}
	return list
}

// ReloadExtensions looks at the directory of the extensions now, which otherwise happens when something in it changes. What cannot
// be loaded is logged, and what was loaded of it before stays.
func (a *App) ReloadExtensions(ctx context.Context) error {
	if !a.inner.Ready() {
		return ErrNotOpen
	}
	return a.inner.Guests.Reload(ctx)
}
