package emswriter

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Recording writes what the API's record command leaves on disk. Set the exported fields before
// Start and leave them alone afterwards. Its methods are for one goroutine.
//
// The order of calls is Start, Write…, Next, Write…, Next, …, End, without Next unless Parts is
// set; a Start after that, or in the middle of a file, is a stream that came back. The content of
// each file is in the end what was written between these calls.
type Recording struct {
	File  string // ends in .mp4, .ts or .flv, which says how it is written
	Parts bool   // chunkLength is set: the files are <name>_part0000.mp4 and so on

	disk
	part     int
	name     string  // of the open file; of the one that will be there in the end if it is an mp4
	media    *file   // which takes what is written
	tracks   []*file // of an mp4: info, track1, track2
	size     int     // of media
	pending  []byte  // what is not in media yet
	duration []byte  // of an flv: the bytes that are patched in the end
}

// page is the size of one write(2) to an mp4 or flv.
const page = 4096

// Chunk returns the path of the file that is being written. An mp4 is not there before it ends.
func (r *Recording) Chunk() string { return r.name }

// Start begins the first file, after EMS's test of whether it may write one. If there is a file of
// that name, the new one gets a number. With Parts, numbers begin at 0 again, and what is there is
// replaced; what EMS does then was not seen.
func (r *Recording) Start() error {
	r.abandon()
	if err := os.MkdirAll(filepath.Dir(r.File), 0o755); err != nil {
		return err
	}
	r.part = 0
	r.name = r.free()
	if err := r.try(r.name); err != nil {
		return err
	}
	if r.Parts {
		r.name = r.partName()
		if err := r.try(r.name); err != nil {
			return err
		}
	}
	return r.create()
}

// Write appends p to the open file, a packet or a page at a time.
func (r *Recording) Write(p []byte) (int, error) {
	if r.media == nil {
		return 0, fs.ErrClosed
	}
	size := page
	if filepath.Ext(r.name) == ".ts" {
		size = packet
	}
	r.pending = append(r.pending, p...)
	for len(r.pending) >= size {
		if err := r.flush(size); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// Next ends the open file and begins the next part.
func (r *Recording) Next() error { return r.finish(true) }

// End ends the open file and the recording.
func (r *Recording) End() error { return r.finish(false) }

func (r *Recording) finish(next bool) error {
	if r.media == nil {
		return fs.ErrClosed
	}
	if err := r.flush(len(r.pending)); err != nil {
		return err
	}
	name := r.name
	err := r.media.Close()
	r.media = nil
	if err != nil {
		return err
	}
	switch filepath.Ext(name) {
	case ".flv":
		if err := r.patch(name); err != nil {
			return err
		}
	case ".mp4":
		if err := r.closeTracks(); err != nil {
			return err
		}
	}
	if next {
		r.part++
		r.name = r.partName()
		if err := r.create(); err != nil {
			return err
		}
	}
	if filepath.Ext(name) == ".mp4" {
		return r.assemble(name)
	}
	return nil
}

func (r *Recording) create() (err error) {
	r.size, r.pending, r.duration = 0, nil, nil
	if filepath.Ext(r.name) != ".mp4" {
		r.media, err = r.disk.create(r.name)
		return err
	}
	if r.media, err = r.disk.create(r.name + ".mdat"); err != nil {
		return err
	}
	for _, suffix := range trackSuffixes {
		track, err := r.disk.create(r.name + suffix)
		if err != nil {
			return err
		}
		r.tracks = append(r.tracks, track)
	}
	return nil
}

var trackSuffixes = []string{".info", ".track1", ".track2"}

// flush writes the next n bytes that are pending. What an flv says of its duration is not known
// yet.
func (r *Recording) flush(n int) error {
	if n == 0 {
		return nil
	}
	b := r.pending[:n]
	if filepath.Ext(r.name) == ".flv" && r.size == 0 {
		b = bytes.Clone(b)
		duration := b[min(flvDuration, n):min(flvDuration+8, n)]
		r.duration = bytes.Clone(duration)
		clear(duration)
	}
	if _, err := r.media.Write(b); err != nil {
		return err
	}
	before := r.size
	r.size += n
	r.pending = r.pending[n:]
	// The other files of an mp4 grow about once a second.
	if before/(8*page) == r.size/(8*page) {
		return nil
	}
	for _, track := range r.tracks {
		if _, err := fmt.Fprintln(track, r.size); err != nil {
			return err
		}
	}
	return nil
}

// flvDuration is where an flv's metadata have their first number.
const flvDuration = 53

// closeTracks closes the files beside an mp4's media; info is the last.
func (r *Recording) closeTracks() error {
	tracks := append(r.tracks[1:], r.tracks[0])
	r.tracks = nil
	for _, track := range tracks {
		_, err := fmt.Fprintln(track, "end")
		if err := cmp.Or(err, track.Close()); err != nil {
			return err
		}
	}
	return nil
}

// assemble makes the mp4 of the files that were written. With EMS, another process does that.
func (r *Recording) assemble(name string) error {
	mdat, err := r.reopen(name + ".mdat")
	if err != nil {
		return err
	}
	var readers []*os.File
	defer func() {
		for _, f := range readers {
			_ = f.Close()
		}
	}()
	for _, suffix := range trackSuffixes {
		f, err := os.Open(name + suffix)
		if err != nil {
			_ = mdat.Close()
			return err
		}
		readers = append(readers, f)
	}
	mp4, err := r.disk.create(name)
	if err != nil {
		_ = mdat.Close()
		return err
	}
	content, err := os.ReadFile(name + ".mdat")
	if err := cmp.Or(err, mdat.Close()); err != nil {
		_ = mp4.Close()
		return err
	}
	for len(content) > 0 {
		n, err := mp4.Write(content[:min(page, len(content))])
		if err != nil {
			_ = mp4.Close()
			return err
		}
		content = content[n:]
	}
	if err := mp4.Close(); err != nil {
		return err
	}
	for _, suffix := range []string{".info", ".mdat", ".track1", ".track2"} {
		if err := r.remove(name + suffix); err != nil {
			return err
		}
	}
	return nil
}

// patch opens an flv once more, for what its metadata say.
func (r *Recording) patch(name string) error {
	f, err := r.reopen(name)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(r.duration, flvDuration)
	return cmp.Or(err, f.Close())
}

// try is EMS's test of permissions: the file is created, closed and deleted.
func (r *Recording) try(name string) error {
	f, err := r.disk.create(name)
	if err != nil {
		return err
	}
	return cmp.Or(f.Close(), r.remove(name))
}

// free returns the name, with a number if there is such a file.
func (r *Recording) free() string {
	name := r.File
	for n := 1; ; n++ {
		if _, err := os.Lstat(name); err != nil {
			return name
		}
		name = r.with(fmt.Sprintf("_%04d", n))
	}
}

func (r *Recording) partName() string { return r.with(fmt.Sprintf("_part%04d", r.part)) }

func (r *Recording) with(suffix string) string {
	ext := filepath.Ext(r.File)
	return strings.TrimSuffix(r.File, ext) + suffix + ext
}

// abandon closes the files as they are, as when a server is killed.
func (r *Recording) abandon() {
	if r.media != nil {
		_ = r.media.Close()
	}
	for _, track := range r.tracks {
		_ = track.Close()
	}
	r.media, r.tracks = nil, nil
}
