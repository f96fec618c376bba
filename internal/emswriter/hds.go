package emswriter

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// HDS writes one stream's directory, and the stream's entries in its group's manifests. Set the
// exported fields before Start and leave them alone afterwards. Its methods are for one goroutine.
//
// The order of calls is Start, First, Write…, Next, Write…, Next, …, End; a Start after that, or in
// the middle of a fragment, is a stream that came back: it uses the same names again, from 1.
type HDS struct {
	Dir       string        // the stream's directory, <group>/<stream>; made if it is missing
	Base      string        // fragment names are <Base>Seg1-Frag<n>; default "f4v"
	Appending bool          // list all fragments instead of the newest List
	List      int           // fragments in a rolling bootstrap, 2 or more; default 5
	Stale     int           // fragments kept behind those; default List
	Bitrate   int           // bit/s, as the manifests say; default 198000
	Begin     time.Duration // the first fragment's time in the stream's own clock; seen: 1.124 s
	Cleanup   bool          // cleanupDestination=1: Start deletes what earlier runs left
	Now       func() time.Time

	disk
	created time.Time // of this run, as the manifests say
	open    *fragment
	number  int           // of the open fragment
	at      time.Duration // of the open fragment
	runs    []run         // the listed fragments
	kept    []string      // fragments on disk, oldest first, the open one included; unused if Appending
	abst    []byte        // the newest bootstrap
}

// Bootstrap returns the path of the file that lists the fragments.
func (h *HDS) Bootstrap() string { return filepath.Join(h.Dir, "bootstrap") }

// Chunk returns the path of the fragment that is being written.
func (h *HDS) Chunk() string {
	return filepath.Join(h.Dir, fmt.Sprintf("%sSeg1-Frag%d", h.base(), h.number))
}

// Start begins a run: it writes the manifests. The bootstrap that they name comes with the first
// whole fragment; until then there is none, or that of an earlier run, which not even Cleanup
// deletes.
func (h *HDS) Start() error {
	h.open.abandon()
	h.open = nil
	if err := os.MkdirAll(h.Dir, 0o755); err != nil {
		return err
	}
	if h.Cleanup {
		if err := h.sweep(h.Dir, h.isOld); err != nil {
			return err
		}
	}
	h.created = clock(h.Now)
	h.number, h.at, h.runs, h.kept = 0, h.Begin, nil, nil
	h.abst = abst{first: run{lasts: time.Millisecond}}.bytes()
	return h.writeManifests()
}

// First creates the first fragment, whose final content is given. EMS does so with the first key
// frame, about a second after Start. The content must not be changed before the fragment is closed.
func (h *HDS) First(content []byte) error { return h.create(content) }

// Write appends the next n bytes of the content, or what is left of it, to the open fragment: one
// frame.
func (h *HDS) Write(n int) error { return h.open.write(n) }

// Next ends the open fragment, which lasted d, with what is left of its content, and creates the
// next one. The bootstrap names the fragment after it is closed.
func (h *HDS) Next(d time.Duration, content []byte) error {
	if err := h.finish(d, false); err != nil {
		return err
	}
	return h.create(content)
}

// End ends the open fragment, which lasted d, and the stream: manifests and bootstrap say that it
// is recorded now.
func (h *HDS) End(d time.Duration) error {
	if err := h.finish(d, true); err != nil {
		return err
	}
	return h.endManifests()
}

// Remove ends the stream as removeConfig with removeHlsHdsFiles=1 does: the group's manifests
// forget it first, and its directory is deleted last.
func (h *HDS) Remove(d time.Duration) error {
	if err := h.forget(); err != nil {
		return err
	}
	if err := h.End(d); err != nil {
		return err
	}
	if err := h.sweep(h.Dir, func(string) bool { return true }); err != nil {
		return err
	}
	return h.remove(h.Dir)
}

// isOld says what Cleanup deletes: all but the bootstrap.
func (h *HDS) isOld(name string) bool {
	return strings.Contains(name, "Seg1-") || strings.HasSuffix(name, ".f4m")
}

func (h *HDS) finish(d time.Duration, ended bool) error {
	if h.open == nil {
		return fs.ErrClosed
	}
	if err := h.open.complete(h.open.finalHead()); err != nil {
		return err
	}
	err := h.open.file.Close()
	h.open = nil
	if err != nil {
		return err
	}
	h.runs = append(h.runs, run{fragment: h.number, at: h.at, lasts: d})
	if !h.Appending {
		h.runs = h.runs[max(0, len(h.runs)-h.list()):]
	}
	a := abst{fragments: len(h.runs), first: h.runs[0], ended: ended}
	if len(h.runs) > 1 {
		a.newest = &h.runs[len(h.runs)-1]
	}
	h.abst = a.bytes()
	h.at += d
	return h.truncateAndWrite(h.Bootstrap(), string(h.abst))
}

func (h *HDS) create(content []byte) error {
	if h.open != nil {
		return fs.ErrExist
	}
	h.number++
	var err error
	h.open, err = h.createFragment(h.Chunk(), content, form{
		head:    hdsHead,
		entries: hdsTrun + 20,
		draft:   h.draft,
	})
	if err != nil || h.Appending {
		return err
	}
	h.kept = append(h.kept, h.Chunk())
	if len(h.kept) <= h.list()+h.stale()+1 {
		return nil
	}
	old := h.kept[0]
	h.kept = h.kept[1:]
	return h.remove(old)
}

// A fragment is afra, abst, moof with mfhd, traf, tfhd and trun, and mdat.
const (
	hdsHead = 5424 // seen: 5248 to 5424
	hdsAfra = 37
	hdsTrun = 228
)

// draft makes a head what it is when the fragment is created: the bootstrap is that of the fragment
// before, and neither afra's offset nor trun's size and count are known.
func (h *HDS) draft(head []byte) {
	put(head, hdsAfra-8, make([]byte, 8)...)
	put(head, hdsAfra, h.abst...)
	put(head, hdsTrun, 0, 0, 0, 20)
	put(head, hdsTrun+12, 0, 0, 0, 0)
}

func (h *HDS) base() string { return cmp.Or(h.Base, "f4v") }
func (h *HDS) bitrate() int { return cmp.Or(h.Bitrate, 198000) }
func (h *HDS) list() int    { return cmp.Or(h.List, 5) }
func (h *HDS) stale() int   { return cmp.Or(h.Stale, h.list()) }
