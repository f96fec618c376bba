// Package emswriter repeats the system calls with which EMS writes live streams (HLS, HDS, DASH,
// MSS) and recordings, one by one and in its order, for tests and the demo. It encodes nothing and
// never sleeps: the caller brings the bytes, the pace and the clock.
package emswriter

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// packet is the size of one write(2) to a chunk: an MPEG-TS packet.
const packet = 188

// HLS writes one stream's directory. Set the exported fields before Start and leave them alone
// afterwards. Its methods are for one goroutine.
//
// The order of calls is Start, Write…, Next, Write…, Next, …, End; a Start after that, or in the
// middle of a chunk, is a stream that came back.
type HLS struct {
	Dir       string        // the stream's directory, <group>/<stream>; made if it is missing
	Base      string        // chunk names are <Base>_<ms>_<n>.ts; default "segment"
	Appending bool          // list all chunks instead of the newest ListLength
	List      int           // chunks in a rolling playlist; default 5
	Stale     int           // chunks kept behind the playlist; default List
	Target    time.Duration // the chunk length that EMS was asked for; default 4 s
	Key       []byte        // content of the AES key file that the playlist names; none if empty
	Init      []byte        // content of the init segment that the playlist names; chunks are fMP4 then
	Cleanup   bool          // cleanupDestination=1: Start deletes what earlier runs left
	WriteSize int           // bytes of one write(2) to a chunk; default 188, a packet, as EMS
	Now       func() time.Time

	disk
	run    int64     // Unix ms at Start: a part of the chunks' names
	next   time.Time // when the open chunk's first picture was taken
	number int       // of the open chunk, from 1
	chunk  *file
	listed []listed      // closed chunks that are still on disk, oldest first; all of them if Appending
	target time.Duration // of this run: the longest chunk
}

type listed struct {
	name     string
	at       time.Time
	duration time.Duration
}

// Playlist returns the playlist's path.
func (h *HLS) Playlist() string { return filepath.Join(h.Dir, "playlist.m3u8") }

// Chunk returns the path of the chunk that is being written.
func (h *HLS) Chunk() string { return filepath.Join(h.Dir, h.name(h.number)) }

// Start begins a run: names with a new time, the media sequence at 1, the first chunk created. A
// chunk that an earlier run left open is closed and never listed, as when a server is killed.
func (h *HLS) Start() error {
	_ = h.Abandon()
	h.left = nil
	if err := os.MkdirAll(h.Dir, 0o755); err != nil {
		return err
	}
	if h.Cleanup {
		if err := h.cleanup(); err != nil {
			return err
		}
	}
	h.next = clock(h.Now)
	h.run = h.next.UnixMilli()
	h.number = 0
	h.listed = nil
	h.target = cmp.Or(h.Target, 4*time.Second)
	if len(h.Key) > 0 {
		if err := h.truncateAndWrite(filepath.Join(h.Dir, h.keyName()), string(h.Key)); err != nil {
			return err
		}
	}
	if len(h.Init) > 0 {
		if err := h.truncateAndWrite(filepath.Join(h.Dir, h.initName()), string(h.Init)); err != nil {
			return err
		}
	}
	return h.create()
}

