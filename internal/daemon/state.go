package daemon

import (
	"context"
	"fmt"
)

// state implements admin.State.
type state struct{ *Daemon }

func (s *state) Alive(ctx context.Context) bool {
	_, ok := s.up.Figures(ctx)
	return ok
}

func (s *state) NotReady() []string {
	wrong := s.refusals.get()
	for _, section := range s.sections {
		if section.asksEMS() && !s.asked.Load() {
			wrong = append(wrong, fmt.Sprintf("[%s] has no watch_dir, and EMS at %s did not say yet where it writes", section.Section, s.api.Address()))
		}
	}
	for _, r := range s.roots.list() {
		select {
		case <-r.watcher.Ready():
		default:
			if r.unanswered() {
				wrong = append(wrong, r.dir+" is on a file system that does not answer")
			} else if r.watcher.State().Waiting && r.isFound() {
				continue // EMS makes it when it writes there, and perhaps never again
			} else if r.watcher.State().Waiting {
				wrong = append(wrong, r.dir+" does not exist yet")
			} else {
				wrong = append(wrong, r.dir+" is being scanned")
			}
		}
	}
	return wrong
}
