package publish

import (
	"crypto/sha256"
	"testing"
	"time"

	"ems-sidecar/media"
)

// After a restart, an init segment that only the spool has may be known before the manifest that names it. When the stream starts
// anew before that init segment is looked for, the manifest does not get the new run's.
func TestOldRunIsNotPublishedWithANewInitSegmentAfterARestart(t *testing.T) {
	began := time.Now()
	at := func(d time.Duration) time.Time { return began.Add(d) }
	s := newSchedule(began)
	src := s.Add("/root", media.Layout{Format: media.DASH}, &Destination{}, false)
	const manifest, init, segment = "g/manifest.mpd", "g/s/video/1/seg_init.mp4", "g/s/video/1/segment_0.m4s"
	read := func(content string, now time.Time, segments ...string) {
		s.ManifestRead(src, manifest, Reading{
			References: append([]string{init}, segments...), Others: 1,
			Content: []byte(content), Sum: sha256.Sum256([]byte(content)),
			Manifest: media.Manifest{Segments: len(segments)}, ModTime: now, ReadAt: now,
		}, nil, now)
	}
	version := func(inode uint64) media.Version {
		return media.Version{Size: 9, ModTime: at(time.Duration(inode)), Inode: inode}
	}

	s.Kept(src, init, version(1), at(time.Second))
	s.Closed(src, segment, version(2), false, nil, at(2*time.Second))
	read("run a", at(3*time.Second), segment)
	s.Sweep(at(4 * time.Second))
	s.Closed(src, init, version(3), false, nil, at(5*time.Second)) // and that the one before was deleted was never reported
	read("run b", at(5*time.Second))
	for d := 6 * time.Second; d < 8*time.Second; d += 100 * time.Millisecond {
		for j, ok := s.Next(at(d)); ok; j, ok = s.Next(at(d)) {
			if string(j.Manifest.Bytes) == "run a" {
				t.Fatal("the manifest of the run before is published")
			}
			s.Done(Result{Job: j}, at(d))
		}
	}
	if !src.files[init].bucket.isConfirmed() {
		t.Fatal("nothing is uploaded")
	}
}

// A segment that was deleted before the manifest was read that names it does not come back: what has its name next is of another
// run, also if no one remembers the one before.
func TestOldRunIsNotPublishedWithASegmentThatWasAwayWhenItWasRead(t *testing.T) {
	began := time.Now()
	at := func(d time.Duration) time.Time { return began.Add(d) }
	s := newSchedule(began)
	src := s.Add("/root", media.Layout{Format: media.HDS, Bootstrap: "bootstrap"}, &Destination{}, false)
	version := func(inode uint64) media.Version {
		return media.Version{Size: 9, ModTime: at(time.Duration(inode)), Inode: inode}
	}
	read := func(content string, now time.Time, refs []string, onDisk []media.Version) {
		s.ManifestRead(src, "g/s/bootstrap", Reading{References: refs, OnDisk: onDisk, Content: []byte(content),
			Sum: sha256.Sum256([]byte(content)), Manifest: media.Manifest{Segments: len(refs)}, ModTime: now, ReadAt: now}, nil, now)
	}

	s.Closed(src, "g/s/f4vSeg1-Frag2", version(2), false, nil, at(time.Second))
	read("run a", at(2*time.Second), []string{"g/s/f4vSeg1-Frag1", "g/s/f4vSeg1-Frag2"}, []media.Version{{}, version(2)})
	s.Closed(src, "g/s/f4vSeg1-Frag1", version(3), false, nil, at(3*time.Second))
	read("run b", at(3*time.Second), []string{"g/s/f4vSeg1-Frag1", "g/s/f4vSeg1-Frag9"}, []media.Version{version(3), version(9)})
	for d := 4 * time.Second; d < 9*time.Second; d += 100 * time.Millisecond {
		for j, ok := s.Next(at(d)); ok; j, ok = s.Next(at(d)) {
			if j.Task == PutManifest {
				t.Fatalf("the manifest of %s is published", j.Manifest.Bytes)
			}
			s.Done(Result{Job: j}, at(d))
		}
	}
	if !src.files["g/s/f4vSeg1-Frag1"].bucket.isConfirmed() || !src.files["g/s/f4vSeg1-Frag2"].bucket.isConfirmed() {
		t.Fatal("not all is uploaded")
	}
}

