package uploader

import (
	"time"

	"ems-sidecar/media"
)

// A listClosing is what the closing of a file means that playlists name, or will name.
type listClosing struct {
	path   string // under which it is published; "": no playlist has named it yet
	former string // published before under the same name on the disk; "": nothing was
	reread string // the playlist that may mean the new content; "": none does
}

// closed applies that the file p of the disk is whole in version v. waits: it is wanted also if no playlist
// names it.
func (r *listRuns) closed(p string, v media.Version, waits bool, now time.Time) (c listClosing) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.files[p] == nil && !waits {
		return c
	}
	f := r.file(p)
	f.gone = false
	switch {
	case f.state == hasPlainName:
		return listClosing{path: p}
	case f.state == hasRun && (f.version == (media.Version{}) || f.version.Equal(v)):
		f.version = v
		return listClosing{path: media.InRun(p, f.run)}
	case f.state == hasRun:
		c = listClosing{former: media.InRun(p, f.run), reread: f.by}
		*f = runFile{whole: v, since: now, by: f.by}
	case !f.whole.Equal(v):
		f.whole, f.since = v, now
	case now.Sub(f.since) >= nextPatience:
		*f = runFile{state: hasRun, version: v}
		return listClosing{path: p}
	}
	return c
}

// removed applies that the name p is gone from the disk, and returns under which path it was published, or
// waits: no playlist has named what it had.
func (r *listRuns) removed(p string) (path string, waits bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := r.files[p]
	if f == nil {
		return p, false
	}
	f.gone = true
	if f.state == waitsForName {
		r.forgetIfGone(p)
		return p, f.whole != (media.Version{})
	}
	path = p
	if f.state == hasRun {
		path = media.InRun(p, f.run)
	}
	r.forgetIfGone(p)
	return path, false
}

// kept applies that the file p, whose name is gone, is kept in version v, and returns the path under which
// it is published, or false if it still waits for a playlist.
func (r *listRuns) kept(p string, v media.Version, now time.Time) (path string, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := r.file(p)
	f.gone = true
	switch {
	case f.state != waitsForName:
		return media.InRun(p, f.run), true
	case !f.whole.Equal(v):
		f.whole, f.since = v, now
	case now.Sub(f.since) >= nextPatience:
		delete(r.files, p)
		return p, true
	}
	return "", false
}

// holds reports whether the disk's file p is that of the run, if the disk has the name.
func (r *listRuns) holds(p, run string) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	f := r.files[p]
	return f != nil && f.state == hasRun && f.run == run
}

// isOther reports whether v is known to be other content than that of the file p in the run.
func (r *listRuns) isOther(p, run string, v media.Version) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	f := r.files[p]
	return f != nil && f.state == hasRun && f.run == run && f.version != (media.Version{}) && !f.version.Equal(v)
}
