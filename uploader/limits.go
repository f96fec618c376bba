// R8: bounded. What is read of a file has limits, and so has what is remembered for it. The limits
// of the schedule are in package publish, those of kept files in package spool.

package uploader

import "ems-sidecar/media"

const (
	// maxManifest bounds what is read of one manifest, in bytes. An appending playlist of two days
	// has 3 MiB.
	maxManifest = 8 << 20
	// maxBootstrap is the same for a bootstrap, which takes at most 16 bytes for each fragment.
	maxBootstrap = 2 << 20
	// maxDirectories bounds the directories in which a manifest may name files. Each is a stream.
	maxDirectories = media.MaxManifests
	// maxNames bounds the paths that a manifest names, in bytes.
	maxNames = 16 << 20
	// maxAsked bounds the F4Ms that are read for one bootstrap. Together they may have maxManifest
	// bytes. EMS writes two: that of the stream and that of the group.
	maxAsked = 64

	// maxFound bounds the segments that a manifest names because the disk has them, the newest of each
	// track: three hours of two tracks with segments of 2 s.
	maxFound = 10_000
	// maxInDirectory bounds the names in one directory that may be such segments.
	maxInDirectory = 200_000

	// maxRuns bounds, for each source, the streams of which the run is remembered; more only as long as
	// their manifests exist.
	maxRuns = 50_000
	// maxUsedNames bounds the names that are remembered of one run of a playlist: half a day of chunks
	// of 4 s. Then another one begins.
	maxUsedNames = 10_000
	// maxInquiries is how many playlists of a source the bucket is asked for at once, after a start.
	maxInquiries = 8
	// maxPaced bounds, for each source, the manifests that are remembered as slow to read.
	maxPaced = 10_000
	// mostUnfinished bounds, for each source, the part files of recordings that are remembered.
	mostUnfinished = 10_000

	// maxInherited is how many manifests of earlier runs are read in one directory of the bucket.
	maxInherited = 1000
	// maxArchiving is how many requests for archives are in flight at once.
	maxArchiving = 8
	// maxRestored bounds the chunks that are looked for by their names, in each direction, after a
	// start.
	maxRestored = 2000
	// maxOtherKeys bounds the keys that are tried for one recording.
	maxOtherKeys = 9
)
