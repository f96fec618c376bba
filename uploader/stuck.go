package uploader

import (
	"sync"
	"time"
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

// watchDisks finds the roots that do not answer. Their workers are given back, so that others go on (R9), and no more are
// sent there.
func (s *schedule) watchDisks(sources []*Source, now time.Time) {
	for _, src := range sources {
		since := src.disk.StuckSince(now)
		stuck := !since.IsZero()
		switch {
		case stuck == src.stuck:
		case stuck:
			s.log.Error("file system does not answer", "root", src.dir, "for", now.Sub(since).Round(time.Second),
				"next", "nothing is read there until it does; other directories go on", "hint", "is the server of this mount away?")
		default:
			s.log.Info("file system answers again", "root", src.dir)
		}
		src.stuck = stuck
		if !stuck {
			continue
		}
		if l := s.lane(src.dest); l.probing && l.prober == src {
			l.probing = false // another one's file tells whether the bucket is back
		}
		for f := range s.sending {
			if f.src == src && !s.loose[f] {
				s.loose[f] = true
				s.inFlight[f.stream.pool()]--
			}
		}
	}
}

// leave waits for the workers, but not for those whose calls never return.
func (u *Uploader) leave(workers *sync.WaitGroup) {
	all := make(chan struct{})
	go func() { workers.Wait(); close(all) }()
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
	answer := make(chan bool, 1)
	go func() { answer <- src.exists(p) }()
	late := time.NewTimer(answerTime)
	defer late.Stop()
	select {
	case there := <-answer:
		return there
	case <-late.C:
		return true
	}
}
