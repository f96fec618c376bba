//go:build !linux

package watcher

// probeFile cannot ask for writers here.
func probeFile(path string) (look, error) { return lookFile(path) }
