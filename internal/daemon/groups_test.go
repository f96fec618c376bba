package daemon

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"ems-sidecar/emsapi"
	"ems-sidecar/media"
)

// EMS names a group's directory. What else is in the directory that holds it is none of EMS's.
func TestOnlyTheGroupsThatEMSNamesArePublished(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	s := newSite(t, "[AmazonHLSUpload]\nprefix = p/\n")
	s.run()
	playHLS(t, root+"/private/s")
	playHLS(t, root+"/g.old/s")
	write(t, root+"/1.ts", "beside")
	write(t, root+"/playlist.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n1.ts\n")
	write(t, root+"/g/server.key", "private")
	write(t, root+"/g/t/1.ts", "x")
	write(t, root+"/g/t/playlist.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n1.ts\n#EXTINF:4,\n../../private/s/segment_1_1.ts\n#EXTINF:4,\n../../1.ts\n")
	s.daemon.Outputs(live(media.HLS, output(root, "g")))
	playHLS(t, root+"/g/s")
	s.waitForKeys("p/g/s/playlist.m3u8", "p/g/t/playlist.m3u8")
	playHLS(t, root+"/later/s")
	playHLS(t, root+"/private/t")
	s.daemon.Outputs(live(media.HLS, output(root, "later")))
	s.waitForKeys("p/later/s/playlist.m3u8")
	playHLS(t, root+"/later/t")
	playHLS(t, root+"/g/u")
	s.waitForKeys("p/later/t/playlist.m3u8", "p/g/u/playlist.m3u8")
	for _, key := range s.keys() {
		if !strings.HasPrefix(key, "p/g/") && !strings.HasPrefix(key, "p/later/") || strings.HasSuffix(key, ".key") {
			t.Errorf("%s is published", key)
		}
	}
}

// A group's own directory may hold others' groups: each group is published once, under one key.
func TestGroupsInGroups(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for name, order := range map[string][]string{"outer first": {"/a", "/a/b"}, "inner first": {"/a/b", "/a"}} {
		t.Run(name, func(t *testing.T) {
			dir := root + "/" + strings.ReplaceAll(name, " ", "-")
			s := newSite(t, "[AmazonHLSUpload]\n")
			s.run()
			for _, group := range order {
				s.daemon.Outputs(live(media.HLS, emsapi.Output{GroupTargetFolder: dir + group}))
			}
			playHLS(t, dir+"/a/s")
			playHLS(t, dir+"/a/b/s")
			playHLS(t, dir+"/a/c/s")
			s.waitForKeys("a/s/playlist.m3u8", "a/c/s/playlist.m3u8")
			s.waitFor("the inner group", func() bool {
				keys := strings.Join(s.keys(), " ")
				return strings.Contains(keys, "b/s/playlist.m3u8")
			})
			n := 0
			for _, key := range s.keys() {
				if strings.HasSuffix(key, "b/s/playlist.m3u8") {
					n++
				}
			}
			if n != 1 {
				t.Errorf("the inner group has %d keys: %q", n, s.keys())
			}
		})
	}
}

// With dateFolderStructure=1, EMS names the directory of a day. Others beside it are none of EMS's.
func TestOnlyDirectoriesOfDaysBelongToRecordings(t *testing.T) {
	root := t.TempDir()
	s := newSite(t, "[AmazonRecordUpload]\n")
	s.run()
	write(t, root+"/private/1.mp4", "x")
	write(t, root+"/2026112x/1.mp4", "x")
	write(t, root+"/20261122/1.mp4", "x")
	s.daemon.Outputs(emsapi.Config{Record: []emsapi.Recording{{PathToFile: root + "/20261122/"}}})
	write(t, root+"/20261123/1.mp4", "x")
	s.waitForKeys("20261122/1.mp4", "20261123/1.mp4")
	if got := s.keys(); len(got) != 2 {
		t.Errorf("the bucket has %q", got)
	}
}

