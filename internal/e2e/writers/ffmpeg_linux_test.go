package writers

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/long"
)

const (
	ts   = "-f hls -hls_time 1 -hls_list_size 4 "
	fmp4 = ts + "-hls_segment_type fmp4 "
	list = "live/cam/index.m3u8"
	// A list that rolls has no media sequence with single_file.
	single = "-f hls -hls_time 1 -hls_playlist_type event -hls_flags single_file "
	dash   = "-f dash -seg_duration 1 -window_size 4 -extra_window_size 2 "
	desc   = "live/cam/stream.mpd"
	// Names end with the time of the start, so that none returns.
	dated = dash + "-init_seg_name 'init-$RepresentationID$-'$(date +%Y%m%d-%H%M%S).m4s " +
		"-media_seg_name '$RepresentationID$-$Number%05d$-'$(date +%Y%m%d-%H%M%S).m4s " + desc
)

// inOneRun are the steps of a row that is never restarted.
func inOneRun(output string) []step {
	return []step{func(b *bench) error { return ffmpeg(0, long.Or(4.0, 6.0), output)(b) }}
}

// restarted are the steps of a writer that ends, and, in the long form, of one that is killed. Each
// returns with its command.
func restarted(output string) []step {
	return []step{func(b *bench) error {
		if err := ffmpeg(0, long.Or(3.0, 5.0), output)(b); err != nil {
			return err
		}
		if long.Or(false, true) {
			e2e.Patient.Sleep(time.Second)
			if err := crashes(1, 5.3, output)(b); err != nil {
				return err
			}
		}
		e2e.Patient.Sleep(time.Second)
		return ffmpeg(2, long.Or(4.0, 5.0), output)(b)
	}}
}

// split has ranges of a file published as objects of their own.
var split = []string{"HLS split_ranges = on"}

// window lets the daemon wait for a writer that returns, also on a busy machine. The end is not waited for.
var window = []string{"S3 reconnect_window = 10m"}

// prefixed has the files of each run published in a directory of its own.
var prefixed = slices.Concat(window, []string{"HLS run_prefix = on"})

