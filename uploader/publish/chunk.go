package publish

import (
	"time"

	"ems-sidecar/media"
)

// A chunk is in a state that is the product of three: what the disk has, what the bucket is
// believed to have, and what is being done. docs/design.md draws them. Each changes by its own
// methods only.

// onDisk is what the disk, or the spool, has of a file.
type onDisk struct {
	state     diskState
	version   media.Version // that was closed last
	former    media.Version // that was closed before version
	writtenAt time.Time     // when EMS wrote it; zero once its lag is counted
	seen      media.Version // the version at the last reading of a manifest that names it; zero after the next report
	closedAt  time.Time     // about when it was closed, by this clock
	appearsBy time.Time     // the file was not there when it was looked for, and may appear until then
}

type diskState uint8

const (
	diskUnknown diskState = iota // nothing was reported
	diskOpen                     // it is not whole, or not as it was when it was closed
	diskWhole                    // version is there, whole
	diskKept                     // version is kept in the spool, and the name is gone
	diskGone                     // the name is gone, and nothing is kept
)

func (d diskState) String() string { return [...]string{"unknown", "open", "whole", "kept", "gone"}[d] }

// isWhole reports whether version can be read: on the disk, or from the spool.
func (d *onDisk) isWhole() bool { return d.state == diskWhole || d.state == diskKept }

// isNameGone reports whether the disk has no file of the name.
func (d *onDisk) isNameGone() bool { return d.state == diskKept || d.state == diskGone }

// closed applies that the file is whole.
func (d *onDisk) closed() { d.state = diskWhole }

// closedAs applies that the file is whole, in version v.
func (d *onDisk) closedAs(v media.Version) {
	if !d.version.Equal(v) {
		d.former = d.version
	}
	d.version, d.seen = v, media.Version{}
	d.closed()
}

// nameGone applies that the disk has no file of the name any more.
func (d *onDisk) nameGone() {
	if d.isWhole() {
		d.state = diskKept
	} else {
		d.state = diskGone
	}
}

// nameKept applies that the spool has a file of which only the end of its name is known. It is a
// step on the way: chunkClosed and nameGone follow.
func (d *onDisk) nameKept() {
	switch d.state {
	case diskKept:
		d.state = diskWhole
	case diskGone:
		d.state = diskUnknown
	}
}

// contentGone applies that version cannot be read any more: the file was changed, or is not kept.
func (d *onDisk) contentGone() {
	switch d.state {
	case diskWhole:
		d.state = diskOpen
	case diskKept:
		d.state = diskGone
	}
}

// sawOpen applies that a manifest was read while v was on the disk.
func (d *onDisk) sawOpen(v media.Version) {
	d.seen = v
	if d.state == diskUnknown {
		d.state = diskOpen
	}
}

// hasOther reports whether the disk has other content than v that was not reported as closed yet.
func (d *onDisk) hasOther(v media.Version) bool {
	return d.seen != (media.Version{}) && !d.seen.Equal(v)
}

// neverSeen reports whether the file has not been on the disk since it is known.
func (d *onDisk) neverSeen() bool {
	return d.version == (media.Version{}) && d.seen == (media.Version{})
}

// A belief is what the bucket may have under a file's key. Of a manifest, it tells only whether it
// was published at least once.
type belief struct {
	state bucketState
	other bool // viewers may still have other content under the name, until this one is confirmed
	// inDoubt means that a deletion of the object had no answer, and that the name is still gone.
	inDoubt bool
	version media.Version // that the bucket has, or had
	freshAt time.Time     // when no cache has other content any more
	// changedAt is when the disk was last seen to have other content than the bucket.
	changedAt time.Time
	// late are requests without an answer that may still be applied: deletions of a name that
	// returned, and the request that lost a race.
	late doubt
}

type bucketState uint8

const (
	bucketUnknown bucketState = iota
	bucketHas                 // it has version
	bucketLost                // the content that is meant is nowhere, and can never arrive
	bucketGivenUp             // the same, except if the request in flight still brings it: the spool gave it up
)

func (b *belief) String() string {
	switch {
	case b.inDoubt:
		return "in doubt"
	case b.state == bucketHas:
		return "has"
	case b.isLost():
		return "lost"
	case b.other:
		return "old"
	}
	return "unknown"
}

func (b *belief) isConfirmed() bool { return b.state == bucketHas }

func (b *belief) isLost() bool { return b.state == bucketLost || b.state == bucketGivenUp }

// isSettled reports whether no manifest has to wait for the object, except for a moment.
func (b *belief) isSettled() bool { return b.state != bucketUnknown }

// has reports whether the bucket has v.
func (b *belief) has(v media.Version) bool { return b.state == bucketHas && b.version.Equal(v) }

// confirm applies that the bucket has v. If it had other content before, caches may keep that for
// so long.
func (b *belief) confirm(v media.Version, caches time.Duration, now time.Time) {
	b.state, b.version, b.inDoubt = bucketHas, v, false
	if b.other {
		b.other, b.freshAt = false, now.Add(caches)
	}
}

// outdated applies that the disk has other content than the bucket.
func (b *belief) outdated(now time.Time) { b.state, b.other, b.changedAt = bucketUnknown, true, now }

// published applies that the bucket has the manifest, in some version.
func (b *belief) published() { b.state = bucketHas }

// missing applies that the object is not there although it was.
func (b *belief) missing() { b.state = bucketUnknown }

// lost applies that the content can never arrive.
func (b *belief) lost() {
	if !b.isLost() {
		b.state = bucketLost
	}
}

// givenUp applies that the content can arrive only by the request in flight.
func (b *belief) givenUp() { b.state = bucketGivenUp }

// answered applies that no request is in flight any more. It reports whether the content was given up,
// and is lost now.
func (b *belief) answered() (isLost bool) {
	if isLost = b.state == bucketGivenUp; isLost {
		b.state = bucketLost
	}
	return isLost
}

// found applies that content which was lost is there after all. It reports whether it was lost.
func (b *belief) found() (wasLost bool) {
	if wasLost = b.isLost(); wasLost {
		b.state = bucketUnknown
	}
	return wasLost
}

// stays applies that the object was not deleted.
func (b *belief) stays() { b.state, b.other = bucketHas, false }

// staysPerhaps applies that a deletion had no answer.
func (b *belief) staysPerhaps() { b.inDoubt, b.other = true, false }

// noDoubt applies that no deletion of the object is in doubt any more.
func (b *belief) noDoubt() { b.inDoubt = false }

// naming is what manifests say of a file.
type naming struct {
	state    namingState
	listed   bool      // a published snapshot names the content that was closed last
	role     role      // by what named it last
	archived archived  // what archives and clips say of it
	now      int       // waiting and published snapshots that name it
	shown    int       // of them, the published ones
	promised *manifest // which named it first, just written, when the file was not on the disk
}

type namingState uint8

const (
	neverNamed namingState = iota
	awaitsName             // it was closed, and is remembered until a manifest names it
	wasNamed               // a manifest has named it
	wasShared              // those of several streams in its directory have
)

// isNamed reports whether a manifest has named the file.
func (n *naming) isNamed() bool { return n.state >= wasNamed }

// named applies that a manifest names it.
func (n *naming) named() { n.state = max(n.state, wasNamed) }

// A role is what a file is to the manifest that names it.
type role uint8

const (
	asSegment  role = iota
	asOther         // such as a key, or an init segment
	asOptional      // the same, and players go on without it
)

// An archived says whether an archive or a clip names a file.
type archived uint8

const (
	perhapsArchived archived = iota // with Destination.Archive, it may still be named
	isInArchive
	leftArchive // none names it any more
)
