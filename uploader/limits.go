// R8: bounded. What is read of a file, and what is remembered of files while they are read, has limits.
// Package publish has those of the schedule, package spool those of what is kept.

package uploader

import "ems-sidecar/media"

const (
	// maxManifest bounds what is read of one manifest, in bytes: an appending playlist of two days has
	// 3 MiB.
	maxManifest = 8 << 20
	// maxBootstrap is the same for a bootstrap, whose runs take 16 bytes for each fragment at most.
	maxBootstrap = 2 << 20
	// maxDirectories bounds in how many directories a manifest may name files: each is a stream.
	maxDirectories = media.MaxManifests
	// maxNames bounds the paths that a manifest names, in bytes.
	maxNames = 16 << 20
	// maxAsked bounds the F4Ms that are read for one bootstrap, all of which together may have the size of
	// one manifest. EMS has two: the stream's and the group's.
	maxAsked = 64

	// maxUnfit bounds, for each source, the manifests that are remembered because they hold something
	// else. Beyond it, one is logged at each closing.
	maxUnfit = 10_000
	// maxPaced bounds, for each source, the manifests that are remembered because they take long to read.
	maxPaced = 10_000
	// mostUnfinished bounds, for each source, the part files of recordings that are remembered.
	mostUnfinished = 10_000

	// maxInherited is how many manifests of earlier runs are read in one directory of the bucket.
	maxInherited = 1000
	// maxOtherKeys bounds the keys that are tried for one recording.
	maxOtherKeys = 9
)
