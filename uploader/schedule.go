package uploader

import (
	"errors"
	"io/fs"
	"log/slog"
	"path"
	"time"

	"ems-sidecar/media"
)

// The schedule knows every file that is to be published and decides what is uploaded next. It does no
// I/O, has no clock of its own, and belongs to one goroutine.
type schedule struct {
	log     *slog.Logger
	workers int

	lanes    map[*Destination]*lane
	streams  map[streamKey]*stream
	ring     []*stream // round-robin order
	turn     int       // index in ring of the stream that is asked first
	inFlight int
	draining bool                // only manifests are started
	rereads  map[*file]time.Time // manifests that could not be read, and when to try again
	figures  figures
}

type streamKey struct {
	src  *Source
	name string
}

// A job is what a worker does: one request to the store.
type job struct {
	file     *file
	version  media.Version // of the chunk that is to be uploaded
	snapshot *snapshot     // of the manifest that is to be uploaded, or nil
	look     bool          // ask whether the bucket has the file, and upload nothing
	fresh    bool          // over a fresh connection
	started  time.Time
}

// A result is what came of a job.
type result struct {
	job
	found   bool  // for look
	bytes   int64 // that were sent
	fileErr error // why the file cannot be sent: fs.ErrNotExist, errChanged, or a failure to read it
	err     error // the store's
}

// errChanged says that a file is not what it was when it was closed.
var errChanged = errors.New("file changed")

// localRetryCap is the longest wait before a file that could not be read is tried again.
const localRetryCap = 30 * time.Second

func newSchedule(workers int, log *slog.Logger) *schedule {
	return &schedule{
		log:     log,
		workers: workers,
		lanes:   make(map[*Destination]*lane),
		streams: make(map[streamKey]*stream),
		rereads: make(map[*file]time.Time),
	}
}

// file returns the entry for p, made if there is none.
func (s *schedule) file(src *Source, p string) *file {
	if f, ok := src.files[p]; ok {
		return f
	}
	k := streamKey{src, path.Dir(p)}
	st, ok := s.streams[k]
	if !ok {
		st = &stream{src: src, name: k.name}
		s.streams[k] = st
		s.ring = append(s.ring, st)
	}
	f := &file{src: src, stream: st, path: p}
	if media.HLSKind(p).Role == media.Manifest {
		f.manifest = &manifest{file: f}
		st.manifests = append(st.manifests, f.manifest)
	}
	src.files[p] = f
	st.files++
	return f
}

func (s *schedule) lane(d *Destination) *lane {
	l, ok := s.lanes[d]
	if !ok {
		l = &lane{dest: d}
		s.lanes[d] = l
	}
	return l
}

// chunkClosed takes in that the chunk p is whole on disk, in version v.
func (s *schedule) chunkClosed(src *Source, p string, v media.Version, now time.Time) {
	f := src.files[p]
	named := f != nil && f.named > 0
	// EMS creates, closes and deletes empty files as a permission test.
	if !named && (media.HLSKind(p).Role != media.Chunk || v.Size == 0) {
		return
	}
	if f == nil {
		f = s.file(src, p)
	}
	if why := f.keyProblem(); why != "" {
		s.lose(f, "file cannot be published", why)
		return
	}
	if f.lost {
		f.lost = false
		src.generation++
	}
	f.removed = false
	if f.confirmed && f.confirmedVersion.Equal(v) || f.closed && f.version.Equal(v) && f.state != idle && !f.look {
		f.closed, f.version = true, v
		return
	}
	if f.confirmed {
		f.confirmed = false // the bucket holds other content under this name
		src.generation++
	}
	f.closed, f.version, f.look, f.lagKnown = true, v, false, false
	f.retryAt, f.failures = time.Time{}, 0
	f.closedAt = v.ModTime
	if f.closedAt.After(now) || now.Sub(f.closedAt) > time.Minute {
		f.closedAt = now // found by a scan, or another machine's clock
	}
	if f.state != inFlight {
		f.stream.enqueue(f)
	}
}

