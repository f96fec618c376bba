package publish

import (
	"cmp"
	"log/slog"
	"path"
	"slices"
	"strings"
	"time"

	"ems-sidecar/internal/trouble"
	"ems-sidecar/media"
	"ems-sidecar/uploader/health"
)

// R9, of streams in one directory. A directory is a stream, as a rule. Some writers put the playlists
// and chunks of all streams into one, such as nginx-rtmp without hls_nested. Which manifests belong
// together is what they say: a set joins what it names, a segment those that name it. If there are
// several such groups, each is a stream, a part of the directory, with health, turns and retries of its
// own. What no manifest of a part has named so far is the directory's.

const (
	// kinPatience is how long two playlists may take to be joined by a set, or by a segment: writers write
	// the master playlist when all variants have a chunk.
	kinPatience = 10 * time.Second
	// knownPatience is for how long that is where the set is there already if there is one: after a start,
	// and in a directory that is known to have several streams.
	knownPatience = 2 * time.Second
)

// A sharing is what is known of the streams in one directory, or of one of them.
type sharing struct {
	state  sharingState
	parts  []*stream // in the order in which they were found
	lookAt time.Time // when to look which manifests belong together; zero: nothing has changed

	home *stream   // of a part: the stream of the directory
	kin  []*stream // of a part: those of other formats with the same segments
}

type sharingState uint8

const (
	alone  sharingState = iota // the directory is one stream, as far as is known
	unsure                     // it has several playlists after a start, and is not shown before its streams are known
	shared                     // its streams are its parts
)

var streamsApart = trouble.Notice{
	Kind: "streams_apart", Level: slog.LevelInfo,
	Message: "directory has several streams, and each has the name of its playlist now",
}

// directory returns the stream of the directory that st is, or is a part of.
func (st *stream) directory() *stream {
	if st.sharing.home != nil {
		return st.sharing.home
	}
	return st
}

// A group is manifests of one source in one directory that belong together.
type group struct {
	manifests []*manifest // by their paths
	twins     []*manifest // of other formats
	parts     []*stream   // of which some are now
	since     time.Time   // when the first was read that can be played; zero: none can
}

// noteNeighbours has it looked at soon what snap, which is being added, changes about which manifests
// belong together.
func (s *Schedule) noteNeighbours(snap *snapshot, now time.Time) {
	m := snap.manifest
	src, known := m.file.src, m.newest()
	if m.readFirst.IsZero() {
		m.readFirst = now
	} else if !snap.parsed.Set || known != nil && slices.Equal(known.refs, snap.refs) {
		return
	}
	for _, o := range src.family.sources {
		if home := s.streams[streamKey{src: o, name: m.file.stream.name}]; home != nil {
			s.lookSoon(home, now)
		}
	}
	for _, r := range snap.refs {
		if r.manifest != nil {
			s.lookSoon(r.stream.directory(), now)
		}
	}
}

// lookSoon has it looked at which manifests in the directory of home belong together, if it has several.
func (s *Schedule) lookSoon(home *stream, now time.Time) {
	sh, format := &home.sharing, home.src.layout.Format
	if format != media.HLS && format != media.DASH || len(home.manifests)+len(sh.parts) < 2 {
		return
	}
	sh.lookAt = now
	if sh.state == alone && home.vitals.state == health.Starting && now.Sub(s.settings.Began) < kinPatience {
		sh.state = unsure
	}
}

// arrange finds out which manifests in the directory of home belong together. What was found to be apart
// stays so, unless a manifest joins it.
func (s *Schedule) arrange(home *stream, now time.Time) {
	sh := &home.sharing
	sh.lookAt = time.Time{}
	var known []*group
	all := 0
	for _, g := range home.groups() {
		if g.since.IsZero() {
			continue
		}
		all++
		if due := g.since.Add(s.kinPatience(home, g)); len(g.parts) == 0 && now.Before(due) {
			sh.lookAt = earlier(sh.lookAt, due)
			continue
		}
		known = append(known, g)
	}
	switch {
	case all == 1 && len(known) == 1 && len(known[0].parts) > 1:
		s.reunite(home, now)
	case sh.state == shared || len(known) > 1:
		s.split(home, known, now)
	case all < 2:
		sh.state, sh.lookAt = alone, time.Time{}
	}
}

