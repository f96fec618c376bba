package publish

import (
	"crypto/sha256"
	"errors"
	"testing"
	"time"

	"ems-sidecar/media"
	"ems-sidecar/uploader/health"
)

// A playlist that is none keeps the stream's chunks from viewers: the operator reads which file and why.
func TestStreamWhosePlaylistCannotBeParsedFails(t *testing.T) {
	r := newRig(hlsLayout, &Destination{})
	r.play(5, 0, true)
	for range 4 {
		r.s.ManifestUnfit(r.src, "g/s/playlist.m3u8", errors.New("line 3: #EXTINF: value \"x\" is not a number"), r.now)
		r.play(1, 0, false)
	}
	r.want(t, health.Failing, "g/s/playlist.m3u8: line 3: #EXTINF")
	r.play(8, 0, true)
	r.want(t, health.Live, "")
	if n := len(r.src.obstacles.unfit); n != 0 {
		t.Errorf("%d manifests are unfit, although all can be read", n)
	}
}

// A file beside the playlist that no one needs is no reason for an alarm.
func TestStreamBesideAManifestThatIsNoneIsLive(t *testing.T) {
	r := newRig(hlsLayout, &Destination{})
	r.play(5, 0, true)
	r.s.ManifestUnfit(r.src, "g/s/old.m3u8", errors.New("playlist does not begin with #EXTM3U"), r.now)
	r.play(20, 0, true)
	r.want(t, health.Live, "")
}

// Nor does it become the reason when the stream is slow for a moment.
func TestSlownessIsNotBlamedOnAnOldManifestThatIsNone(t *testing.T) {
	r := newRig(hlsLayout, &Destination{})
	r.s.ManifestUnfit(r.src, "g/s/old.m3u8", errors.New("playlist does not begin with #EXTM3U"), r.now)
	r.play(5, 0, true)
	r.pass(time.Minute)
	r.play(5, 0, true)
	r.seen = nil
	r.play(5, 0, false)
	r.play(10, 0, true)
	for _, s := range r.seen {
		if s.Suffers() {
			t.Errorf("its states were %v", r.seen)
			break
		}
	}
}

// Where a manifest is published seldom, one that was unfit before the oldest chunk that waits is no reason to
// be late before that.
func TestUnfitManifestHoldsUpWhatCameAfterIt(t *testing.T) {
	r := newRig(hlsLayout, &Destination{ManifestInterval: 20 * time.Second})
	r.play(20, 0, true)
	r.s.ManifestUnfit(r.src, "g/s/playlist.m3u8", errors.New("line 3"), r.now.Add(-time.Hour))
	r.pass(20 * time.Second)
	r.play(1, 0, false)
	r.s.ManifestUnfit(r.src, "g/s/playlist.m3u8", errors.New("line 3"), r.now)
	r.play(4, 0, false)
	r.want(t, health.Live, "")
	r.play(10, 0, false)
	r.want(t, health.Failing, "line 3")
}

func TestUnfitManifestsAreBounded(t *testing.T) {
	r := newRig(hlsLayout, &Destination{})
	for n := range 3 * maxUnfit {
		r.s.ManifestUnfit(r.src, string(rune('a'+n))+"/p.m3u8", errors.New("none"), r.now)
	}
	if n := len(r.src.obstacles.unfit); n != maxUnfit {
		t.Errorf("%d unfit manifests are remembered, want %d", n, maxUnfit)
	}
}

// A bucket that refuses everything is named soon, also if no playlist was ever published or told how
// long the chunks are.
func TestStreamWhoseBucketRefusesFromTheBeginningFailsSoon(t *testing.T) {
	r := newRig(hlsLayout, &Destination{})
	r.answer = func(res *Result) { res.Failure, res.Err = BucketRefused, errors.New("403 AccessDenied") }
	r.s.Closed(r.src, "g/s/1.ts", media.Version{Size: 9, ModTime: r.now, Inode: 1}, false, nil, r.now)
	r.s.ManifestRead(r.src, "g/s/playlist.m3u8", Reading{References: []string{"g/s/1.ts"}, Content: []byte("x"),
		Sum: sha256.Sum256([]byte("x")), ReadAt: r.now, Manifest: media.Manifest{Segments: 1}}, nil, r.now)
	r.pass(8 * time.Second)
	r.want(t, health.Failing, "403 AccessDenied")
}

