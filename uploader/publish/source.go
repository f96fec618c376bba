package publish

import (
	"time"

	"ems-sidecar/media"
)

// A Destination is where and how a Source is published. Only Schedule.Change changes it once it is
// in use.
type Destination struct {
	Section          string        // of the config, as it is written there
	ID               string        // of the section: what ids of streams begin with; empty: the format, in small letters
	Endpoint         string        // of the store; empty: Amazon's
	Bucket           string        // for messages
	Prefix           string        // of every key
	SkipBacklog      bool          // chunks that EMS has deleted, and no manifest names any more, are not uploaded
	ManifestInterval time.Duration // least time between two PUTs of one manifest
	ReconnectWindow  time.Duration // HLS, DASH: how long a stream that stopped may take to return; 0: it may not
	StaleAfter       time.Duration // HLS: so old a live playlist is ended or removed, as its server is dead; 0: never
	WhenStale        StaleAction
	RemoveAbsent     bool          // HLS: a master playlist leaves out variants that are nowhere
	SplitRanges      bool          // HLS: byte ranges of files go up as objects of their own, pieces
	DeleteLocal      bool          // recordings: delete the file, once compared with its object
	DeleteLocalAfter time.Duration // and how long after its upload
	Delete           bool          // an object, so long after its file was deleted; not recordings
	DeleteDelay      time.Duration
	Archive          bool          // HLS: what is published is listed by hours, and its chunks stay
	ArchiveKeep      time.Duration // for how long archives and clips stay; 0: for good
	DVR              time.Duration // HLS: how much of a stream a second live playlist lists; 0: there is none
}

// IsWith reports whether what is published to d and to o has the same keys in the same bucket.
func (d *Destination) IsWith(o *Destination) bool {
	return d.Endpoint == o.Endpoint && d.Bucket == o.Bucket && d.Prefix == o.Prefix
}

// DeletionInterval returns how often it is looked at which objects are to be deleted.
func (d *Destination) DeletionInterval() time.Duration {
	return min(10*time.Second, max(250*time.Millisecond, d.DeleteDelay/4))
}

// A Source is what one format has below one root, published to one Destination.
type Source struct {
	schedule *Schedule
	root     string
	layout   media.Layout
	dest     *Destination
	shared   bool

	files      map[string]*file
	family     *family
	stuckSince time.Time // when its file system stopped answering; zero: it answers
	retired    bool      // nothing more is reported of it
	obstacles  obstacles
	skipped    int64      // chunks that were not uploaded because no manifest names them any more
	retention  *retention // nil until something is to be deleted
	place      *Place     // where the last file was of which a closing was reported
	told       sourceTold
}

// A sourceTold is what was logged about a source, so that it is logged once.
type sourceTold struct {
	noContent bool // that the bucket does not tell what players have
	noRoot    bool // that the root is not there, and nothing is deleted therefore
}

// Add returns a new source for what layout finds below the directory root. If shared is set, its
// files are kept in a directory that serves other roots, too: what is found there may be another
// one's.
func (s *Schedule) Add(root string, layout media.Layout, dest *Destination, shared bool) *Source {
	src := &Source{
		schedule: s, root: root, layout: layout, dest: dest, shared: shared,
		files: make(map[string]*file),
	}
	s.join(src)
	s.sources = append(s.sources, src)
	return src
}

// RootName is what objects tell of their root: of a very long path, the end.
func (src *Source) RootName() string { return src.root[max(0, len(src.root)-maxRootName):] }

// bulk reports whether its files are large, so that they have workers of their own.
func (src *Source) bulk() bool { return src.layout.Format.IsRecorded() }

// IsChunk reports whether a file p of layout, in version v, is uploaded whether or not a manifest
// names it.
func IsChunk(layout media.Layout, p string, v media.Version) bool {
	// EMS creates, closes and deletes empty files as a permission test.
	role := layout.Kind(p).Role
	return (role == media.ChunkFile || role == media.SideFile) && v.Size > 0
}
