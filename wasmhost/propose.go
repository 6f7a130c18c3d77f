package wasmhost

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Blame says which extensions of a set cannot be in it, and why. [Options.Changed] returns it, or an error that wraps it, and gets a set
// without them.
type Blame map[*Extension]error

// Error names them, in order.
func (b Blame) Error() string {
	texts := make([]string, 0, len(b))
	for x, err := range b {
		texts = append(texts, fmt.Sprintf("%s: %v", x.name, err))
	}
	slices.Sort(texts)
	return strings.Join(texts, "; ")
}

// propose brings what is ready in place, and has leave what shall, in one set. Who is to blame for a set that is refused is left out of the next one.
func (l *loader) propose() {
	for range maxProposals {
		set, leaving := l.compose()
		if slices.Equal(set, *l.m.set.Load()) {
			return
		}
		err := l.m.propose(slices.Clone(set))
		if err == nil {
			l.commit(set, leaving)
			return
		}
		var blame Blame
		if !errors.As(err, &blame) || !l.give(blame) {
			l.refuse(err)
			return
		}
	}
	l.refuse(errors.New("refused: too many proposals for one change"))
}

// compose returns the set as it shall be, ordered by name, and who leaves.
func (l *loader) compose() (set, leaving []*Extension) {
	byName := make(map[string]*Extension)
	for _, x := range *l.m.set.Load() {
		if l.leaves(x) {
			leaving = append(leaving, x)
		} else {
			byName[x.name] = x
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l.files)) {
		f := l.files[name]
		c := f.candidate
		if c == nil || c.state != ready {
			continue
		}
		if y := l.inPlace(name); y != nil && byName[y.name] == y {
			delete(byName, y.name)
			leaving = append(leaving, y)
		}
		y := byName[c.x.name]
		if y != nil && l.files[y.file] != nil {
			l.park(f, fmt.Errorf("load %s: %s is the name of the extension in %s", name, c.x.name, y.file))
			continue
		}
		if y != nil {
			leaving = append(leaving, y) // the file was renamed
		}
		byName[c.x.name] = c.x
	}
	set = slices.SortedFunc(maps.Values(byName), func(a, b *Extension) int { return strings.Compare(a.name, b.name) })
	return set, leaving
}

// leaves tells whether a version in place is to leave without another in its place. One whose file is gone stays until it is known what came with the
// look that missed it: the file may have another name now.
func (l *loader) leaves(x *Extension) bool {
	look, gone := l.gone[x]
	if !gone {
		return l.expelled[x]
	}
	for _, f := range l.files {
		if c := f.candidate; c != nil && c.look <= look && (c.state == loading || c.state == starting) {
			return false
		}
	}
	return true
}

// commit is after a set was accepted. Calls of those that leave end undisturbed.
func (l *loader) commit(set, leaving []*Extension) {
	l.moved, l.pause = true, 0
	before := *l.m.set.Load()
	l.m.set.Store(&set)
	for _, y := range leaving {
		delete(l.gone, y)
		delete(l.expelled, y)
		y.retired.Store(l.m.now())
		y.pool.retire()
		l.m.log.Info("extension: unloaded", "extension", y.name, "version", y.version, "file", y.file)
	}
	old := make(map[*Extension]bool, len(before))
	for _, y := range before {
		old[y] = true
	}
	for _, x := range set {
		if old[x] {
			continue
		}
		l.m.log.Info("extension: loaded", "extension", x.name, "version", x.version, "file", x.file, "hooks", len(x.hooks), "routes", len(x.routes))
		if f := l.files[x.file]; f != nil && f.candidate != nil && f.candidate.x == x {
			f.candidate, f.failure, f.said = nil, nil, ""
			l.m.entries.forget(x.sum)
		}
	}
	for _, f := range l.files {
		if f.candidate != nil && f.candidate.state == parked {
			l.advance(f) // for whom there may be room now
		}
	}
}

// give leaves those out who are to blame, and reports whether there are any.
func (l *loader) give(blame Blame) bool {
	known := false
	for x, reason := range blame {
		err := fmt.Errorf("load %s: refused: %w", x.file, reason)
		f := l.files[x.file]
		switch {
		case f != nil && f.candidate != nil && f.candidate.x == x && f.candidate.state == ready:
			l.park(f, err)
			known = true
		case l.inPlace(x.file) == x && !l.leaves(x):
			l.expelled[x] = true
			known = true
			if f != nil {
				l.fail(x.file, f, &loadError{ofSet, err})
			}
		}
	}
	return known
}

// refuse is after a set was refused as a whole: everything stays as it is, until a later look.
func (l *loader) refuse(err error) {
	for _, f := range l.files {
		if f.candidate != nil && f.candidate.state == ready {
			l.park(f, fmt.Errorf("load %s: %w", f.candidate.file, err))
		}
	}
	if len(l.gone)+len(l.expelled) > 0 {
		l.m.log.Error("extensions: what shall leave stays", "extensions", len(l.gone)+len(l.expelled), "error", err)
	}
	l.later()
}

// propose asks whether set may be.
func (m *Manager) propose(set []*Extension) (err error) {
	if m.options.Changed == nil {
		return nil
	}
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	if err := m.options.Changed(set); err != nil {
		return fmt.Errorf("refused: %w", err)
	}
	return nil
}