// What the watcher cannot see is the reason of the streams below, in all directories that it hides,
// and not a silent encoder.
func TestStreamWhoseDirectoryCannotBeReadFails(t *testing.T) {
	for dir, hidden := range map[string]bool{"": true, "g": true, "g/s": true, "g/s/audio": true, "g/other": false, "g/s2": false} {
		r := newRig(hlsLayout, &Destination{})
		r.play(5, 0, true)
		r.s.Watched(r.src, []Unseen{{Dir: dir, Why: "cannot read /root/" + dir + ": permission denied", Since: r.now}}, 0)
		r.pass(4 * time.Second)
		if hidden {
			r.want(t, health.Failing, "cannot read /root/"+dir+": permission denied")
		} else {
			r.want(t, health.Live, "")
		}
		r.s.Watched(r.src, nil, 0)
		r.play(5, 0, true)
		r.want(t, health.Live, "")
	}
}

// A directory beside the chunks that stays hidden, such as one of another user, hides nothing.
func TestStreamOfWhichChunksAreSeenIsNotHidden(t *testing.T) {
	r := newRig(hlsLayout, &Destination{})
	r.play(5, 0, true)
	r.s.Watched(r.src, []Unseen{{Dir: "g/s/private", Why: "permission denied", Since: r.now}}, 0)
	r.pass(time.Second)
	r.play(10, 0, true)
	r.want(t, health.Live, "")
}

// A stream that stopped long ago is not alarming when its directory goes.
func TestStaleStreamWhoseRootGoesStaysStale(t *testing.T) {
	r := newRig(hlsLayout, &Destination{})
	r.play(5, 0, true)
	r.pass(health.StaleAfter + time.Minute)
	r.want(t, health.Stale, "")
	r.s.Watched(r.src, []Unseen{{Why: "cannot read /root: no such file or directory", Since: r.now}}, 0)
	r.pass(time.Minute)
	r.want(t, health.Stale, "")
}

// A master playlist names only playlists. While it cannot be published, no viewer finds its streams.
func TestStreamWhoseMasterPlaylistWaitsLags(t *testing.T) {
	r := newRig(hlsLayout, &Destination{})
	r.play(5, 0, true)
	master := Reading{References: []string{"g/s/playlist.m3u8", "g/other/playlist.m3u8"}, Content: []byte("m"),
		Sum: sha256.Sum256([]byte("m")), ReadAt: r.now, Manifest: media.Manifest{Set: true}}
	r.s.ManifestRead(r.src, "g/master.m3u8", master, nil, r.now)
	r.play(5, 0, true)
	r.want(t, health.Lagging, "g/master.m3u8 waits for")

	// It is of interest while there is something to see.
	r.pass(20 * time.Second)
	r.want(t, health.Stalled, "no new chunk on the disk")
	r.play(10, 0, true)
	r.want(t, health.Lagging, "g/master.m3u8 waits for")
	r.list("g/s/20.ts", true)
	r.pass(5 * time.Second)
	r.want(t, health.Ended, "")
}

// A master playlist that was published, and then names a playlist that is never written, is of use to viewers.
func TestStreamWhosePublishedMasterPlaylistGrowsInVainIsLive(t *testing.T) {
	r := newRig(hlsLayout, &Destination{})
	r.play(5, 0, true)
	master := Reading{References: []string{"g/s/playlist.m3u8"}, Content: []byte("m"), Sum: sha256.Sum256([]byte("m")),
		ReadAt: r.now, Manifest: media.Manifest{Set: true}}
	r.s.ManifestRead(r.src, "g/master.m3u8", master, nil, r.now)
	r.play(5, 0, true)
	master.References = append(master.References, "g/other/playlist.m3u8")
	master.Content, master.Sum, master.ReadAt = []byte("n"), sha256.Sum256([]byte("n")), r.now
	r.s.ManifestRead(r.src, "g/master.m3u8", master, nil, r.now)
	r.play(20, 0, true)
	r.want(t, health.Live, "")
}
