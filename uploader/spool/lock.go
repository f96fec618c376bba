package spool

import "errors"

// errLocked says that another process has the lock.
var errLocked = errors.New("locked")

// Occupied reports whether another process, or another Spool, uses the directory of the links. It is for one that is not
// run yet.
func (s *Spool) Occupied() bool { return occupied(s.Dir) }

func occupied(dir string) bool {
	f, err := lock(dir)
	if err == nil {
		f.Close()
	}
	return errors.Is(err, errLocked)
}

// takeLock locks the directory of the links as long as this process lives.
func (s *Spool) takeLock() {
	s.unlock()
	f, err := lock(s.Dir)
	switch {
	case err == nil:
		s.links.lock = f
		s.links.contended = false
		s.end(contended)
	case errors.Is(err, errLocked):
		s.links.contended = true
		s.begin(contended, "next", "this one goes on", "hint", "stop one of them")
	default: // if it is gone again, the next look finds the new one
		s.Log.Debug("spool cannot be locked", "spool", s.Dir, "err", err)
	}
}

func (s *Spool) unlock() {
	if s.links.lock != nil {
		_ = s.links.lock.Close() // it is none any more, either way
		s.links.lock = nil
	}
}
