package e2e

import (
	"ems-sidecar/media"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"
)

// View is a viewer who reads manifests from the bucket as fast as possible and fetches what they
// name: that must be there, whole, and of the manifest's run or, if that was replaced meanwhile, of
// a later one.
func (r *Referee) View(keys []string, stop <-chan struct{}) (looks int) {
	seen := map[string]os.FileInfo{} // what was fetched, to be fetched again when it has changed
	newest := map[string]progress{}
	back := map[string]*setback{} // those that last
	for {
		began := time.Now()
		for _, key := range keys {
			select {
			case <-stop:
				for _, s := range back {
					r.mended(s)
				}
				return looks
			default:
			}
			b, err := r.server.Object(key)
			if err != nil {
				continue // not published yet
			}
			looks++
			run, known := r.archive.runOf(key, b)
			if m, err := parse(key, b); err == nil && known && m.Segments > 0 {
				now := progress{run, m.Sequence}
				if s := back[key]; s != nil {
					s.Lasted = Patient.Now() - s.began
				}
				switch {
				case !now.Before(newest[key]):
					newest[key] = now
					r.mended(back[key])
					delete(back, key)
				case back[key] == nil:
					back[key] = &setback{key: key, from: newest[key], to: now, began: Patient.Now()}
				}
			}
			for _, name := range NamedBy(r.t, key, b) {
				file := filepath.Join(r.server.Dir, name)
				fi, err := os.Stat(file)
				if err != nil {
					r.t.Errorf("a viewer reads %s and does not find %s", key, name)
					continue
				}
				if old := seen[name]; old != nil && os.SameFile(old, fi) && old.ModTime().Equal(fi.ModTime()) ||
					LayoutOf(name).Kind(name).Role == media.ManifestFile {
					continue
				}
				object, err := r.server.Object(name)
				runs := r.archive.Runs(name, object)
				if err != nil || len(runs) == 0 || known && slices.Max(runs) < run {
					r.t.Errorf("a viewer reads %s of run %d and gets %d bytes of the runs %v for %s (%v)", key, run, len(object),
						runs, name, err)
				}
				seen[name] = fi
			}
		}
		// Leaves the processor to those who are watched, the more the busier it is.
		time.Sleep(max(10*time.Millisecond, time.Since(began)))
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