var ffmpegHLS = []row{
	{name: "hls-ts", play: []string{list}, steps: inOneRun(ts + list)},
	{name: "hls-ts-delete", play: []string{list},
		steps: inOneRun(ts + "-hls_flags delete_segments -hls_delete_threshold 2 " + list)},
	{name: "hls-ts-delete-mirror", play: []string{list}, config: []string{"S3 delete = mirror", "S3 delete_delay = 2s"},
		steps: inOneRun(ts + "-hls_flags delete_segments+temp_file " + list)},
	{name: "hls-ts-temp-file", play: []string{list},
		steps: inOneRun(ts + "-hls_flags temp_file " + list)},
	{name: "hls-ts-append-list", play: []string{list}, config: window,
		steps: restarted(ts + "-hls_flags append_list+discont_start+omit_endlist " + list)},
	{name: "hls-ts-event", play: []string{list},
		steps: inOneRun(ts + "-hls_playlist_type event " + list)},
	{name: "hls-ts-vod", play: []string{list}, steps: inOneRun(ts + "-hls_playlist_type vod " + list)},
	{name: "hls-ts-fast", play: []string{list},
		steps: inOneRun("-f hls -hls_time 0.5 -hls_list_size 6 " + list)},
	{name: "hls-ts-date-time", play: []string{list},
		steps: inOneRun(ts + "-hls_flags program_date_time+independent_segments+round_durations " + list)},
	{name: "hls-ts-epoch", play: []string{list}, config: window,
		steps: restarted(ts + "-hls_start_number_source epoch " + list)},
	{name: "hls-ts-deep", play: []string{"a/b/c/d/e/f/index.m3u8"},
		steps: []step{mkdir("a/b/c/d/e/f"), ffmpeg(0, 6, ts+"a/b/c/d/e/f/index.m3u8")}},
	{name: "hls-ts-root", play: []string{"index.m3u8"}, steps: inOneRun(ts + "index.m3u8")},
	{name: "hls-ts-beside", play: []string{list}, steps: []step{mkdir("media"), ffmpeg(0, 6,
		ts+"-hls_base_url ../../media/ -hls_segment_filename media/cam-%03d.ts "+list)}},
	{name: "hls-ts-absolute", absolute: true,
		steps: inOneRun(ts + "-hls_base_url /live/cam/ " + list)},
	{name: "hls-ts-strftime", play: []string{"index.m3u8"},
		// Without the number, two chunks have one name if the machine is late with the first one.
		steps: inOneRun(ts + "-strftime 1 -strftime_mkdir 1 -hls_flags second_level_segment_index " +
			"-hls_segment_filename %Y%m%d/%%04d-%H%M%S.ts index.m3u8")},
	{name: "hls-ts-wrap", reuses: true, play: []string{list}, steps: inOneRun(
		"-f segment -segment_time 0.5 -segment_list_size 4 -segment_wrap 8 -segment_list_flags +live -segment_list " + list + " live/cam/s%d.ts")},
	{name: "hls-ts-segment", play: []string{list}, config: window, reuses: true, steps: restarted(
		"-f segment -segment_time 1 -segment_list_size 4 -segment_list_flags +live -segment_list " +
			list + " live/cam/s%d.ts")},
	{name: "hls-ts-restart", short: true, play: []string{list}, config: window, reuses: true,
		steps: restarted(ts + list)},
	{name: "hls-ts-prefix-restart", short: true, play: []string{list}, config: prefixed, prefixed: true,
		steps: restarted(ts + list)},
	{name: "hls-ts-prefix-delete-restart", play: []string{list}, prefixed: true,
		config: slices.Concat(prefixed, []string{"S3 delete = mirror", "S3 delete_delay = 2s"}),
		steps:  restarted(ts + "-hls_flags delete_segments+temp_file " + list)},
	{name: "hls-ts-prefix-wrap", play: []string{list}, config: prefixed, prefixed: true, steps: inOneRun(
		"-f segment -segment_time 0.5 -segment_list_size 4 -segment_wrap 8 -segment_list_flags +live -segment_list " + list + " live/cam/s%d.ts")},
	{name: "hls-ts-prefix-segment", play: []string{list}, config: prefixed, prefixed: true, steps: restarted(
		"-f segment -segment_time 1 -segment_list_size 4 -segment_list_flags +live -segment_list " +
			list + " live/cam/s%d.ts")},
	{name: "hls-fmp4-prefix-restart", short: true, play: []string{list}, config: prefixed, prefixed: true,
		steps: restarted(fmp4 + list)},
	{name: "hls-fmp4-prefix-master-restart", play: []string{"live/cam/master.m3u8"}, config: prefixed, prefixed: true,
		steps: []step{variants(0, fmp4), rest(time.Second), variants(1, fmp4)}},
	{name: "hls-ts-delete-restart", play: []string{list}, config: window, reuses: true,
		steps: restarted(ts + "-hls_flags delete_segments " + list)},
	{name: "hls-ts-keys", short: true, play: []string{list}, steps: []step{rekeying(ffmpeg(0, 7,
		ts+"-hls_key_info_file @DIR/key.info -hls_flags periodic_rekey "+list))}},
	{name: "hls-ts-master", play: []string{"live/cam/master.m3u8"}, steps: []step{variants(0, ts)}},
	{name: "hls-ts-master-restart", play: []string{"live/cam/master.m3u8"}, config: window, reuses: true,
		steps: []step{variants(0, ts), rest(time.Second), variants(1, ts)}},
	{name: "hls-fmp4", play: []string{list}, steps: inOneRun(fmp4 + list)},
	{name: "hls-fmp4-delete", play: []string{list},
		steps: inOneRun(fmp4 + "-hls_flags delete_segments+temp_file " + list)},
	{name: "hls-fmp4-event", play: []string{list},
		steps: inOneRun(fmp4 + "-hls_playlist_type event " + list)},
	{name: "hls-fmp4-restart", play: []string{list}, config: window, reuses: true,
		steps: restarted(fmp4 + list)},
	{name: "hls-fmp4-dated-restart", short: true, play: []string{list}, config: window, steps: restarted(fmp4 +
		"-hls_fmp4_init_filename init-$(date +%Y%m%d-%H%M%S).mp4 -hls_segment_filename live/cam/%05d-$(date +%Y%m%d-%H%M%S).m4s " + list)},
	{name: "hls-ts-dated-restart", play: []string{list}, config: window, steps: restarted(ts +
		"-hls_segment_filename live/cam/%05d-$(date +%Y%m%d-%H%M%S).ts " + list)},
	{name: "hls-ts-single-file", play: []string{list}, steps: inOneRun(single + list)},
	{name: "hls-ts-split", short: true, ranges: true, play: []string{list}, config: split,
		steps: inOneRun(single + list)},
	{name: "hls-ts-split-restart", ranges: true, play: []string{list}, config: slices.Concat(split, window),
		steps: restarted(single + list)},
	{name: "hls-fmp4-split", ranges: true, play: []string{list}, config: split,
		steps: inOneRun(single + "-hls_segment_type fmp4 " + list)},
	{name: "hls-fmp4-master", short: true, play: []string{"live/cam/master.m3u8"},
		steps: []step{variants(0, fmp4)}},
	{name: "hls-fmp4-master-restart", play: []string{"live/cam/master.m3u8"}, config: window, reuses: true,
		steps: []step{variants(0, fmp4), rest(time.Second), variants(1, fmp4)}},
}

