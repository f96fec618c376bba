package spool

import "errors"

// errLocked says that another process has the lock.
var errLocked = errors.New("locked")

// Occupied reports whether another process, or another Spool, uses the directory of the links. It
// must be called before Run.
func (s *Spool) Occupied() bool { return occupied(s.Dir) }

func occupied(dir string) bool {
	f, err := lock(dir)
	if err == nil {
		f.Close()
	}
	return errors.Is(err, errLocked)
}

// takeLock locks the directory of the links until this process ends.
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
	default: // if the directory is gone again, the next prepare finds the new one
		s.Log.Debug("spool cannot be locked", "spool", s.Dir, "err", err)
	}
}

func (s *Spool) unlock() {
	if s.links.lock != nil {
		_ = s.links.lock.Close() // it is no lock any more, with or without an error
		s.links.lock = nil
	}
}
