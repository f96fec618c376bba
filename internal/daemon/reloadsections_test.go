package daemon

import (
	"strings"
	"testing"
)

func TestReloadKnowsASectionByEitherName(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	s := newSite(t, "[AmazonHLSUpload]\nwatch_dir = "+root+"\n")
	s.run()
	playHLS(t, root+"/g/one")
	s.waitForKeys("g/one/playlist.m3u8")
	s.mustReload("[AmazonHLSUpload]", "[HLS]")
	playHLS(t, root+"/g/two")
	s.waitForKeys("g/two/playlist.m3u8")
	for _, change := range []string{"publishing no more", "config key changed"} {
		if strings.Contains(s.log.String(), change) {
			t.Errorf("another name for the section is a change: %s", change)
		}
	}
	s.mustReload("[AmazonHLSUpload]\nwatch_dir = "+root, "")
	s.wantLog(`msg="publishing no more" section=HLS root=` + root)
}

func TestReloadAddsAndRemovesSectionsOfOneFormat(t *testing.T) {
	t.Parallel()
	a, b := t.TempDir(), t.TempDir()
	const sports = "[HLS sports]\nprefix = sports\nwatch_dir = "
	s := newSite(t, "[HLS]\nwatch_dir = "+a+"\n")
	s.run()
	playHLS(t, a+"/g/s")
	s.waitForKeys("g/s/playlist.m3u8")
	s.mustReload("[HLS]", sports+b+"\n[HLS]")
	s.wantLog(`msg=publishing section="HLS sports" root=` + b)
	playHLS(t, b+"/g/s") // the same stream, below another prefix
	s.waitForKeys("sports/g/s/playlist.m3u8")
	s.mustReload()
	s.wantLog(`msg="publishing no more" section="HLS sports" root=` + b)
	playHLS(t, a+"/g/t")
	s.waitForKeys("g/t/playlist.m3u8")
	s.mustReload("[HLS]", sports+b+"\n[HLS]")
	playHLS(t, b+"/g/u")
	s.waitForKeys("sports/g/u/playlist.m3u8")
	s.wantNoErrors()
}

// Two sources of one format in one directory would have one spool.
func TestReloadMovesNoDirectoryToAnotherSectionOfTheFormat(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	s := newSite(t, "[HLS]\nwatch_dir = "+root+"\n")
	s.run()
	err := s.reload("[HLS]", "[HLS sports]")
	want := "[HLS sports] watch_dir: [HLS] has published " + root + " since the start: restart the service"
	if err == nil || err.Error() != want {
		t.Error(err)
	}
	s.mustReload("[HLS]", "[DASH sports]\nwatch_dir = "+root+"\n[HLS]")
}