// Write appends p to the open chunk with one write(2) for every WriteSize bytes.
func (h *HLS) Write(p []byte) (int, error) {
	if h.chunk == nil {
		return 0, fs.ErrClosed
	}
	n, size := 0, cmp.Or(h.WriteSize, packet)
	for n < len(p) {
		m, err := h.chunk.Write(p[n:min(n+size, len(p))])
		n += m
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// Next ends the open chunk, which lasted d, and creates the next one. The playlist names the chunk
// before it is closed.
func (h *HLS) Next(d time.Duration) error {
	if err := h.finish(d); err != nil {
		return err
	}
	return h.create()
}

// End ends the open chunk, which lasted d, and the stream.
func (h *HLS) End(d time.Duration) error {
	if err := h.finish(d); err != nil {
		return err
	}
	if err := h.appendTo(h.Playlist(), endList); err != nil {
		return err
	}
	if !h.Appending {
		return nil
	}
	// A second closing follows, and the file is 2 bytes shorter than with ENDLIST alone: EVENT is
	// VOD now.
	return h.truncateAndWrite(h.Playlist(), strings.Replace(h.playlist(), ":EVENT", ":VOD", 1)+endList)
}

// KillAfter lets the server be killed before the call that changes the disk after so many others.
// The method that makes it returns ErrKilled; Abandon does then what the kernel does.
func (h *HLS) KillAfter(calls int) { h.left = &calls }

// Abandon closes the open chunk, if there is one, and does nothing else, as the kernel does when a server is killed.
func (h *HLS) Abandon() error {
	if h.chunk == nil {
		return nil
	}
	err := h.chunk.Close()
	h.chunk = nil
	return err
}

const endList = "#EXT-X-ENDLIST\r\n"

// finish repeats what EMS was seen to do at the end of a chunk, within about 3 ms.
func (h *HLS) finish(d time.Duration) error {
	if h.chunk == nil {
		return fs.ErrClosed
	}
	h.listed = append(h.listed, listed{name: h.name(h.number), at: h.next, duration: d})
	h.next = h.next.Add(d)
	h.target = max(h.target, d)
	playlist := h.playlist()
	var err error
	if h.Appending {
		err = h.rewriteAppending(playlist)
	} else {
		err = h.rewriteRolling(playlist)
	}
	if err != nil {
		return err
	}
	err = h.chunk.Close()
	h.chunk = nil
	return err
}

func (h *HLS) rewriteRolling(playlist string) error {
	tmp := h.Playlist() + ".tmp"
	if err := h.truncateAndWrite(tmp, playlist); err != nil {
		return err
	}
	if err := h.readAndRemove(tmp); err != nil {
		return err
	}
	if err := h.truncateAndWrite(h.Playlist(), playlist); err != nil {
		return err
	}
	if len(h.listed) <= h.listLength()+h.stale() {
		return nil
	}
	old := h.listed[0]
	h.listed = h.listed[1:]
	return h.remove(filepath.Join(h.Dir, old.name))
}

func (h *HLS) rewriteAppending(playlist string) error {
	if err := h.remove(h.Playlist()); err != nil {
		return err
	}
	// The temporary file is opened three times; what each write holds was not seen.
	tmp := h.Playlist() + ".tmp"
	head, entries := split(playlist, "#EXTINF")
	older, newest := splitLast(entries, "#EXTINF")
	for _, part := range []string{head, older, newest} {
		if err := h.appendTo(tmp, part); err != nil {
			return err
		}
	}
	if err := h.readAndRemove(tmp); err != nil {
		return err
	}
	return h.truncateAndWrite(h.Playlist(), playlist)
}

// cleanup deletes the playlist and the old chunks in one burst.
func (h *HLS) cleanup() error {
	if err := h.remove(h.Playlist()); err != nil {
		return err
	}
	return h.sweep(h.Dir, func(name string) bool {
		return strings.HasPrefix(name, h.base()+"_") && strings.HasSuffix(name, h.extension())
	})
}

func (h *HLS) create() error {
	h.number++
	var err error
	h.chunk, err = h.disk.create(h.Chunk())
	return err
}

func split(s, sep string) (before, from string) {
	i := strings.Index(s, sep)
	return s[:i], s[i:]
}

func splitLast(s, sep string) (before, from string) {
	i := strings.LastIndex(s, sep)
	return s[:i], s[i:]
}

// Packet returns a transport stream packet's worth of bytes that tell the stream and the position,
// so that a mixed-up or cut chunk is noticed: the sync byte, then text, padded.
func Packet(stream string, n int) []byte {
	p := bytes.Repeat([]byte{0xff}, packet)
	p[0] = 0x47
	copy(p[1:], fmt.Sprintf("%s %d ", stream, n))
	return p
}