// A directory that is refused is logged once for each section, and named as long as the daemon
// runs.
func TestRefusedDirectoryIsLoggedOnceAndListed(t *testing.T) {
	root, allowed := t.TempDir(), t.TempDir()
	s := newSite(t, "[AmazonHLSUpload]\n")
	s.daemon.config().EMS.Directories = []string{allowed}
	s.daemon.limits = NewLimits(s.daemon.config(), "")
	s.run()
	playHLS(t, root+"/g/s")
	playHLS(t, allowed+"/h/s")
	for range 3 {
		s.daemon.Outputs(live(media.HLS, output(root, "g"), output(allowed, "h"),
			emsapi.Output{GroupTargetFolder: "/etc/ssl/private/"}))
	}
	s.waitForKeys("h/s/playlist.m3u8")
	wrong := strings.Join((&state{s.daemon}).NotReady(), "\n")
	for _, dir := range []string{root + "/g", "/etc/ssl/private"} {
		if n := strings.Count(s.log.String(), fmt.Sprintf("is not published\" section=AmazonHLSUpload root=%s ", dir)); n != 1 {
			t.Errorf("%s is logged %d times", dir, n)
		}
		if !strings.Contains(wrong, dir+" of [AmazonHLSUpload] is not published") {
			t.Errorf("%s is not in /readyz: %q", dir, wrong)
		}
	}
	for _, key := range s.keys() {
		if !strings.HasPrefix(key, "h/") {
			t.Errorf("%s is published", key)
		}
	}
}

// A section with a watch_dir publishes all of it, also if another section's groups lie there.
func TestGroupsDoNotNarrowAWatchDir(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	s := newSite(t, "[AmazonHLSUpload]\nprefix = hls/\nwatch_dir = '"+root+"'\n[AmazonHDSUpload]\nprefix = hds/\n")
	s.run()
	s.daemon.Outputs(live(media.HDS, output(root, "g")))
	for _, group := range []string{"/g", "/other"} {
		playHLS(t, root+group+"/s")
		playHDS(t, root+group+"/s")
	}
	s.waitForKeys("hls/g/s/playlist.m3u8", "hls/other/s/playlist.m3u8", "hds/g/s/bootstrap")
	for _, key := range s.keys() {
		if strings.HasPrefix(key, "hds/") && !strings.HasPrefix(key, "hds/g/") {
			t.Errorf("%s is published", key)
		}
	}
}

// After a restart, what EMS has named before is published, and no more.
func TestRememberedGroupsAreAllThatIsPublished(t *testing.T) {
	t.Parallel()
	root, state := t.TempDir(), t.TempDir()
	s := newSite(t, "[AmazonHLSUpload]\n")
	var err error
	if s.daemon.discovery.memory, err = recall(state, time.Now()); err != nil {
		t.Fatal(err)
	}
	s.daemon.discover(live(media.HLS, output(root, "g"), output(root, "h")))
	var m memory
	if m, err = recall(state, time.Now()); err != nil || len(m.entries) != 2 {
		t.Fatalf("%+v, %v", m.entries, err)
	}
	again := newSite(t, "[AmazonHLSUpload]\n")
	again.daemon.begin(again.daemon.remembered(state, nil))
	again.run()
	for _, group := range []string{"/g", "/h", "/other"} {
		err = errors.Join(err, os.MkdirAll(root+group, 0o755))
		playHLS(t, root+group+"/s")
	}
	if err != nil {
		t.Fatal(err)
	}
	again.waitForKeys("g/s/playlist.m3u8", "h/s/playlist.m3u8")
	for _, key := range again.keys() {
		if strings.HasPrefix(key, "other/") {
			t.Errorf("%s is published", key)
		}
	}
}

func TestDirectoriesThatEMSNames(t *testing.T) {
	cfg := emsapi.Config{
		Outputs: map[media.Format][]emsapi.Output{
			media.HLS: {{GroupTargetFolder: "/m/g/"}, {GroupTargetFolder: "/m/g"}, {GroupTargetFolder: "/m/a/b"}, {}},
		},
		Record: []emsapi.Recording{{PathToFile: "/r/1.mp4"}, {PathToFile: "/r/20261122/"}, {PathToFile: "/q/x"}, {}},
	}
	if got := fmt.Sprint(Directories(media.HLS, cfg)); got != "[{/m/a b false} {/m g false}]" {
		t.Error(got)
	}
	if got := fmt.Sprint(Directories(media.Recording, cfg)); got != "[{/q  false} {/r  true}]" {
		t.Error(got)
	}
	if got := Directories(media.MSS, cfg); got != nil {
		t.Error(got)
	}
}
