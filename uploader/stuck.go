package uploader

import (
	"context"
	"time"

	"ems-sidecar/internal/disk"
	"ems-sidecar/uploader/publish"
)

const (
	// answerTime is how long work on one root waits for the file system of another.
	answerTime = time.Second
	// diskCheck is how often calls are looked at.
	diskCheck = time.Second
	// leaveTime is how long Run waits for its workers at the end. They abort what they have begun,
	// so only a call that never returns takes longer.
	leaveTime = 15 * time.Second
)

// StuckSince returns since when the file system has not answered a call, or the zero time if it
// answers. It may be called from any goroutine.
func (src *Source) StuckSince(now time.Time) time.Time { return src.disk.StuckSince(now) }

// An Unseen is a directory of whose files nothing can be seen.
type Unseen = publish.Unseen

// Watched says what the watcher of the root cannot see now, and how late it may see a closing.
func (src *Source) Watched(ctx context.Context, unseen []Unseen, delay time.Duration) {
	src.uploader.tell(ctx, func(s *publish.Schedule, _ time.Time) { s.Watched(src.plan, unseen, delay) })
}

// watchDisks tells the schedule which roots do not answer.
func (u *Uploader) watchDisks(s *publish.Schedule, now time.Time) {
	for _, src := range u.all() {
		if src.plan != nil { // else it starts soon
			s.Answers(src.plan, src.disk.StuckSince(now), now)
		}
	}
}

// leave waits for the workers, except for those whose calls never return.
func (u *Uploader) leave() {
	all := make(chan struct{})
	go func() { u.workers.Wait(); close(all) }()
	late := time.NewTimer(leaveTime)
	defer late.Stop()
	select {
	case <-all:
	case <-late.C:
		u.log.Error("ending although a file system does not answer")
	}
}

// mayHave reports whether p is on the disk, or may be, because the file system does not answer
// soon.
func (src *Source) mayHave(p string) bool {
	exists, answered := disk.Ask(&src.disk.Calls, answerTime, func() bool { return src.has(p) })
	return exists || !answered
}