// manifestClosed takes in what the manifest p held at one closing, and which files below the root that names.
func (s *schedule) manifestClosed(src *Source, p string, snap *snapshot, refs []string, now time.Time) {
	f := s.file(src, p)
	m := f.manifest
	f.removed, f.closed, f.failures = false, true, 0
	delete(s.rereads, f)
	if why := f.keyProblem(); why != "" {
		s.lose(f, "manifest cannot be published", why)
		return
	}
	if known := m.newest(); known != nil && known.sum == snap.sum {
		return
	}
	for _, r := range refs {
		if r != p {
			snap.refs = append(snap.refs, s.file(src, r))
		}
	}
	if m.wentBack(snap) {
		s.log.Warn("playlist went back, ignored until it moves on", "stream", f.stream.name, "key", f.key(),
			"media_sequence", snap.playlist.MediaSequence, "known", m.newest().playlist.MediaSequence)
		s.figures.failures++
		for _, r := range snap.refs {
			src.forgetIfUnused(r)
		}
		return
	}
	if snap.outside != "" && snap.outside != m.outside {
		m.outside = snap.outside
		s.log.Warn("playlist names a file outside of the root, which is never published", "stream", f.stream.name,
			"key", f.key(), "uri", snap.outside, "next", "the playlist does not wait for it")
	}
	snap.generation = src.generation - 1 // so that ready looks at every reference
	m.add(snap)
	var unknown []string
	for _, r := range snap.refs {
		switch {
		case r.settled() || r.closed:
		case r.keyProblem() != "":
			s.lose(r, "file cannot be published", r.keyProblem())
		case r.state == idle:
			unknown = append(unknown, r.path)
		}
	}
	if len(unknown) > 0 {
		src.expecter.Expect(unknown...)
	}
}

// removed takes in that the name p is gone from the disk.
func (s *schedule) removed(src *Source, p string) {
	f, ok := src.files[p]
	if !ok {
		return
	}
	f.removed = true
	if f.manifest != nil {
		return // what was read of it is still to be published (R5)
	}
	if !f.confirmed && f.state != inFlight {
		s.missing(f)
	}
	src.forgetIfUnused(f)
}

// manifestUnreadable has the manifest p, which cannot be read now, reported again later: if it was
// the stream's last one, no closing will.
func (s *schedule) manifestUnreadable(src *Source, p string, err error, now time.Time) {
	f := s.file(src, p)
	f.failures++
	s.figures.failures++
	wait := backoff(f.failures+2, localRetryCap)
	s.rereads[f] = now.Add(wait)
	s.log.Warn("playlist cannot be read", "root", src.dir, "stream", f.stream.name, "key", f.key(), "err", err,
		"attempt", f.failures, "next", "it is read again", "retry_in", wait.Round(time.Millisecond))
}

// absent takes in that p, which a manifest names, is not on disk.
func (s *schedule) absent(src *Source, p string) {
	if f, ok := src.files[p]; ok && !f.settled() && f.state == idle {
		f.removed = true
		s.missing(f)
	}
}

// missing handles a file that is not on disk and not confirmed. If a manifest names it, the bucket is
// asked for it: an earlier run may have uploaded it.
func (s *schedule) missing(f *file) {
	f.closed = false
	if f.named == 0 && f.manifest == nil {
		f.state = idle
		s.lose(f, "chunk is lost", "it was deleted from the disk before it could be uploaded")
		return
	}
	f.look = true
	f.stream.enqueue(f)
}

// lose gives up a file that can never arrive: no manifest waits for it any longer.
func (s *schedule) lose(f *file, what, why string) {
	if f.lost {
		return
	}
	f.lost = true
	s.figures.lost++
	next := "it stays out of the bucket; no manifest names it"
	if f.named > 0 {
		next = "the manifest that names it no longer waits for it"
	}
	s.warnPerFile(f.stream, what, "key", f.key(), "err", why, "next", next)
}

// maxWarnings bounds, for each stream and minute, the warnings that can come once per file.
const maxWarnings = 5

func (s *schedule) warnPerFile(st *stream, msg string, attrs ...any) {
	st.warnings++
	if st.warnings > maxWarnings {
		return
	}
	attrs = append([]any{"stream", st.name}, attrs...)
	if st.warnings == maxWarnings {
		attrs = append(attrs, "more", "further warnings of this minute are only counted")
	}
	s.log.Warn(msg, attrs...)
}

// next returns the job that is to be started now, if any, and takes it for started.
func (s *schedule) next(now time.Time) (job, bool) {
	for f, at := range s.rereads {
		if !now.Before(at) {
			delete(s.rereads, f)
			f.src.expecter.Expect(f.path)
		}
	}
	if s.inFlight >= s.workers {
		return job{}, false
	}
	for i := range s.ring {
		at := (s.turn + i) % len(s.ring)
		st := s.ring[at]
		l := s.lane(st.src.dest)
		if st.inFlight >= s.share(st) || !l.admits(st, now) {
			continue
		}
		f, snap := st.pick(now, s.draining, l.closedTo(st))
		if f == nil {
			continue
		}
		s.turn = at + 1
		if snap != nil {
			f.manifest.start(snap)
			if p := f.manifest.published; p != nil && p.sum == snap.sum && !f.manifest.uncertain {
				f.manifest.finish(snap) // it came back to what the bucket holds
				return s.next(now)
			}
		} else {
			f.state = inFlight
		}
		st.inFlight++
		s.inFlight++
		probe := l.closedTo(st)
		l.probing = l.probing || probe
		return job{file: f, version: f.version, snapshot: snap, look: snap == nil && f.look,
			fresh: st.failures > 0 || probe, started: now}, true
	}
	return job{}, false
}

