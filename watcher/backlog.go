package watcher

import (
	"slices"
	"time"
)

const (
	// A manifest younger than liveAge is decided on while the first scan goes on: its stream is
	// live.
	liveAge = time.Minute
	// manyOld old files take longer than viewers should wait. They are decided on when no file of a
	// live stream was reported for oldPause, and at the latest oldPatience after the first scan.
	manyOld     = 1000
	oldPause    = time.Second
	oldPatience = 10 * time.Second
)

// A backlog holds the files that the first scan found, until there is nothing else to decide. There
// may be hundreds of thousands, and the newest chunk of a live stream must not wait for them.
type backlog struct {
	manifests []*entry  // first: the files that they name follow them
	others    []*entry  // in the order of the scan, so that a directory's files stay together
	begun     time.Time // when the first scan was done
	liveAt    time.Time // when something else was reported last
}

func (b *backlog) add(e *entry, manifest bool) {
	e.demand = backlogged
	if manifest {
		b.manifests = append(b.manifests, e)
	} else {
		b.others = append(b.others, e)
	}
}

// begin sorts the manifests: the newest is decided on first.
func (b *backlog) begin(now time.Time) {
	b.begun, b.liveAt = now, now
	slices.SortStableFunc(b.manifests, func(x, y *entry) int { return y.look.ModTime.Compare(x.look.ModTime) })
}

// at returns when the next file is to be decided on, and whether there is one.
func (b *backlog) at() (time.Time, bool) {
	switch {
	case len(b.manifests) > 0:
		return b.begun, true
	case len(b.others) >= manyOld && b.liveAt.Add(oldPause).Before(b.begun.Add(oldPatience)):
		return b.liveAt.Add(oldPause), true
	case len(b.others) >= manyOld:
		return b.begun.Add(oldPatience), true
	}
	return b.begun, len(b.others) > 0
}

// pop returns the next file to be decided on now, or nil. It skips files that were decided on
// meanwhile.
func (b *backlog) pop(now time.Time) *entry {
	for _, list := range []*[]*entry{&b.manifests, &b.others} {
		for len(*list) > 0 {
			if at, _ := b.at(); now.Before(at) {
				return nil
			}
			e := (*list)[0]
			(*list)[0], *list = nil, (*list)[1:]
			if e.demand == backlogged && e.stage != reported && e.due.IsZero() && e.dir.files[e.name] == e {
				return e
			}
		}
	}
	return nil
}
