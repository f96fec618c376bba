package daemon

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ems-sidecar/emsapi"
	"ems-sidecar/internal/emswriter"
	"ems-sidecar/media"
	"ems-sidecar/uploader"
)

func TestOutputsOfTwoFormatsAreFoundOneAfterTheOther(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	s := newSite(t, "[AmazonHLSUpload]\n[AmazonHDSUpload]\n")
	s.run()
	playHLS(t, root+"/g/s") // what is there before is published, too
	playHDS(t, root+"/g/s")
	s.daemon.Outputs(live(media.HLS, output(root, "g")))
	s.waitForKeys("g/s/playlist.m3u8")
	s.daemon.Outputs(emsapi.Config{Outputs: map[media.Format][]emsapi.Output{
		media.HLS: {output(root, "g")}, media.HDS: {output(root, "g")},
	}})
	s.waitForKeys("g/s/bootstrap", "g/s/s.f4m", "g/manifest.f4m", "g/s/f4vSeg1-Frag3")
	playHLS(t, root+"/g/t")
	playHDS(t, root+"/g/u")
	s.waitForKeys("g/t/playlist.m3u8", "g/u/bootstrap")
	// That EMS names it no more changes nothing.
	s.daemon.Outputs(emsapi.Config{})
	playHLS(t, root+"/g/v")
	s.waitForKeys("g/v/playlist.m3u8")
}

// Recordings may lie where live streams are written: both are published, each by its section.
func TestRecordingsInTheDirectoryOfLiveStreams(t *testing.T) {
	t.Parallel()
	for name, where := range map[string]string{"the root": "", "a group": "/g", "beside groups": "/rec"} {
		for _, later := range []bool{false, true} {
			t.Run(name+map[bool]string{true: ", found later"}[later], func(t *testing.T) {
				root := t.TempDir()
				s := newSite(t, "[AmazonHLSUpload]\nprefix = hls/\n[AmazonRecordUpload]\nprefix = rec/\n")
				s.run()
				outputs := live(media.HLS, output(root, "g"))
				if later {
					s.daemon.Outputs(outputs)
					playHLS(t, root+"/g/first")
					s.waitForKeys("hls/g/first/playlist.m3u8")
				}
				outputs.Record = []emsapi.Recording{{PathToFile: root + where + "/cam", LocalStreamName: "cam", Type: "ts"}}
				s.daemon.Outputs(outputs)
				write(t, root+where+"/cam.ts", "recorded")
				playHLS(t, root+"/g/s")
				if err := emswriter.Master(root+"/g", emswriter.Variant{Stream: "s", Bandwidth: 1000}); err != nil {
					t.Fatal(err)
				}
				s.waitForKeys("hls/g/s/playlist.m3u8", "hls/g/playlist.m3u8", "rec/cam.ts")
				if later {
					playHLS(t, root+"/g/first/more") // a directory that was watched before
					s.waitForKeys("hls/g/first/more/playlist.m3u8")
				}
				for _, key := range s.keys() {
					if strings.HasSuffix(key, "cam.ts") != (key == "rec/cam.ts") || strings.HasPrefix(key, "rec/") && key != "rec/cam.ts" {
						t.Errorf("the bucket has %s", key)
					}
				}
			})
		}
	}
}

// What lies below the directory of recordings is none of them.
func TestLiveStreamsBelowRecordingsAreNotRecordings(t *testing.T) {
	root := t.TempDir()
	s := newSite(t, "[AmazonRecordUpload]\ndelete_local = after_upload\ndelete_local_after = 0\n")
	s.run()
	playHLS(t, root+"/g/s")
	write(t, root+"/cam.ts", "recorded")
	s.daemon.Outputs(emsapi.Config{Record: []emsapi.Recording{{PathToFile: root + "/cam.ts", LocalStreamName: "cam"}}})
	s.waitForKeys("cam.ts")
	s.waitFor("it is deleted", func() bool { _, err := os.Stat(root + "/cam.ts"); return err != nil })
	write(t, root+"/cam_0001.ts", "recorded later")
	s.waitForKeys("cam_0001.ts")
	if got := s.keys(); len(got) != 2 {
		t.Errorf("the bucket has %q", got)
	}
}

