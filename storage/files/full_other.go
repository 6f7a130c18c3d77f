//go:build !windows

package files

const onWindows = false