// kinPatience returns how long g may take to be joined with others.
func (s *Schedule) kinPatience(home *stream, g *group) time.Duration {
	if home.sharing.state == shared || g.since.Sub(s.settings.Began) < kinPatience {
		return knownPatience
	}
	return kinPatience
}

// canBePlayed reports whether m names segments in its own directory, of another writer than EMS, whose
// streams have directories.
func (m *manifest) canBePlayed() bool {
	n := m.newest()
	if n == nil || n.parsed.Segments == 0 || len(n.refs) == n.others {
		return false
	}
	newest := n.refs[len(n.refs)-1]
	return newest.stream.name == m.file.stream.name && newest.stream.writing.by == media.AnyWrites
}

// groups returns the manifests of home's source in its directory, those together that belong together.
func (home *stream) groups() (groups []*group) {
	own, kin := home.joined()
	byRoot := make(map[*file]*group)
	for _, m := range own {
		root := kin.root(m.file)
		g := byRoot[root]
		if g == nil {
			g = &group{}
			byRoot[root] = g
			groups = append(groups, g)
		}
		g.manifests = append(g.manifests, m)
		st := m.file.stream
		if st.sharing.home != nil && !slices.Contains(g.parts, st) {
			g.parts = append(g.parts, st)
		}
		if st.sharing.home != nil || m.canBePlayed() {
			g.since = earlier(g.since, m.readFirst)
		}
	}
	for m := range home.src.manifestsIn(home.name) {
		if g := byRoot[kin.root(m.file)]; g != nil && m.file.src != home.src {
			g.twins = append(g.twins, m)
		}
	}
	return groups
}

// joined returns the manifests of home's source in its directory, by their paths, and what belongs
// together.
func (home *stream) joined() (own []*manifest, kin kinship) {
	kin = make(kinship)
	for m := range home.src.manifestsIn(home.name) {
		kin.joinAll(m)
		if m.file.src == home.src {
			own = append(own, m)
		}
	}
	for _, st := range append([]*stream{home}, home.sharing.parts...) {
		for _, m := range st.links.namedBy {
			kin.joinAll(m)
		}
		for _, m := range st.manifests {
			if st != home {
				kin.join(st.manifests[0].file, m.file)
			}
		}
	}
	slices.SortFunc(own, func(a, b *manifest) int { return cmp.Compare(a.file.path, b.file.path) })
	return own, kin
}

// A kinship has for a file one that it belongs with. Without one, it stands for its group.
type kinship map[*file]*file

// root returns the file that stands for the group of f.
func (k kinship) root(f *file) *file {
	for k[f] != nil {
		if over := k[k[f]]; over != nil {
			k[f] = over
		}
		f = k[f]
	}
	return f
}

func (k kinship) join(a, b *file) {
	if a, b = k.root(a), k.root(b); a != b {
		k[b] = a
	}
}

// joinAll joins m with the segments and manifests that it names. A key or an init segment joins nothing.
func (k kinship) joinAll(m *manifest) {
	n := m.newest()
	if n == nil {
		return
	}
	for i, r := range n.refs {
		if i >= n.others || r.manifest != nil {
			k.join(m.file, r)
		}
	}
}

// nameOf returns what the part of g is called: as its first set, or else its first playlist. Where a
// stream has that name, it has its extension, too.
func (s *Schedule) nameOf(home *stream, g *group) string {
	head := g.manifests[0]
	for _, m := range slices.Backward(g.manifests) {
		if n := m.newest(); n != nil && n.parsed.Set {
			head = m
		}
	}
	file := path.Base(head.file.path)
	name := strings.TrimSuffix(file, path.Ext(file))
	st := s.named(home.src, path.Join(home.name, name))
	returns := st != nil && st.sharing.home == home && len(st.manifests) == 0 // its playlist was away for long
	if name == "" || st != nil && st.files > 0 && !returns {
		return file
	}
	return name
}

// named returns the stream of src that is called so, below the root, or nil.
func (s *Schedule) named(src *Source, name string) *stream {
	if st := s.streams[streamKey{src: src, name: name}]; st != nil {
		return st
	}
	return s.streams[streamKey{src, path.Dir(name), path.Base(name)}]
}
