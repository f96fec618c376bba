package uploader

import (
	"time"

	"ems-sidecar/internal/disk"
	"ems-sidecar/uploader/publish"
)

const (
	// answerTime is how long one root's doings wait for another's file system.
	answerTime = time.Second
	// diskCheck is how often calls are looked at.
	diskCheck = time.Second
	// leaveTime is how long Run waits at its end for workers, who abort what they have begun; longer than that takes
	// only a call that never returns.
	leaveTime = 15 * time.Second
)

// StuckSince returns since when the file system has not answered a call, or the zero time if it answers. It may be called
// from any goroutine.
func (src *Source) StuckSince(now time.Time) time.Time { return src.disk.StuckSince(now) }

// watchDisks finds the roots that do not answer.
func (u *Uploader) watchDisks(s *publish.Schedule, now time.Time) {
	for _, src := range u.all() {
		if src.plan != nil { // else it is about to be started
			s.Answers(src.plan, src.disk.StuckSince(now), now)
		}
	}
}

// leave waits for the workers, but not for those whose calls never return.
func (u *Uploader) leave() {
	all := make(chan struct{})
	go func() { u.workers.Wait(); close(all) }()
	late := time.NewTimer(leaveTime)
	defer late.Stop()
	select {
	case <-all:
	case <-late.C:
		u.log.Error("ended without waiting for a file system that does not answer")
	}
}

// mayHave reports whether p is on disk, or may be because the file system does not answer soon.
func (src *Source) mayHave(p string) bool {
	exists, answered := disk.Ask(&src.disk, answerTime, func() bool { return src.exists(p) })
	return exists || !answered
}
