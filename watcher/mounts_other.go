//go:build !linux

package watcher

// A mountWatch notices nothing on this system.
type mountWatch struct{}

func newMountWatch() mountWatch { return mountWatch{} }

func (mountWatch) close()        {}
func (mountWatch) changed() bool { return false }

func mountsBelow(string) map[string]mount { return nil }
