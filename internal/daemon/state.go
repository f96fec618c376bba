package daemon

import (
	"context"
	"fmt"
	"time"
)

// state implements admin.State.
type state struct{ *Daemon }

func (s *state) Alive(ctx context.Context) bool {
	_, ok := s.up.Figures(ctx)
	return ok
}

func (s *state) NotReady() []string {
	wrong := s.discovery.refusals.get()
	for _, section := range s.sections.list() {
		if r := s.ems.now.Load(); section.isOn() && section.asksEMS() && !s.ems.asked.Load() && r != nil {
			wrong = append(wrong, fmt.Sprintf("[%s] has no watch_dir, and EMS at %s has not said yet where it writes",
				section.name(), r.api.Address()))
		}
	}
	wrong = append(wrong, s.stuck()...)
	for _, r := range s.roots.list() {
		if !s.roots.stuckSince(r, time.Now()).IsZero() {
			continue
		}
		select {
		case <-r.watcher.Ready():
		default:
			if r.unanswered() {
				wrong = append(wrong, r.dir+" is on a file system that does not answer")
			} else if r.watcher.State().Waiting && r.isFound() {
				continue // EMS makes it when it writes there, which it may never do again
			} else if r.watcher.State().Waiting {
				wrong = append(wrong, r.dir+" does not exist yet")
			} else {
				wrong = append(wrong, r.dir+" is being scanned")
			}
		}
	}
	return wrong
}

// Remarks are about roots that wait for a file system, and about directories that cannot be read. If
// all wait, nothing can be published.
func (s *state) Remarks() (lines []string, well bool) {
	stuck := s.stuck()
	return append(stuck, s.unread()...), len(stuck) == 0 || len(stuck) < len(s.roots.list())
}

// unread says which directories below the roots cannot be read: their streams are not published.
func (s *state) unread() (which []string) {
	for _, r := range s.roots.list() {
		for _, u := range r.watcher.Unseen() {
			if len(which) < maxFound {
				which = append(which, r.unread(u))
			}
		}
	}
	return which
}

// stuck says which roots wait for a file system, and since when.
func (s *state) stuck() (which []string) {
	for _, r := range s.roots.list() {
		if since := s.roots.stuckSince(r, time.Now()); !since.IsZero() {
			which = append(which, fmt.Sprintf("the file system of %s has not answered since %s", r.dir,
				since.UTC().Format(time.RFC3339)))
		}
	}
	return which
}
