package publish_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"ems-sidecar/media"
)

// An inode is what a name on the model's disk stands for.
type inode struct {
	number  uint64
	modTime time.Time
	holds   content
}

// A content is what one write to a file leaves. No two writes leave the same.
type content struct {
	id    int    // grows from write to write; 0 is none
	run   int    // of the stream
	half  bool   // being written
	sheet *sheet // of a manifest that is whole
}

// A sheet is what a manifest says.
type sheet struct {
	text    string
	of      *sheet // what was read, of which this is the beginning
	content []byte
	sum     [sha256.Size]byte
	hexSum  string
	parsed  media.Manifest
	refs    []string // paths, the segments last
	others  int      // of refs, those that are no segments
}

func newSheet(text string, parsed media.Manifest, others, segments []string) *sheet {
	content := []byte(text)
	if !parsed.Set && len(segments) > 0 && strings.HasPrefix(text, "HLS") {
		content = playlistOf(text, parsed.Sequence, segments, parsed.Ended)
	}
	s := &sheet{text: text, content: content, parsed: parsed, refs: append(slices.Clone(others), segments...), others: len(others)}
	s.digest()
	return s
}

// playlistOf is what a playlist holds that says text.
func playlistOf(text string, sequence uint64, segments []string, ended bool) []byte {
	content := fmt.Sprintf("#EXTM3U\n# %s\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:%d\n", text, sequence)
	for _, p := range segments {
		content += "#EXTINF:4,\n" + path.Base(p) + "\n"
	}
	if ended {
		content += "#EXT-X-ENDLIST\n"
	}
	return []byte(content)
}

// digest notes the sum of the content.
func (s *sheet) digest() {
	s.sum = sha256.Sum256(s.content)
	s.hexSum = hex.EncodeToString(s.sum[:])
}

// An edition is a playlist as it was sent: what viewers get of a sheet.
type edition struct {
	says  string          // the text of the sheet
	refs  []string        // paths of the segments
	gaps  map[string]bool // of them, those that are marked as missing
	ended bool
	run   int // of the stream

	sequence, discontinuities uint64              // of the list
	numbers                   map[string]position // of the segments
}

// A position is where players have a segment.
type position struct{ sequence, discontinuity uint64 }

// readEdition reads what was sent of the playlist p.
func readEdition(p string, content []byte) (e edition) {
	e.gaps, e.numbers = map[string]bool{}, map[string]position{}
	gap := false
	var at position
	for line := range strings.Lines(string(content)) {
		switch line = strings.TrimSpace(line); {
		case strings.HasPrefix(line, "# "):
			e.says = line[2:]
		case strings.HasPrefix(line, "#EXT-X-MEDIA-SEQUENCE:"):
			e.sequence, _ = strconv.ParseUint(line[len("#EXT-X-MEDIA-SEQUENCE:"):], 10, 64)
			at.sequence = e.sequence
		case strings.HasPrefix(line, "#EXT-X-DISCONTINUITY-SEQUENCE:"):
			e.discontinuities, _ = strconv.ParseUint(line[len("#EXT-X-DISCONTINUITY-SEQUENCE:"):], 10, 64)
			at.discontinuity = e.discontinuities
		case line == "#EXT-X-DISCONTINUITY":
			at.discontinuity++
		case line == "#EXT-X-GAP":
			gap = true
		case line == "#EXT-X-ENDLIST":
			e.ended = true
		case line != "" && line[0] != '#':
			ref := path.Join(path.Dir(p), line)
			e.refs = append(e.refs, ref)
			e.gaps[ref], gap = gap, false
			e.numbers[ref] = at
			at.sequence++
		}
	}
	return e
}