// Of what waits of a run, nothing is published with an init segment of the next one, whatever is known of its own.
func TestR2ManifestOfARunIsNotPublishedWithTheInitSegmentOfTheNextOne(t *testing.T) {
	const manifest, init, segment = "g/manifest.mpd", "g/s/video/1/seg_init.mp4", "g/s/video/1/segment_0.m4s"
	began := time.Now()
	at := func(d time.Duration) time.Time { return began.Add(d) }
	version := func(n int) media.Version {
		return media.Version{Size: 9, ModTime: at(time.Duration(n) * time.Second), Inode: uint64(n)}
	}
	for _, c := range []struct {
		name   string
		onDisk media.Version                       // of the init segment, when the first run's manifest was read
		before func(s *Schedule, src *Source)      // that
		then   func(s *Schedule, src *Source) bool // and after it
	}{
		{"it was gone, and never seen", media.Version{}, nil, nil},
		{"it was there, and its closing never reported", version(1), nil, nil},
		{"only the spool had it, and has given it up", media.Version{}, func(s *Schedule, src *Source) {
			s.Kept(src, init, version(1), at(time.Second))
			s.Evicted(src, init)
			s.releaseUnnamed(at(-time.Hour))
			clear(s.unnamed)
		}, nil},
		{"it was uploaded", version(1), func(s *Schedule, src *Source) { s.Closed(src, init, version(1), false, nil, at(time.Second)) }, nil},
		{"it was asked for, and is absent", media.Version{}, nil, func(s *Schedule, src *Source) bool {
			s.Absent(src, init, false, began)
			return true
		}},
		{"the same manifest is read once more", version(1), nil, func(s *Schedule, src *Source) bool { return false }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSchedule(began)
			src := s.Add("/root", media.Layout{Format: media.DASH}, &Destination{}, false)
			read := func(content string, written, now time.Duration, inits media.Version, segments ...string) {
				onDisk := []media.Version{inits}
				for range segments {
					onDisk = append(onDisk, version(2))
				}
				s.ManifestRead(src, manifest, Reading{References: append([]string{init}, segments...), Others: 1, OnDisk: onDisk,
					Content: []byte(content), Sum: sha256.Sum256([]byte(content)),
					Manifest: media.Manifest{Segments: len(segments)}, ModTime: at(written), ReadAt: at(now)}, nil, at(now))
			}
			if c.before != nil {
				c.before(s, src)
			}
			s.Closed(src, segment, version(2), false, nil, at(2*time.Second))
			read("run a", 3*time.Second, 4*time.Second, c.onDisk, segment)
			if c.then != nil && !c.then(s, src) {
				read("run a", 3*time.Second, 5*time.Second, c.onDisk, segment)
			}
			s.Closed(src, init, version(6), false, nil, at(6*time.Second))
			read("run b", 7*time.Second, 7*time.Second, version(6), segment, "g/s/video/1/segment_4000.m4s")
			for d := 8 * time.Second; d < 15*time.Second; d += 100 * time.Millisecond {
				for j, ok := s.Next(at(d)); ok; j, ok = s.Next(at(d)) {
					if string(j.Manifest.Bytes) == "run a" {
						t.Fatal("the manifest of the run before is published")
					}
					s.Done(Result{Job: j}, at(d))
				}
			}
			if !src.files[init].bucket.isConfirmed() {
				t.Fatal("nothing is uploaded")
			}
		})
	}
}

// A fragment is rewritten before its upload and forgotten, since no manifest names it yet. The manifest of that
// run, which waits for it, is not published with the fragment of the next run.
func TestR2OldRunIsNotPublishedWithAFragmentWrittenAfterIt(t *testing.T) {
	const fragment, bootstrap = "g/s/f4vSeg1-Frag1", "g/s/bootstrap"
	began := time.Now()
	at := func(seconds int) time.Time { return began.Add(time.Duration(seconds) * time.Second) }
	s := newSchedule(began)
	src := s.Add("/root", media.Layout{Format: media.HDS, Bootstrap: "bootstrap"}, &Destination{}, false)
	version := func(second int) media.Version {
		return media.Version{Size: 9, ModTime: at(second), Inode: uint64(second)}
	}
	read := func(content string, written, now int, onDisk ...media.Version) {
		refs := []string{fragment, "g/s/f4vSeg1-Frag2"}[:len(onDisk)]
		s.ManifestRead(src, bootstrap, Reading{References: refs, OnDisk: onDisk, Content: []byte(content),
			Sum: sha256.Sum256([]byte(content)), Manifest: media.Manifest{Segments: len(refs)}, ModTime: at(written),
			ReadAt: at(now)}, nil, at(now))
	}
	read("run a", 1, 3, version(2)) // the fragment is being written again, and its closing is never reported
	s.Closed(src, fragment, version(5), false, nil, at(6))
	read("run b", 7, 7, version(5), version(6)) // whose second fragment has not arrived
	for second := 8; second < 15; second++ {
		for j, ok := s.Next(at(second)); ok; j, ok = s.Next(at(second)) {
			if string(j.Manifest.Bytes) == "run a" {
				t.Fatal("the manifest of the run before is published")
			}
			s.Done(Result{Job: j}, at(second))
		}
	}
	if !src.files[fragment].bucket.isConfirmed() {
		t.Fatal("nothing is uploaded")
	}
}
