package spool

import (
	"context"
	"errors"
	"slices"

	"ems-sidecar/media"
)

// A note is what was told without waiting.
type note struct {
	path    string
	version media.Version
	release bool   // else its name is gone,
	evicted *claim // or it is to be given up for others, for which this was counted
}

// ask has the goroutine of Run do something, and reports whether it did.
func (s *Spool) ask(ctx context.Context, do func()) bool {
	done := make(chan struct{})
	select {
	case s.asks <- func() { defer close(done); s.listen(ctx); do() }:
		<-done
		return true
	case <-s.done:
		return false
	case <-ctx.Done():
		return false
	}
}

func (s *Spool) tell(n note) {
	s.toldMu.Lock()
	s.told = append(s.told, n)
	s.toldMu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// listen takes in what was told since the last call.
func (s *Spool) listen(ctx context.Context) {
	s.toldMu.Lock()
	told := s.told
	s.told = nil
	s.toldMu.Unlock()
	var away error
	if slices.ContainsFunc(told, func(n note) bool { return !n.release && n.evicted == nil }) {
		away = s.locate()
	}
	for _, n := range told {
		e := s.entries[n.path]
		if !n.release && n.evicted == nil {
			e = s.entry(n.path)
		}
		switch {
		case e == nil:
		case n.evicted != nil:
			if e.claim == n.evicted {
				s.evict(ctx, e)
			}
		case !n.release:
			if away == nil || errors.Is(away, errAway) && s.isHere(e) {
				s.orphan(e)
			}
		case e.version.Equal(n.version):
			s.remove(e)
		}
	}
}