// brokenBy says what e breaks of what players of before, which they have, were promised, or "".
// reused: a name may be that of other content.
func (before edition) brokenBy(e edition, reused bool) string {
	switch {
	case e.sequence < before.sequence:
		return fmt.Sprintf("the media sequence falls from %d to %d", before.sequence, e.sequence)
	case e.discontinuities < before.discontinuities:
		return fmt.Sprintf("the discontinuity sequence falls from %d to %d", before.discontinuities, e.discontinuities)
	}
	taken := map[uint64]string{}
	for ref, n := range before.numbers {
		taken[n.sequence] = ref
	}
	for _, ref := range e.refs {
		n := e.numbers[ref]
		if was, listed := before.numbers[ref]; listed && was != n && !reused {
			return fmt.Sprintf("%s has numbers %v, and had %v", ref, n, was)
		}
		if other, ok := taken[n.sequence]; ok && other != ref {
			return fmt.Sprintf("%s has the number %d of %s", ref, n.sequence, other)
		}
	}
	return ""
}

// editionOf returns the sheet that was sent of s.
func (s *sheet) editionOf(e edition, content []byte) *sheet {
	sent := &sheet{of: s, content: content, parsed: s.parsed, refs: append(slices.Clone(s.refs[:s.others]), e.refs...), others: s.others}
	sent.parsed.Ended = e.ended
	sent.digest()
	sent.text = s.text + ", as " + sent.hexSum[:8]
	return sent
}

// says reports whether o, which may be nil, has what s says.
func (o *object) says(s *sheet) bool {
	return o != nil && (o.sheet.text == s.text || o.sheet.of != nil && o.sheet.of.text == s.text)
}

func (i *inode) version() media.Version {
	return media.Version{Size: 1000, ModTime: i.modTime, Inode: i.number}
}

// A modelDisk is the disk with its spool.
type modelDisk struct {
	names  map[string]*inode
	spool  map[string]*keptFile
	inodes uint64
	writes int
	last   time.Time
}

// A keptFile is one entry of the spool: a link.
type keptFile struct {
	inode   *inode
	version media.Version
	lonely  bool // its name is gone
}

func newModelDisk() *modelDisk {
	return &modelDisk{names: map[string]*inode{}, spool: map[string]*keptFile{}}
}

// write writes p, in place if the name is there and asNew is false, and leaves c.
func (d *modelDisk) write(p string, c content, asNew bool, now time.Time) *inode {
	i := d.names[p]
	if i == nil || asNew {
		d.inodes++
		i = &inode{number: d.inodes}
		d.names[p] = i
	}
	d.writes++
	c.id = d.writes
	if !now.After(d.last) {
		now = d.last.Add(time.Nanosecond) // no two writes have the same time
	}
	d.last = now
	i.modTime, i.holds = now, c
	return i
}

// keep does what spool.Spool.Keep does.
func (d *modelDisk) keep(p string, v media.Version) {
	old := d.spool[p]
	switch i := d.names[p]; {
	case i == nil || old != nil && old.version.Equal(v):
	case old != nil && old.version.Inode == v.Inode && !old.lonely:
		old.version = v
	default:
		d.spool[p] = &keptFile{inode: i, version: v}
	}
}

// find does what spool.Spool.Find does.
func (d *modelDisk) find(p string) (v media.Version, found bool) {
	k := d.spool[p]
	if k == nil {
		return v, false
	}
	k.version = k.inode.version()
	return k.version, true
}

// open returns what p is read from: the name, or what the spool has of it.
func (d *modelDisk) open(p string) *inode {
	if i := d.names[p]; i != nil {
		return i
	}
	if k := d.spool[p]; k != nil {
		return k.inode
	}
	return nil
}

// rescanSpool does what spool.Spool does at a start. It returns what only the spool has, and what
// it gives up because the name has other content.
func (d *modelDisk) rescanSpool() (found, givenUp []string) {
	for _, p := range sortedKeys(d.spool) {
		k, named := d.spool[p], d.names[p]
		k.version = k.inode.version()
		switch {
		case named == nil:
			k.lonely = true
			found = append(found, p)
		case named != k.inode:
			delete(d.spool, p)
			givenUp = append(givenUp, p)
		default:
			k.lonely = false
		}
	}
	return found, givenUp
}

// whole returns the names of all files that no one writes, sorted.
func (d *modelDisk) whole() (names []string) {
	for _, p := range sortedKeys(d.names) {
		if !d.names[p].holds.half {
			names = append(names, p)
		}
	}
	return names
}
