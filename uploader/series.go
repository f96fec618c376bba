package uploader

import (
	"cmp"
	"errors"
	"io"
	"os"
	"path"
	"slices"
	"time"

	"ems-sidecar/internal/disk"
	"ems-sidecar/media"
	"ems-sidecar/uploader/publish"
)

// seriesWait is how long a manifest waits for other tracks before it is read again for a segment
// that it does not list.
const seriesWait = 100 * time.Millisecond

// A series is what the disk is asked for of one track of a manifest: see [media.Series].
type series struct {
	manifest string // its path
	pattern  media.Pattern
}

// A seriesBook knows the series of the manifests that were read, by the directory of their segments, and
// what else has them read again.
type seriesBook struct {
	byDir map[string][]series
	dirs  map[string][]string  // of the segments of a manifest, by its path
	names map[string]string    // manifests, by a file that one of their addresses means if it exists
	files map[string][]string  // those files, by the path of the manifest
	due   map[string]time.Time // when a manifest is read again, by its path
}

func newSeriesBook() seriesBook {
	return seriesBook{byDir: make(map[string][]series), dirs: make(map[string][]string),
		due: make(map[string]time.Time), names: make(map[string]string), files: make(map[string][]string)}
}

// forget forgets the series of a manifest.
func (b seriesBook) forget(manifest string) {
	for _, dir := range b.dirs[manifest] {
		its := func(s series) bool { return s.manifest == manifest }
		if b.byDir[dir] = slices.DeleteFunc(b.byDir[dir], its); len(b.byDir[dir]) == 0 {
			delete(b.byDir, dir)
		}
	}
	for _, p := range b.files[manifest] {
		delete(b.names, p)
	}
	delete(b.files, manifest)
	delete(b.dirs, manifest)
	delete(b.due, manifest)
}

// learn notes the patterns of a manifest, and the files that its addresses mean if they exist.
func (b seriesBook) learn(manifest string, patterns []media.Pattern, awaited []string) {
	b.forget(manifest)
	for _, p := range awaited {
		b.names[p] = manifest
	}
	if len(awaited) > 0 {
		b.files[manifest] = awaited
	}
	for _, p := range patterns {
		b.byDir[p.Dir] = append(b.byDir[p.Dir], series{manifest, p})
		b.dirs[manifest] = append(b.dirs[manifest], p.Dir)
	}
}

// manifestOf returns the manifest that has p in one of its series, or an address of it, or "".
func (b seriesBook) manifestOf(p string) string {
	if m, ok := b.names[p]; ok {
		return m
	}
	for _, s := range b.byDir[path.Dir(p)] {
		if _, ok := s.pattern.Number(path.Base(p)); ok {
			return s.manifest
		}
	}
	return ""
}

// rereadFor has the manifest read again that has p in one of its series, since the files that
// exist are others now.
func (src *Source) rereadFor(p string) (again func(s *publish.Schedule, now time.Time)) {
	book := src.reported.series
	m := book.manifestOf(p)
	if m == "" || time.Now().Before(book.due[m]) {
		return func(*publish.Schedule, time.Time) {}
	}
	at := time.Now().Add(seriesWait)
	book.due[m] = at
	return func(s *publish.Schedule, _ time.Time) { s.Reread(src.plan, m, at) }
}

// A found is a segment of a series that is on the disk.
type found struct {
	path   string
	number uint64
	begins uint64 // see [media.Series.Begins]
}

// findSeries adds the segments to named that m, which is at p, leaves to the clock: those that are on
// the disk, of each track in the order of their numbers. It returns m with them, and with a pattern
// of which the order is not known.
func (src *Source) findSeries(p string, m media.Manifest, names *media.Names,
	named *references) (media.Manifest, error) {
	var patterns []media.Pattern
	for _, s := range m.Series {
		of, ok := s.Patterns(names)
		for _, pattern := range of {
			if slices.Contains(patterns, pattern) {
				continue // another Period has it, too
			}
			all, inOrder, err := src.segmentsOf(s, pattern, m.Began, maxFound/len(m.Series))
			if err != nil {
				return m, err
			}
			ok = ok && inOrder
			for _, f := range all {
				if err := named.add(f.path, media.Reference{Segment: true}, false); err != nil {
					return m, err
				}
			}
			if n := len(all); n > 0 {
				m = m.Found(n, all[0].begins, all[n-1].begins)
			}
			patterns = append(patterns, pattern)
		}
		if !ok {
			m.Unordered = cmp.Or(m.Unordered, s.String())
		}
	}
	src.reported.series.learn(p, patterns, named.awaited)
	return m, nil
}

// segmentsOf returns the newest segments of s in the directory of a pattern, in order, at most so many,
// of a presentation that began then; none if there is no such directory. ok is false if the directory
// has too many files.
func (src *Source) segmentsOf(s media.Series, pattern media.Pattern, began time.Time, most int) (
	newest []found, ok bool, err error) {
	defer src.disk.End(src.disk.Begin())
	root, err := src.openRoot()
	if err != nil {
		return nil, false, err
	}
	defer root.Close()
	all, err := listSegments(root, s, pattern)
	if err != nil {
		return nil, false, err
	}
	slices.SortFunc(all, func(a, b found) int { return cmp.Compare(b.number, a.number) })
	for _, f := range all {
		if len(newest) < most && !isBefore(root, f.path, began) {
			newest = append(newest, f)
		}
	}
	slices.Reverse(newest)
	return newest, len(all) < maxInDirectory, nil
}

// listSegments returns the segments of s in the directory of a pattern.
func listSegments(root *os.Root, s media.Series, pattern media.Pattern) (all []found, err error) {
	dir, err := disk.OpenDirIn(root, pattern.Dir)
	if disk.IsGone(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	for len(all) < maxInDirectory {
		entries, err := dir.ReadDir(1000)
		for _, e := range entries {
			n, ok := pattern.Number(e.Name())
			begins, follows := s.Begins(n)
			if ok && follows && e.Type().IsRegular() {
				all = append(all, found{path.Join(pattern.Dir, e.Name()), n, begins})
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// beganEarly is how much earlier than a presentation claims it may have begun: some writers take the
// time when the first segment is whole.
const beganEarly = 2 * time.Second

// isBefore reports whether the file p was written before the presentation began. It is a former run's
// then: this one will use its name again, and does not mean it.
func isBefore(root *os.Root, p string, began time.Time) bool {
	if began.IsZero() || began.After(time.Now()) {
		return false
	}
	fi, err := root.Lstat(p)
	return err == nil && fi.ModTime().Before(began.Add(-beganEarly))
}