// share is how many workers st may hold at once: one while it is in trouble, and never so many that
// others find none (R9).
func (s *schedule) share(st *stream) int {
	if st.failures > 0 {
		return 1
	}
	return max(1, s.workers/4)
}

// done takes in what came of a job.
func (s *schedule) done(r result, now time.Time) {
	f, st := r.file, r.file.stream
	s.inFlight--
	st.inFlight--
	if r.snapshot == nil {
		f.state = idle
	}
	switch {
	case r.fileErr != nil:
		s.lane(st.src.dest).probing = false
		s.fileFailure(r, now)
	case r.err != nil:
		s.storeFailure(r, now)
	default:
		s.success(r, now)
	}
	f.src.forgetIfUnused(f)
}

func (s *schedule) success(r result, now time.Time) {
	f, st := r.file, r.file.stream
	if r.look {
		// That a key is not there is no word on whether the bucket takes one: S3 answers the same where
		// the bucket is missing.
		l := s.lane(st.src.dest)
		l.probing = false
		if l.state == open {
			st.recovered()
		}
		s.looked(f, r.found)
		return
	}
	if s.lane(st.src.dest).success(st, now) {
		s.log.Info("bucket accepts requests again", "bucket", st.src.dest.Bucket)
		for _, other := range s.ring {
			if other.src.dest == st.src.dest {
				other.reopened(now)
			}
		}
	}
	st.recovered()
	s.figures.bytes += r.bytes
	switch {
	case r.snapshot != nil:
		s.published(f.manifest, r.snapshot, r, now)
	default:
		s.figures.chunks++
		s.log.Debug("uploaded", "stream", st.name, "key", f.key(), "bytes", r.bytes, "took", rounded(now.Sub(r.started)))
		f.failures = 0
		if f.closed && !f.version.Equal(r.version) {
			st.enqueue(f) // closed again, with other content
			break
		}
		f.confirmed, f.confirmedVersion = true, r.version
		f.lost, f.look = false, false
	}
}

// looked takes in whether the bucket has f, which was not on disk when that was asked.
func (s *schedule) looked(f *file, found bool) {
	f.look = false
	switch {
	case f.confirmed:
	case f.manifest != nil:
		// A child playlist that is nowhere may still appear: EMS writes the master before it.
		f.confirmed = found
	case f.closed:
		f.stream.enqueue(f) // it came to the disk meanwhile
	case found:
		f.confirmed, f.confirmedVersion = true, media.Version{}
	default:
		s.lose(f, "chunk is lost", "it is neither on disk nor in the bucket")
	}
}

func (s *schedule) published(m *manifest, snap *snapshot, r result, now time.Time) {
	f, st := m.file, m.file.stream
	first, ended := m.published == nil, m.published != nil && m.published.playlist.EndList
	var lag time.Duration
	for i := len(snap.refs) - 1; i >= 0; i-- {
		c := snap.refs[i]
		if c.lagKnown || c.manifest != nil || c.closedAt.IsZero() {
			break
		}
		c.lagKnown = true
		lag = max(lag, now.Sub(c.closedAt))
		s.figures.lag(now.Sub(c.closedAt))
	}
	m.finish(snap)
	m.notBefore = r.started.Add(st.src.dest.ManifestInterval)
	st.published = now
	s.figures.manifests++
	attrs := []any{"stream", st.name, "key", f.key(), "media_sequence", snap.playlist.MediaSequence,
		"segments", snap.playlist.Segments, "lag", rounded(lag), "took", rounded(now.Sub(r.started))}
	s.log.Debug("published", attrs...)
	switch end := snap.playlist.EndList; {
	case snap.playlist.Master:
	case end && first:
		s.log.Info("stream that has ended is published", attrs...)
	case end && !ended:
		s.log.Info("stream ended", attrs...)
	case (first || ended) && !end:
		s.log.Info("stream is live", attrs...)
	}
}

