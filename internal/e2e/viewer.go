package e2e

import (
	"crypto/sha256"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"

	"ems-sidecar/media"
)

// View is a viewer who reads manifests from the bucket as fast as possible and fetches what they
// name: that must exist, whole, and of the manifest's run or, if that was replaced meanwhile, of a
// later one. View returns how many manifests it read.
func (r *Referee) View(keys []string, stop <-chan struct{}) (looks int) {
	v := viewer{r, map[string]os.FileInfo{}, map[string]sight{}, map[string]progress{}, map[string]*setback{}}
	for {
		began := time.Now()
		for _, key := range keys {
			select {
			case <-stop:
				v.leave()
				return looks
			default:
			}
			if v.look(key) {
				looks++
			}
		}
		// Leaves the processor to those who are watched, the more the busier it is.
		time.Sleep(max(10*time.Millisecond, time.Since(began)))
	}
}

// A viewer is what Referee.View remembers between two looks.
type viewer struct {
	*Referee
	fetched map[string]os.FileInfo // by key; fetched again when it has changed
	read    map[string]sight       // of each manifest; read again when it has changed
	newest  map[string]progress    // of each manifest
	back    map[string]*setback    // those that last
}

// A sight is what a manifest was found to be.
type sight struct {
	os.FileInfo
	sum      [sha256.Size]byte
	names    []string
	run      int
	known    bool // whether it is a run's, which may be found out later
	sequence uint64
	segments int
}

// look reads a manifest and fetches what it names. It reports whether the manifest is published.
func (v *viewer) look(key string) bool {
	s, err := v.see(key)
	if err != nil {
		return false
	}
	if s.known && s.segments > 0 {
		v.advance(key, progress{s.run, s.sequence})
	}
	for _, name := range s.names {
		v.fetch(key, name, s.run, s.known)
	}
	return true
}

// see returns what the manifest is now. Most looks find what the one before found, and parsing it
// again would take half of the processor time of a test.
func (v *viewer) see(key string) (sight, error) {
	fi, err := os.Stat(filepath.Join(v.server.Dir, key))
	if err != nil {
		return sight{}, err
	}
	s, ok := v.read[key]
	if !ok || !same(s.FileInfo, fi) {
		b, err := v.server.Object(key)
		if err != nil {
			return sight{}, err
		}
		m, err := parse(key, b)
		if err != nil {
			v.t.Errorf("a viewer reads %s, which is cut: %v", key, err)
		}
		s = sight{FileInfo: fi, sum: sha256.Sum256(b), sequence: m.Sequence, segments: m.Segments, names: named(key, m)}
	}
	if !s.known {
		s.run, s.known = v.archive.runOfSum(key, s.sum)
	}
	v.read[key] = s
	return s, nil
}

// advance notes how far a manifest is: a setback begins, lasts or ends.
func (v *viewer) advance(key string, now progress) {
	lasting := v.back[key]
	if lasting != nil {
		lasting.Lasted = Patient.Now() - lasting.began
	}
	switch {
	case !now.Before(v.newest[key]):
		v.newest[key] = now
		v.mended(lasting)
		delete(v.back, key)
	case lasting == nil:
		v.back[key] = &setback{key: key, from: v.newest[key], to: now, began: Patient.Now()}
	}
}

// fetch gets an object that the manifest under key names, unless it got it before. The run is the
// manifest's, if that is known.
func (v *viewer) fetch(key, name string, run int, known bool) {
	fi, err := os.Stat(filepath.Join(v.server.Dir, name))
	if err != nil {
		v.t.Errorf("a viewer reads %s and does not find %s", key, name)
		return
	}
	if v.holds(name, fi) || LayoutOf(name).Kind(name).Role == media.ManifestFile {
		return
	}
	object, err := v.server.Object(name)
	runs := v.archive.Runs(name, object)
	if err != nil || len(runs) == 0 || known && slices.Max(runs) < run {
		v.t.Errorf("a viewer reads %s of run %d and gets %d bytes of the runs %v for %s (%v)", key, run, len(object),
			runs, name, err)
	}
	v.fetched[name] = fi
}

// holds reports whether the viewer has fetched the object as it is.
func (v *viewer) holds(name string, now os.FileInfo) bool {
	old := v.fetched[name]
	return old != nil && same(old, now)
}

// same reports whether an object was not replaced between two looks: each PUT makes a new file. Both
// must be what os.Stat returned.
func same(old, now os.FileInfo) bool {
	return os.SameFile(old, now) && old.ModTime().Equal(now.ModTime())
}

// leave notes the setbacks that last.
func (v *viewer) leave() {
	for _, s := range v.back {
		v.mended(s)
	}
}

// mended notes a setback that is over, if it is one.
func (r *Referee) mended(s *setback) {
	if s != nil {
		r.mu.Lock()
		r.Setbacks = append(r.Setbacks, *s)
		r.mu.Unlock()
	}
}

// WalkHDS does what an HDS player does, twice a second: from the set-level manifest to each
// fragment.
func (r *Referee) WalkHDS(set string, stop <-chan struct{}) (fragments int) {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return fragments
		case <-tick.C:
		}
		b, err := r.server.Object(set)
		if err != nil {
			continue // not published yet
		}
		for _, stream := range NamedBy(r.t, set, b) {
			b, err := r.server.Object(stream)
			if err != nil {
				r.t.Errorf("a player does not get %s: %v", stream, err)
				continue
			}
			f4m, err := media.ParseF4M(b)
			if err != nil || len(f4m.Media) == 0 {
				r.t.Errorf("a player cannot use %s: %v", stream, err)
				continue
			}
			bootstrap := path.Join(path.Dir(stream), f4m.Media[0].Bootstrap)
			if b, err = r.server.Object(bootstrap); err != nil {
				r.t.Errorf("a player does not get %s: %v", bootstrap, err)
				continue
			}
			for _, name := range NamedBy(r.t, bootstrap, b) {
				fragments++
				if object, err := r.server.Object(name); err != nil || len(r.archive.Runs(name, object)) == 0 {
					r.t.Errorf("a player asks for %s and gets %d bytes, which are not the whole of any run's (%v)", name,
						len(object), err)
				}
			}
		}
	}
}
