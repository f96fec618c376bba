package spool

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"ems-sidecar/media"
)

// A note tells the goroutine of Run something, without waiting for it.
type note struct {
	kind    noteKind
	path    string
	version media.Version // of noteRelease
	claim   *claim        // of noteEvict
}

type noteKind uint8

const (
	noteGone    noteKind = iota // the name is gone
	noteRelease                 // the version is no longer needed
	noteEvict                   // the budget gives the file up, for which the claim was counted
)

var noteKinds = [...]string{noteGone: "gone", noteRelease: "release", noteEvict: "evict"}

func (k noteKind) String() string {
	if int(k) < len(noteKinds) {
		return noteKinds[k]
	}
	return fmt.Sprintf("note(%d)", uint8(k))
}

// ask has the goroutine of Run call do, waits for it, and reports whether it was called.
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

// listen applies the notes since the last call.
func (s *Spool) listen(ctx context.Context) {
	s.toldMu.Lock()
	told := s.told
	s.told = nil
	s.toldMu.Unlock()
	var away error
	if slices.ContainsFunc(told, func(n note) bool { return n.kind == noteGone }) {
		away = s.locate()
	}
	for _, n := range told {
		switch n.kind {
		case noteGone:
			if e := s.entry(n.path); e != nil && (away == nil || errors.Is(away, errAway) && s.isHere(e)) {
				s.orphan(e)
			}
		case noteRelease:
			if e := s.entries[n.path]; e != nil && (n.version == media.Version{} || e.version.Equal(n.version)) {
				s.remove(e)
			}
		case noteEvict:
			if e := s.entries[n.path]; e != nil && e.claim == n.claim {
				s.evict(ctx, e)
			}
		}
	}
}
