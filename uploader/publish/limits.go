// R8: bounded. What the schedule remembers and does at once has limits. A file that is remembered
// takes some 700 bytes.

package publish

import "time"

const (
	// DefaultManifestMemory bounds, in bytes, what large manifests take together, if nothing else
	// is said. At the most they take twice as much.
	DefaultManifestMemory = 128 << 20
	// smallManifest is how much a manifest takes, in bytes, that does not count: a rolling playlist
	// takes some kilobytes.
	smallManifest = 1 << 20
	// growth is by how many references a manifest that viewers have may grow at once: in an hour of
	// an outage, 1,800 segments of 2 s come.
	growth = 5000
	// sliceOfReferences is how many references of one manifest are prepared at once: others have
	// their turn in between.
	sliceOfReferences = 4096

	// Of the snapshots of a manifest that wait, only the one that is pursued and the newest (R5)
	// are needed; the others let the manifest move in smaller steps. maxWaiting bounds their
	// number, and maxWaitingBytes what they take, for each manifest.
	maxWaiting      = 16
	maxWaitingBytes = 2 << 20

	// maxFormerRuns bounds the runs that are remembered of a live playlist although its list may not
	// have them any more: about 1 kB.
	maxFormerRuns = 16

	// mostVariants is how many playlists of a group tell which runs it had. Real groups have some ten;
	// with thousands, each of which asked all, the streams beside them had no turn (R9).
	mostVariants = 64

	// mostWanted is how many of the files that a manifest waits for are looked through for the one
	// that it needs first. Where they are more, all that is queued has its turn.
	mostWanted = 512
	// mostChecks is how many checks are in flight at once: questions to the bucket that nothing waits
	// for. Of more than checkBurst, one begins each checkEvery. After a start and after an outage they
	// are due for all streams at once, and those of thousands would take the processor from the streams
	// whose viewers wait (R9).
	mostChecks = 8
	checkBurst = 32
	checkEvery = 10 * time.Millisecond
	// doubtedChunks is how many of the newest chunks of a manifest are asked for while it is
	// doubted what the bucket has: after a start, and after a PUT that had no answer.
	doubtedChunks = 16

	// maxUnlisted bounds the chunks of one stream that are remembered because no manifest has named
	// them.
	maxUnlisted = 8192
	// maxUnseen is what a stream can lose at once. A sequence that jumps further is another
	// numbering.
	maxUnseen = 1_000_000

	// maxDepartures bounds the files of one source that are remembered for their objects' deletion:
	// some 100 MB, with their paths.
	maxDepartures = 250_000
	// deletionBatch is how many objects one request deletes, as S3 allows.
	deletionBatch = 1000
	// surveyBatch is about how many directories one survey is of.
	surveyBatch = 100

	// maxWaitingLogged bounds the lines of one minute about manifests that wait.
	maxWaitingLogged = 10
	// maxLags bounds the lags that are remembered of one minute: 800 kB.
	maxLags = 100_000
	// mostListed is how many chunks of an earlier run have a step when a manifest is published that
	// names them, which may be a day of them.
	mostListed = 50
	// maxRootName bounds what objects tell of their root, in bytes.
	maxRootName = 128
	// MaxKeyLength is S3's limit for an object's key, in bytes of UTF-8.
	MaxKeyLength = 1024
)
