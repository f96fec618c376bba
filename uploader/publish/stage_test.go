package publish_test

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"ems-sidecar/media"
	"ems-sidecar/uploader/publish"
)

// A stage is what a story plays on: a schedule, and the disk, the spool and the bucket around it,
// in a time of its own.
type stage struct {
	schedule *publish.Schedule
	settings publish.Settings
	observed bool                    // the steps of the files are printed
	sources  map[string]*stageSource // by their directory
	now      time.Time
	minute   time.Time // when the next sweep is due
	began    time.Time // the command that is being played

	disk     map[string]media.Version
	unread   map[string]bool // manifests that were written since they were read last
	contents map[string][]media.Version
	spool    map[string]media.Version
	named    map[string]bool               // by a manifest
	objects  map[string]publish.ObjectInfo // by key
	texts    map[string][]byte             // of the manifests in the bucket, by key
	flights  []stageFlight
	judged   time.Time         // when streams were judged last
	judges   bool              // they are, and what changes is printed
	applied  func(publish.Job) // sees what the bucket has applied; may be nil

	out []string
}

// A stageFlight is a job in flight. Its file is opened when it starts.
type stageFlight struct {
	publish.Job
	failure publish.FileFailure
}

// A stageSource is a source with what it was made of.
type stageSource struct {
	*publish.Source
	layout media.Layout
	dest   *publish.Destination
}

func newStage() *stage {
	began := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	return &stage{
		settings: publish.Settings{Host: "here", Workers: 8, BulkWorkers: 1, Began: began, Observed: true,
			Jitter: func(d time.Duration) time.Duration { return d / 2 }},
		sources: map[string]*stageSource{}, now: began, minute: began.Add(time.Minute),
		disk: map[string]media.Version{}, unread: map[string]bool{}, contents: map[string][]media.Version{},
		spool: map[string]media.Version{}, named: map[string]bool{}, objects: map[string]publish.ObjectInfo{},
		texts: map[string][]byte{},
	}
}

// sourceOf returns the source that has p.
func (s *stage) sourceOf(p string) *stageSource {
	dir, _, _ := strings.Cut(p, "/")
	src := s.sources[dir]
	if src == nil {
		panic("no source has " + p)
	}
	return src
}

// place is where all files are.
func (src *stageSource) place() *publish.Place {
	if !src.dest.Delete {
		return nil
	}
	return &publish.Place{}
}

// write writes p, in place if it is there, and notes its content under a number.
func (s *stage) write(p string, at time.Time) {
	v := media.Version{Size: 1000, ModTime: at, Inode: uint64(len(s.contents[p]) + 1)}
	if old, there := s.disk[p]; there {
		v.Inode = old.Inode
	}
	s.disk[p], s.unread[p] = v, true
	s.contents[p] = append(s.contents[p], v)
}

// content tells which content of p has version v, if there were several.
func (s *stage) content(p string, v media.Version) string {
	if n := slices.Index(s.contents[p], v) + 1; n > 1 {
		return fmt.Sprintf(" (content %d)", n)
	}
	return ""
}

func (s *stage) closed(p string) {
	if _, there := s.disk[p]; !there {
		s.write(p, s.now)
	}
	src, v := s.sourceOf(p), s.disk[p]
	kept := s.named[p] || publish.IsChunk(src.layout, p, v)
	if kept {
		s.spool[p] = v
	}
	s.schedule.Closed(src.Source, p, v, kept, src.place(), s.now)
	if kept {
		s.schedule.Linked(src.Source, p)
	}
}

func (s *stage) removed(p string) {
	delete(s.disk, p)
	src := s.sourceOf(p).Source
	if v, kept := s.spool[p]; kept {
		s.schedule.Kept(src, p, v, s.now)
	} else {
		s.schedule.Removed(src, p, false, s.now)
	}
}

var digits = regexp.MustCompile(`\d+`)

