package emswriter

import (
	"cmp"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// MSS writes one stream's directory and its group's manifest. Set the exported fields before Start
// and leave them alone afterwards. Its methods are for one goroutine.
//
// The manifest of a group of several streams (Bitrates) is written when any of them has changed. It
// has the times of that one alone, for all of them: what it names of the others may not be changed
// for the last time yet, or not exist.
//
// The order of calls is Start, First, WriteVideo and WriteAudio…, Next, …, End; a Start after that,
// or in the middle of chunks, is a stream that came back.
//
// A chunk is closed for the last time when two more have ended, and named by the manifest only
// then. So the last two of a stream never are, and hold WithoutLookAhead of their contents for
// ever.
type MSS struct {
	Dir       string // the stream's directory, <group>/<stream>; made if it is missing
	Appending bool   // list all chunks instead of the newest List
	List      int    // chunks of each track in a rolling manifest; default 5
	Stale     int    // chunks kept behind those; default List
	Bitrate   int    // bit/s: a part of the chunks' paths; default 198000
	Bitrates  []int  // of the group's streams, if there are several: then <group>/<bitrate>/ has the chunks
	Cleanup   bool   // cleanupDestination=1: Start deletes what earlier runs left
	Now       func() time.Time

	disk
	video, audio mssTrack
}

type mssTrack struct {
	track
	waiting []waiting // closed chunks that have no look-ahead yet
	listed  int       // chunks that have been in the manifest
}

// A waiting chunk is closed, and will be changed when the times of the next two are known.
type waiting struct {
	chunk
	path  string
	later lookAhead
}

// lookAheads is how many chunks each chunk tells about: LookAheadFragmentCount.
const lookAheads = 2

// Manifest returns the manifest's path.
func (s *MSS) Manifest() string { return filepath.Join(filepath.Dir(s.Dir), "manifest.ismc") }

// VideoChunk returns the path of the video chunk that is being written.
func (s *MSS) VideoChunk() string { return s.chunk("video", s.video.at) }

// AudioChunk returns the path of the audio chunk that is being written.
func (s *MSS) AudioChunk() string { return s.chunk("audio", s.audio.at) }

// Start begins a run: it writes the manifest, without any chunk.
func (s *MSS) Start() error {
	s.video.open.abandon()
	s.audio.open.abandon()
	s.video, s.audio = mssTrack{}, mssTrack{}
	for _, kind := range []string{"video", "audio"} {
		if err := os.MkdirAll(s.dir(kind), 0o755); err != nil {
			return err
		}
	}
	if s.Cleanup {
		if err := s.remove(s.Manifest()); err != nil {
			return err
		}
		for _, kind := range []string{"audio", "video"} {
			if err := s.sweep(s.dir(kind), endsIn(".fmp4")); err != nil {
				return err
			}
		}
	}
	return s.writeManifest()
}

// First creates the first chunks, whose final contents are given, and names them after the second
// that it is. EMS does so with the first key frame, about a second after Start. The contents must
// not be changed before the chunks are closed for the second time.
func (s *MSS) First(video, audio []byte) error {
	at := time.Duration(clock(s.Now).Unix()) * time.Second
	s.video.at, s.audio.at = at, at
	if err := s.createVideo(video); err != nil {
		return err
	}
	return s.createAudio(audio)
}

// WriteVideo appends the next n bytes of the content, or what is left of it, to the open video
// chunk: one frame.
func (s *MSS) WriteVideo(n int) error { return s.video.open.write(n) }

// WriteAudio does so with the open audio chunk.
func (s *MSS) WriteAudio(n int) error { return s.audio.open.write(n) }

// Next ends the open chunks, which lasted d, with what is left of their contents, and creates the
// next ones: first the video's, a millisecond later the audio's.
func (s *MSS) Next(d time.Duration, video, audio []byte) error {
	if err := s.finish(&s.video, &s.audio, d, false); err != nil {
		return err
	}
	if err := s.createVideo(video); err != nil {
		return err
	}
	if err := s.finish(&s.audio, &s.video, d, false); err != nil {
		return err
	}
	return s.createAudio(audio)
}

// End ends the open chunks, which lasted d, and the stream. The manifest stays that of a live
// stream.
func (s *MSS) End(d time.Duration) error {
	if err := s.finish(&s.video, &s.audio, d, true); err != nil {
		return err
	}
	return s.finish(&s.audio, &s.video, d, true)
}

// finish repeats what EMS was seen to do at the end of a chunk.
func (s *MSS) finish(t, other *mssTrack, d time.Duration, last bool) error {
	if t.open == nil {
		return fs.ErrClosed
	}
	head := t.open.finalHead()
	later := findLookAhead(head)
	if err := t.open.complete(later.hide(head)); err != nil {
		return err
	}
	t.waiting = append(t.waiting, waiting{chunk: chunk{at: t.at, lasts: d}, path: t.open.path, later: later})
	if len(t.waiting) > lookAheads {
		if err := s.lookAhead(t); err != nil {
			return err
		}
		if err := s.update(&t.added, &other.added, last); err != nil {
			return err
		}
	}
	if !s.Appending {
		t.timed = t.timed[max(0, len(t.timed)-s.list()):]
		if err := s.update(&t.trimmed, &other.trimmed, last); err != nil {
			return err
		}
		t.kept = append(t.kept, t.open.path)
		if len(t.kept) > s.list()+s.stale()+lookAheads+1 {
			old := t.kept[0]
			t.kept = t.kept[1:]
			if err := s.remove(old); err != nil {
				return err
			}
		}
	}
	err := t.open.file.Close()
	t.open = nil
	t.at += d
	return err
}

// lookAhead completes the oldest chunk that waits for it and enters it in the manifest. EMS ends
// the stream if the chunk is gone.
func (s *MSS) lookAhead(t *mssTrack) error {
	w := t.waiting[0]
	t.waiting = t.waiting[1:]
	f, err := s.reopen(w.path)
	if err != nil {
		return err
	}
	if err := cmp.Or(w.later.write(f), f.Close()); err != nil {
		return err
	}
	t.listed++
	w.number = t.listed
	t.timed = append(t.timed, w.chunk)
	return nil
}

// update writes the manifest if both tracks have changed, or if this is one of the stream's last
// changes.
func (s *MSS) update(changed, other *bool, last bool) error {
	*changed = true
	if !*other && !last {
		return nil
	}
	*changed, *other = false, false
	return s.writeManifest()
}

func (s *MSS) writeManifest() error {
	return s.truncateAndWrite(s.Manifest(), s.manifest())
}

// The head of a chunk is moof with mfhd, traf, tfhd, trun, padding, tfrf, the look-ahead, and tfxd,
// the chunk's own time, and mdat's header.
const (
	mssVideoHead = 69292
	mssAudioHead = 69548
	mssTrun      = 52
	mssTfrf      = 61
	mssTfxd      = 44
)

func (s *MSS) createVideo(content []byte) (err error) {
	s.video.open, err = s.createTrack(&s.video, s.VideoChunk(), content, mssVideoHead)
	return err
}

func (s *MSS) createAudio(content []byte) (err error) {
	s.audio.open, err = s.createTrack(&s.audio, s.AudioChunk(), content, mssAudioHead)
	return err
}

func (s *MSS) createTrack(t *mssTrack, path string, content []byte, head int) (*fragment, error) {
	if t.open != nil {
		return t.open, fs.ErrExist
	}
	return s.createFragment(path, content, form{
		head: head, entries: mssTrun + 20, behind: mssTfxd, sized: true, draft: draftMSS,
	})
}

// draftMSS makes a head what it is when the chunk is created: neither its time nor its length are
// known.
func draftMSS(head []byte) {
	put(head, mssTrun, 0, 0, 0, 20)
	put(head, mssTrun+12, 0, 0, 0, 0) // count
	put(head, max(0, len(head)-mdatHeader-16), make([]byte, 16)...)
}

func (s *MSS) dir(kind string) string {
	if len(s.Bitrates) > 0 {
		return filepath.Join(filepath.Dir(s.Dir), strconv.Itoa(s.bitrate()), kind)
	}
	return filepath.Join(s.Dir, kind, strconv.Itoa(s.bitrate()))
}

func (s *MSS) chunk(kind string, at time.Duration) string {
	return filepath.Join(s.dir(kind), strconv.FormatInt(at.Milliseconds(), 10)+".fmp4")
}

func (s *MSS) bitrate() int { return cmp.Or(s.Bitrate, 198000) }
func (s *MSS) list() int    { return cmp.Or(s.List, 5) }
func (s *MSS) stale() int   { return cmp.Or(s.Stale, s.list()) }
