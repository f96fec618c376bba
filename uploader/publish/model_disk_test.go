package publish_test

import (
	"crypto/sha256"
	"encoding/hex"
	"path"
	"slices"
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
		content = playlistOf(text, segments, parsed.Ended)
	}
	s := &sheet{text: text, content: content, parsed: parsed, refs: append(slices.Clone(others), segments...), others: len(others)}
	s.digest()
	return s
}

// playlistOf is what a playlist holds that says text.
func playlistOf(text string, segments []string, ended bool) []byte {
	content := "#EXTM3U\n# " + text + "\n"
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

// endsBefore returns s without the segments from n on, if it has ended, as it is published when
// those were given up.
func (s *sheet) endsBefore(n int) *sheet {
	cut := &sheet{text: s.text + ", cut", of: s, content: playlistOf(s.text, s.refs[s.others:n], true), parsed: s.parsed,
		refs: s.refs[:n], others: s.others}
	cut.digest()
	return cut
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

// write writes p, in place if the name is there and anew is false, and leaves c.
func (d *modelDisk) write(p string, c content, anew bool, now time.Time) *inode {
	i := d.names[p]
	if i == nil || anew {
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