var ffmpegDASH = []row{
	{name: "dash-timeline", short: true, play: []string{desc}, steps: inOneRun(dash + desc)},
	{name: "dash-number", outlive: true, play: []string{desc},
		steps: inOneRun(dash + "-use_timeline 0 " + desc)},
	{name: "dash-list", play: []string{desc},
		steps: inOneRun(dash + "-use_template 0 -use_timeline 0 " + desc)},
	{name: "dash-streaming", outlive: true, play: []string{desc},
		steps: inOneRun(dash + "-streaming 1 -use_timeline 0 " + desc)},
	{name: "dash-streaming-low-latency", outlive: true, play: []string{desc},
		steps: inOneRun(dash + "-streaming 1 -ldash 1 -use_timeline 0 -utc_timing_url https://time.example.com/ " + desc)},
	{name: "dash-hls", play: []string{desc, "live/cam/master.m3u8"},
		steps: inOneRun(dash + "-hls_playlist 1 " + desc)},
	{name: "dash-whole", play: []string{desc}, steps: inOneRun("-f dash -seg_duration 1 " + desc)},
	{name: "dash-timeline-restart", play: []string{desc}, config: window, reuses: true,
		steps: restarted(dash + desc)},
	{name: "dash-dated-restart", play: []string{desc}, config: window, steps: []step{
		crashes(0, 9.3, dated), rest(time.Second), ffmpeg(1, 6, dated)}},
	{name: "dash-dated-ended", play: []string{desc}, config: window, steps: []step{
		ffmpeg(0, 6, dated), rest(time.Second), ffmpeg(1, 6, dated)}},
	{name: "dash-number-restart", outlive: true, play: []string{desc}, config: window, reuses: true,
		steps: restarted(dash + "-use_timeline 0 " + desc)},
	{name: "dash-hls-restart", play: []string{desc, "live/cam/master.m3u8"}, config: window, reuses: true,
		steps: restarted(dash + "-hls_playlist 1 " + desc)},
}

// mkdir makes a directory below the root.
func mkdir(name string) step {
	return func(b *bench) error { return os.MkdirAll(filepath.Join(b.root, name), 0o755) }
}

// variants is ffmpeg with two variants, sound and subtitles of their own, and a master playlist.
func variants(of int, format string) step {
	return func(b *bench) error {
		subtitles := ""
		for n := range 8 {
			subtitles += fmt.Sprintf("%d\n00:00:%02d,000 --> 00:00:%02d,900\nrun %d, second %d\n\n", n+1, n, n, of, n)
		}
		if err := os.WriteFile(filepath.Join(b.dir, "subtitles.srt"), []byte(subtitles), 0o644); err != nil {
			return err
		}
		command := fmt.Sprintf("ffmpeg -y -nostdin -v error -re -f lavfi -i %s=size=64x36:rate=10 -re -f lavfi -i sine=frequency=%d "+
			"-i @DIR/subtitles.srt -t 6 -map 0:v -map 0:v -map 1:a -map 2:s -s:v:1 32x18 %s -c:s webvtt %s -master_pl_name master.m3u8 "+
			`-var_stream_map "v:0,agroup:sound,name:high,s:0,sgroup:text v:1,agroup:sound,name:low a:0,agroup:sound,language:en,name:sound" `+
			"live/cam/%%v/index.m3u8", pictures[of], 300*(of+1), encoded, format)
		return run(command)(b)
	}
}

// rekeying runs a step while the key changes each two seconds.
func rekeying(s step) step {
	return func(b *bench) error {
		write := func(n int) error {
			name := fmt.Sprintf("key-%d.key", n)
			key := []byte(fmt.Sprintf("the %d. key......", n))[:16]
			if err := os.WriteFile(filepath.Join(b.root, "live/cam", name), key, 0o644); err != nil {
				return err
			}
			info := fmt.Sprintf("%s\n%s\n%s\n", name, filepath.Join(b.root, "live/cam", name), hex.EncodeToString(key))
			temporary := filepath.Join(b.dir, "key.new")
			if err := os.WriteFile(temporary, []byte(info), 0o644); err != nil {
				return err
			}
			return os.Rename(temporary, filepath.Join(b.dir, "key.info"))
		}
		if err := write(0); err != nil {
			return err
		}
		done, failed := make(chan struct{}), make(chan error, 1)
		go func() {
			tick := time.NewTicker(2 * time.Second)
			defer tick.Stop()
			for n := 1; ; n++ {
				select {
				case <-done:
					failed <- nil
					return
				case <-tick.C:
					if err := write(n); err != nil {
						failed <- err
						return
					}
				}
			}
		}()
		err := s(b)
		close(done)
		if kept := <-failed; err == nil {
			err = kept
		}
		return err
	}
}