// rounded is for people.
func rounded(d time.Duration) time.Duration { return d.Round(100 * time.Microsecond) }

// fileFailure handles a chunk that could not be read, or was not what it had been.
func (s *schedule) fileFailure(r result, now time.Time) {
	f := r.file
	newer := f.closed && !f.version.Equal(r.version)
	switch {
	case newer:
		f.stream.enqueue(f)
	case errors.Is(r.fileErr, fs.ErrNotExist):
		f.removed = true
		s.missing(f)
	case errors.Is(r.fileErr, errChanged):
		// Being rewritten: its next closing brings it back.
		f.closed = false
		f.src.expecter.Expect(f.path)
	default:
		f.failures++
		s.figures.failures++
		wait := backoff(f.failures+2, localRetryCap)
		f.stream.delay(f, now.Add(wait))
		s.warnPerFile(f.stream, "file cannot be read", "key", f.key(), "err", r.fileErr, "attempt", f.failures,
			"next", "tried again, manifests that name it wait", "retry_in", wait.Round(time.Millisecond))
	}
}

// storeFailure handles a request that the bucket did not take.
func (s *schedule) storeFailure(r result, now time.Time) {
	f, st := r.file, r.file.stream
	if r.snapshot != nil {
		f.manifest.inFlight = nil
		f.manifest.uncertain = true
	} else if !f.confirmed {
		st.enqueue(f)
	}
	s.figures.failures++
	st.failures++
	refused, whole := errors.Is(r.err, ErrPermanent), errors.Is(r.err, ErrBucket)
	wait := backoff(st.failures, backoffCap)
	st.retryAt = now.Add(wait)
	if refused {
		// Other keys may fare better, so it is first this one that waits, and then the stream.
		wait = refusedProbe
		st.retryAt = time.Time{}
		if r.snapshot != nil {
			f.manifest.notBefore = now.Add(wait)
		} else {
			st.delay(f, now.Add(wait))
		}
		if st.refusals++; st.refusals >= streamRefusals {
			st.refused, st.retryAt = true, now.Add(wait)
		}
	}
	l := s.lane(st.src.dest)
	closedNow := l.failure(st, refused, whole, st.refused && s.allRefused(st.src.dest, now), now)
	what := "upload failed"
	if r.look {
		what = "bucket cannot be asked for a file"
	}
	attrs := []any{"stream", st.name, "key", f.key(), "err", r.err, "attempt", st.failures}
	switch {
	case closedNow && l.state != silent:
		s.log.Error("bucket refuses requests, uploads to it are stopped", append(attrs, "bucket", st.src.dest.Bucket,
			"next", "one request at a time probes whether that is mended", "retry_in", refusedProbe)...)
	case closedNow:
		s.log.Error("bucket does not answer, uploads to it wait", append(attrs, "bucket", st.src.dest.Bucket,
			"next", "one request at a time probes whether it is back")...)
	case l.closedTo(st):
		s.log.Warn(what, append(attrs, "next", "the bucket is probed again",
			"retry_in", l.probeAt.Sub(now).Round(time.Millisecond))...)
	case st.refused:
		s.log.Warn(what, append(attrs, "next", "this stream waits, others go on", "retry_in", wait)...)
	case refused:
		s.log.Warn(what, append(attrs, "next", "this file waits, others go on", "retry_in", wait)...)
	default:
		s.log.Warn(what, append(attrs, "next", "tried again over a fresh connection",
			"retry_in", wait.Round(time.Millisecond))...)
	}
}

// allRefused reports whether every stream that has something to upload to dest was refused.
func (s *schedule) allRefused(dest *Destination, now time.Time) bool {
	for _, st := range s.ring {
		if st.src.dest == dest && !st.refused {
			if f, _ := st.pick(now, false, false); f != nil || st.inFlight > 0 {
				return false
			}
		}
	}
	return true
}

// wake returns when next may find something that it does not find now, or the zero time if only an
// event can bring it.
func (s *schedule) wake(now time.Time) time.Time {
	var at time.Time
	if !s.draining {
		for _, reread := range s.rereads {
			at = earlier(at, reread)
		}
	}
	if s.inFlight >= s.workers {
		return at
	}
	for _, st := range s.ring {
		if st.inFlight >= s.share(st) {
			continue
		}
		l := s.lane(st.src.dest)
		if f, _ := st.pick(now, s.draining, l.closedTo(st)); f != nil && !(l.closedTo(st) && l.probing) {
			at = earlier(at, l.opensFor(st))
		}
		at = earlier(at, st.wake(now, s.draining))
	}
	return at
}
