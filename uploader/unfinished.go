package uploader

import (
	"context"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"ems-sidecar/internal/disk"
	"ems-sidecar/media"
	"ems-sidecar/uploader/publish"
)

const (
	// unfinishedAfter is how long the part files of a recording stand still before that is logged.
	// unfinishedCheck is the pause between two looks.
	unfinishedAfter = 5 * time.Minute
	unfinishedCheck = time.Minute
)

// mediaPart ends the name of the part file that grows while EMS records an mp4. EMS makes the mp4
// of it when the recording ends, and never if EMS is killed.
const mediaPart = ".mdat"

// A standing is a part file as it was seen last, and since when it has been unchanged.
type standing struct {
	version media.Version
	since   time.Time
	logged  bool
}

// watchUnfinished logs recordings that EMS did not finish, each once until it changes.
func (u *Uploader) watchUnfinished(ctx context.Context) {
	tick := time.NewTicker(unfinishedCheck)
	defer tick.Stop()
	known := make(map[*Source]map[string]*standing)
	for {
		for _, src := range u.all() {
			if src.bulk() && ctx.Err() == nil {
				known[src] = u.lookForUnfinished(ctx, src, known[src], time.Now())
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// lookForUnfinished compares the part files below src with those of the last look, and returns
// them.
func (u *Uploader) lookForUnfinished(ctx context.Context, src *Source, before map[string]*standing,
	now time.Time) map[string]*standing {
	there := make(map[string]*standing)
	err := src.eachPart(ctx, func(p string, fi fs.FileInfo) bool {
		v := media.VersionOf(fi)
		part := before[p]
		if part == nil || !part.version.Equal(v) {
			part = &standing{version: v, since: now}
			if v.ModTime.Before(now) {
				part.since = v.ModTime // else the time is another machine's
			}
		}
		there[p] = part
		recording := strings.TrimSuffix(p, mediaPart)
		if still := now.Sub(part.since); !part.logged && still >= unfinishedAfter && !src.isWritten(recording, now) {
			part.logged = true
			u.tell(ctx, func(s *publish.Schedule, _ time.Time) { s.CountUnfinished() })
			u.log.Warn("EMS did not finish this recording", "file", filepath.Join(src.dir, filepath.FromSlash(recording)),
				"bytes", v.Size, "unchanged_for", still.Round(time.Second),
				"next", "it is uploaded if EMS makes an mp4 of its part files; after EMS was killed, it does not: keep or "+
					"delete them")
		}
		return len(there) < mostUnfinished
	})
	if err != nil { // other calls on this disk fail as well, and are logged
		u.log.Debug("part files of recordings cannot be looked for", "root", src.dir, "err", err)
		return before
	}
	return there
}

// eachPart calls each for every media part below src, until each returns false. It leaves out what
// it cannot read; for the root, it returns the error.
func (src *Source) eachPart(ctx context.Context, each func(p string, fi fs.FileInfo) bool) error {
	root, err := src.openRoot()
	if err != nil {
		return err
	}
	defer root.Close()
	return fs.WalkDir(disk.Tree{Root: root}, ".", func(p string, e fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && p == ".":
			return err
		case err != nil:
			return nil
		case p != "." && strings.HasPrefix(e.Name(), "."): // such as the spool
			if e.IsDir() {
				return fs.SkipDir
			}
			return nil
		case !e.Type().IsRegular() || !strings.HasSuffix(p, mediaPart):
			return nil
		}
		if fi, err := e.Info(); err == nil && !each(p, fi) { // without an Info, it is gone
			return fs.SkipAll
		}
		return nil
	})
}

// isWritten reports whether the recording p itself has changed lately: then EMS makes it of its
// parts.
func (src *Source) isWritten(p string, now time.Time) bool {
	defer src.disk.End(src.disk.Begin())
	root, err := src.openRoot()
	if err != nil {
		return false
	}
	defer root.Close()
	fi, err := root.Lstat(p)
	return err == nil && now.Sub(fi.ModTime()) < unfinishedAfter
}
