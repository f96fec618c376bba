package uploader

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ems-sidecar/media"
)

var hlsLayout = media.Layout{Format: media.HLS}

// master returns a master playlist.
func master(children ...string) string {
	text := "#EXTM3U\n"
	for n, child := range children {
		text += fmt.Sprintf("#EXT-X-STREAM-INF:BANDWIDTH=%d\n%s\n", n+1, child)
	}
	return text
}

// With delete = mirror, nothing is deleted that a manifest in the bucket names which this run never
// read: an earlier one has published it, and it was deleted from the disk meanwhile.
func TestR2MirrorKeepsAChildThatTheBucketsMasterNames(t *testing.T) {
	for _, c := range []struct {
		name, prefix string
		layout       media.Layout
		unseen       string // the manifest that is deleted between the runs
		content      string
		victim       string // what it names, and EMS deletes in the second run
	}{
		{"a master in the group's directory", "", hlsLayout, "g/playlist.m3u8", master("a/playlist.m3u8", "b/playlist.m3u8"), "g/b/playlist.m3u8"},
		{"below a prefix", "live/", hlsLayout, "g/playlist.m3u8", master("a/playlist.m3u8", "b/playlist.m3u8"), "g/b/playlist.m3u8"},
		{"below a prefix without a slash", "x/live-", hlsLayout, "g/playlist.m3u8", master("b/playlist.m3u8"), "g/b/playlist.m3u8"},
		{"a master beside its child", "", hlsLayout, "g/b/master.m3u8", master("playlist.m3u8"), "g/b/playlist.m3u8"},
		{"a master in the root", "", hlsLayout, "all.m3u8", master("g/a/playlist.m3u8", "g/b/playlist.m3u8"), "g/b/playlist.m3u8"},
		{"with a name that is percent-encoded", "", hlsLayout, "g/playlist.m3u8", master("%62/playlist.m3u8"), "g/b/playlist.m3u8"},
		{"another playlist of a chunk", "", hlsLayout, "g/b/dvr.m3u8", playlist(1, 5), "g/b/1.ts"},
		{"a master that cannot be read", "", hlsLayout, "g/playlist.m3u8", "", "g/b/playlist.m3u8"},
		{"an F4M of a group", "", hdsLayout, "g/manifest.f4m", f4mSet, "g/s/s.f4m"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDeskFor(t, c.layout, Settings{})
				d.mirror()
				d.dest.Prefix = c.prefix
				d.bucket.mayMiss["g/%62/playlist.m3u8"] = true // it is decoded
				if c.content == "" {
					d.bucket.objects[c.unseen] = []byte("no playlist")
				}
				ended := d.start()
				if c.layout.Format == media.HDS {
					d.close("g/s/s.f4m", f4m("live", "x"))
					d.fragment("a", 1)
					d.close("g/s/bootstrap", abst(1, 1))
				} else {
					d.live("g/a", 1, 5, 0)
					d.live("g/b", 1, 5, 0)
				}
				if c.content != "" {
					d.close(c.unseen, c.content)
				}
				time.Sleep(time.Minute)
				if !d.bucket.has(c.prefix+c.unseen) || !d.bucket.has(c.prefix+c.victim) {
					t.Fatal("nothing is published")
				}
				if err := os.Remove(filepath.Join(d.dir, c.unseen)); c.content != "" && err != nil {
					t.Fatal(err)
				}
				d.restarted(ended)
				if strings.HasSuffix(c.victim, ".ts") {
					d.live("g/b", 6, 12, 0) // its own playlist does not name it any more
				}
				time.Sleep(2 * time.Minute)
				d.remove(c.victim)
				for range 4 { // and also not when what is known of it is forgotten
					time.Sleep(overdue)
				}
				d.wantThere(c.prefix+c.unseen, c.prefix+c.victim)
			})
		})
	}
}

// Where the bucket does not tell what its manifests name, nothing is deleted, and that is logged.
func TestR2NothingIsDeletedWhileTheBucketDoesNotTellWhatNamesIt(t *testing.T) {
	for name, refuses := range map[string]blindStore{
		"its listing is refused":         {listing: ErrPermanent},
		"its listing fails":              {listing: errors.New("reset")},
		"a manifest cannot be read":      {reading: errors.New("reset")},
		"a manifest may not be read":     {reading: ErrPermanent},
		"the whole bucket is refused":    {reading: fmt.Errorf("%w: %w", ErrPermanent, ErrBucket)},
		"there are too many to read all": {many: maxInherited + 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, Settings{})
				d.mirror()
				refuses.bucket = d.bucket
				d.dest.Store = refuses
				d.bucket.objects["g/playlist.m3u8"] = []byte(master("b/playlist.m3u8"))
				for n := range refuses.many {
					d.bucket.objects[fmt.Sprintf("g/b/%d.m3u8", n)] = []byte(master("../a/playlist.m3u8"))
				}
				d.start()
				d.live("g/b", 1, 5, 0)
				time.Sleep(2 * time.Minute)
				d.remove("g/b/playlist.m3u8")
				time.Sleep(overdue)
				d.wantThere("g/b/playlist.m3u8")
				if len(d.log.lines(slog.LevelWarn, "deleted")) == 0 {
					t.Error("it is not logged")
				}
			})
		})
	}
}

// A blindStore refuses to tell.
type blindStore struct {
	*bucket
	listing, reading error
	many             int
}

func (s blindStore) List(ctx context.Context, dir, after string, each func(string, ObjectInfo) error) error {
	if s.listing != nil {
		return s.listing
	}
	return s.bucket.List(ctx, dir, after, each)
}

func (s blindStore) ListBelow(ctx context.Context, dir string, each func(string, ObjectInfo) error) error {
	if s.listing != nil {
		return s.listing
	}
	return s.bucket.ListBelow(ctx, dir, each)
}

func (s blindStore) Read(ctx context.Context, key string, most int64) ([]byte, bool, error) {
	if s.reading != nil {
		return nil, false, s.reading
	}
	return s.bucket.Read(ctx, key, most)
}

// What no manifest in the bucket names is deleted, also beside manifests of earlier runs, of which
// each is read once.
func TestMirrorDeletesWhatNoManifestOfAnEarlierRunNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, Settings{})
		d.mirror()
		d.bucket.objects["g/playlist.m3u8"] = []byte(master("a/playlist.m3u8"))
		d.start()
		d.live("g/a", 1, 5, 0)
		for n := 1; n <= 40; n++ {
			d.live("g/b", n, n, 4*time.Second)
			if n > 10 {
				d.remove(fmt.Sprintf("g/b/%d.ts", n-10))
			}
		}
		time.Sleep(overdue)
		d.wantGone("g/b/1.ts", "g/b/30.ts")
		d.remove("g/b/playlist.m3u8")
		time.Sleep(overdue)
		d.wantGone("g/b/playlist.m3u8")
		d.wantThere("g/playlist.m3u8", "g/a/playlist.m3u8")
		d.bucket.mu.Lock()
		defer d.bucket.mu.Unlock()
		if n := len(d.bucket.reads); n > 2 { // once more when it was forgotten
			t.Errorf("manifests are read %d times", n)
		}
		if d.bucket.lists > 8 {
			t.Errorf("%d listings", d.bucket.lists)
		}
	})
}