// The directory of recordings is the config's; EMS says that live streams are written to it, too.
func TestLiveStreamsInTheDirectoryOfTheConfigsRecordings(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	s := newSite(t, "[AmazonHLSUpload]\nprefix = hls/\n[AmazonRecordUpload]\nprefix = rec/\nwatch_dir = '"+root+"'\n")
	s.run()
	s.daemon.Outputs(live(media.HLS, output(root, "g")))
	playHLS(t, root+"/g/s")
	write(t, root+"/cam.ts", "recorded")
	s.waitForKeys("hls/g/s/playlist.m3u8", "rec/cam.ts")
	for _, key := range s.keys() {
		if strings.HasPrefix(key, "rec/") && key != "rec/cam.ts" || key == "hls/cam.ts" {
			t.Errorf("the bucket has %s", key)
		}
	}
}

// With dateFolderStructure=1 there is another directory each day.
func TestRecordingsInFoldersByDate(t *testing.T) {
	root := t.TempDir()
	s := newSite(t, "[AmazonRecordUpload]\n")
	s.run()
	s.daemon.Outputs(emsapi.Config{Record: []emsapi.Recording{{PathToFile: root + "/a/20261122/", LocalStreamName: "a"}}})
	write(t, root+"/a/20261122/1.mp4", "this day")
	write(t, root+"/a/20261123/1.mp4", "the next day")
	s.waitForKeys("20261122/1.mp4", "20261123/1.mp4")
}

// What EMS deletes before it is uploaded is kept, and the next run finds it when EMS names its
// directory.
func TestSpoolOfADirectoryThatIsFoundAgain(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	s := newSite(t, "[AmazonHLSUpload]\n")
	link := filepath.Join(root, ".ems-sidecar/hls/g/s/1.ts")
	write(t, link, "of the run before")
	s.run()
	if got := s.keys(); len(got) > 0 {
		t.Errorf("the bucket has %q", got)
	}
	s.daemon.Outputs(live(media.HLS, output(root, "g")))
	s.waitForKeys("g/s/1.ts")
	s.waitFor("it leaves the spool", func() bool { _, err := os.Stat(link); return err != nil })
}

// A file system that does not answer holds up no one who gives hints.
func TestHintsDoNotWait(t *testing.T) {
	root := t.TempDir()
	s := newSite(t, "[AmazonHLSUpload]\nwatch_dir = '"+root+"'\n") // does not run, as if the file system did not answer
	for range maxHints + 10 {
		s.daemon.Hint(t.Context(), root+"/g/s/1.ts")
	}
}

// An order may be older than the directory that it is for.
func TestSyncDoesNotWaitForADirectoryThatIsNotThereYet(t *testing.T) {
	t.Parallel()
	root, none := t.TempDir(), t.TempDir()+"/none"
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"data":{"hls":[{"groupTargetFolder":"%[1]s/g/"},{"groupTargetFolder":"%[2]s/g/"}]},"description":"","status":"SUCCESS"}`, root, none)
	}))
	defer api.Close()
	s := newSite(t, "[AmazonHLSUpload]\n")
	client, err := emsapi.New(emsapi.Settings{URL: api.URL})
	if err != nil {
		t.Fatal(err)
	}
	s.daemon.ems.now.Store(&reactor{api: client})
	playHLS(t, root+"/g/s")
	if err := s.daemon.Sync(t.Context(), func(uploader.Progress) {}); err != nil {
		t.Fatal(err)
	}
	if got := s.keys(); len(got) != 5 {
		t.Errorf("the bucket has %q", got)
	}
}