// number returns the last number in the name of a segment.
func number(p string) uint64 {
	all := digits.FindAllString(path.Base(p), -1)
	if len(all) == 0 {
		return 0
	}
	n, err := strconv.ParseUint(all[len(all)-1], 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// read reports the manifest p, which names refs, segments last. The sequence is the number in the
// name of the first one, or the last one in the text sequence. A segment lasts 4 s, or so many as
// stand behind an @.
func (s *stage) read(p string, refs []string, run, sequence string, ended bool) {
	src := s.sourceOf(p)
	refs, lasts := slices.Clone(refs), make([]string, len(refs))
	for i := range refs {
		name, seconds, _ := strings.Cut(refs[i], "@")
		refs[i], lasts[i] = name, cmp.Or(seconds, "4")
	}
	if !s.unread[p] {
		s.write(p, s.now)
	}
	s.unread[p] = false
	r := publish.Reading{References: refs, ModTime: s.disk[p].ModTime, ReadAt: s.now}
	content := "#EXTM3U\n"
	if slices.ContainsFunc(lasts, func(d string) bool { return d != "4" }) {
		content += "#EXT-X-VERSION:3\n"
	}
	if i := slices.IndexFunc(refs, func(ref string) bool { return src.layout.Kind(ref).Role == media.ChunkFile }); i >= 0 {
		if sequence == "" {
			sequence = path.Base(refs[i])
		}
		content += fmt.Sprintf("#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:%d\n", number(sequence))
	}
	if run != "" {
		content += "# " + run + "\n"
	}
	for i, ref := range refs {
		s.named[ref] = true
		if src.layout.Kind(ref).Role != media.ChunkFile {
			r.Others++
			content += reference(p, ref, src.layout)
			continue
		}
		name := path.Base(ref)
		if src.layout.RunPrefix {
			name = strings.TrimPrefix(ref, path.Dir(p)+"/")
		}
		content += "#EXTINF:" + lasts[i] + ",\n" + name + "\n"
	}
	if ended {
		content += "#EXT-X-ENDLIST\n"
	}
	r.Content, r.Sum, r.MD5 = []byte(content), sha256.Sum256([]byte(content)), publish.MD5([]byte(content))
	r.Manifest = media.Manifest{Segments: len(refs) - r.Others, Ended: ended, Set: r.Others == len(refs)}
	if segments := refs[r.Others:]; len(segments) > 0 {
		r.Manifest.Sequence, r.Manifest.Last = number(segments[0]), number(segments[len(segments)-1])
		if src.layout.Writer != media.EMSWrites {
			r.Manifest.Sequence = number(sequence)
			r.Manifest.Last = r.Manifest.Sequence + uint64(len(segments)) - 1
		}
		r.Manifest.Set = false
		if src.layout.Format == media.HLS {
			r.Manifest.TargetDuration = 4 * time.Second
		}
	}
	if src.layout.MayReturn(refs) && !src.layout.RunPrefix {
		for _, ref := range refs {
			r.OnDisk = append(r.OnDisk, s.disk[ref])
		}
	}
	s.schedule.ManifestRead(src.Source, p, r, src.place(), s.now)
}

// reference is how the manifest p names ref, which is no segment: a variant of a master playlist, or
// else only for the reader of a story.
func reference(p, ref string, layout media.Layout) string {
	within, ok := strings.CutPrefix(ref, path.Dir(p)+"/")
	if ok && layout.Format == media.HLS && layout.Kind(ref).Role == media.ManifestFile {
		return "#EXT-X-STREAM-INF:BANDWIDTH=1\n" + within + "\n"
	}
	return "# " + path.Base(ref) + "\n"
}

// start starts what can be started, and prints what was decided.
func (s *stage) start() {
	for {
		j, ok := s.schedule.Next(s.now)
		s.printEffects()
		if !ok {
			return
		}
		s.flights = append(s.flights, stageFlight{j, s.open(j)})
		s.print("%s", s.describe(j))
	}
}

// pass lets time go on until at, as the uploader's loop does. If answered is set, the bucket
// answers meanwhile.
func (s *stage) pass(at time.Time, answered bool) {
	for {
		s.start()
		for answered && len(s.flights) > 0 {
			s.done(0, ending{})
			s.start()
		}
		next := s.minute
		if wake := s.schedule.Wake(s.now); !wake.IsZero() && wake.Before(next) {
			next = wake
		}
		if judging := s.judged.Add(time.Second); s.guards() && judging.Before(next) {
			next = judging
		}
		if next.After(at) {
			break
		}
		s.now = next
		if s.guards() && !s.now.Before(s.judged.Add(time.Second)) {
			s.judged = s.now
			s.schedule.Judge(s.now)
		}
		if !s.now.Before(s.minute) {
			s.minute = s.minute.Add(time.Minute)
			s.schedule.Sweep(s.now)
		}
	}
	s.now = at
	s.start()
}

// guards reports whether streams are judged.
func (s *stage) guards() bool {
	judged := s.judges
	for _, src := range s.sources {
		judged = judged || src.dest.StaleAfter > 0
	}
	if judged && s.judged.IsZero() {
		s.judged = s.now
	}
	return judged
}

// restart ends this run of the daemon, and begins the next one. What was in flight is not applied.
func (s *stage) restart() {
	s.settings.Began, s.flights = s.now, nil
	s.schedule = publish.New(s.settings)
	for _, dir := range slices.Sorted(maps.Keys(s.sources)) {
		src := s.sources[dir]
		src.Source = s.schedule.Add("/root", src.layout, src.dest, false)
	}
}
