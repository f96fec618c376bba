package daemon

import (
	"testing"

	"ems-sidecar/config"
	"ems-sidecar/media"
)

func TestOnlyWhatHLSSectionsPublishIsPlayed(t *testing.T) {
	of := func(f media.Format, bucket, prefix string) *section {
		s := &section{layout: media.Layout{Format: f}}
		s.Format, s.Bucket, s.Prefix = f, bucket, prefix
		s.now.Store(&s.Upload)
		return s
	}
	off := of(media.HLS, "off", "")
	off.now.Store(nil)
	s := &state{&Daemon{sections: sections{all: []*section{
		of(media.HLS, "live", "hls/"), of(media.DASH, "live", "dash/"), of(media.HLS, "other", ""),
		of(media.Recording, "other", "rec/"), off,
	}}}}
	for _, c := range []struct {
		bucket, key, want string
	}{
		{"live", "hls/g/s/a.ts", "video/mp2t"},
		{"live", "hls/g/master.m3u8", "application/vnd.apple.mpegurl"},
		{"other", "g/s/playlist.m3u8", "application/vnd.apple.mpegurl"},
		{"live", "private/a.ts", ""},
		{"live", "hls", ""},
		{"live", "hls/../private/a.ts", ""},
		{"live", "hls//a.ts", ""},
		{"other", "rec/interview.ts", ""}, // a recording
		{"off", "g/s/a.ts", ""},           // a reload has switched the section off
		{"live", "dash/g/s/a.m4s", ""},
		{"live", "hls/g/s/secret.key", ""},
		{"live", "hls/index.html", ""},
		{"elsewhere", "hls/g/s/a.ts", ""},
		{"", "", ""},
	} {
		s.cfg.Store(&config.Config{Admin: config.Admin{Player: config.PlayerDaemon}})
		section, kind := s.playable(c.bucket, c.key)
		if (section != nil) != (c.want != "") || kind.ContentType != c.want && section != nil {
			t.Errorf("%s of %s: %v, %q, want %q", c.key, c.bucket, section != nil, kind.ContentType, c.want)
		}
		for _, off := range []string{"", "https://cdn.example.com/"} {
			s.cfg.Store(&config.Config{Admin: config.Admin{Player: off}})
			if section, _ := s.playable(c.bucket, c.key); section != nil {
				t.Errorf("player = %q: %s of %s is read", off, c.key, c.bucket)
			}
		}
	}
}
