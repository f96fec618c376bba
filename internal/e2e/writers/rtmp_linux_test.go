package writers

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/testproc"
)

const rtmpModule = "/usr/lib/nginx/modules/ngx_rtmp_module.so"

// served begins nginx with the lines in its application, and plays the steps beside it.
func served(application string, steps ...step) []step {
	begin := func(b *bench) error {
		return serve(b, "rtmp { server { listen 1935; application live { live on; "+application+" } } }")
	}
	return append([]step{begin}, steps...)
}

// nginx begins it with a block rtmp, until the end of the test.
func nginx(b *bench, address, block string) error {
	conf := fmt.Sprintf("load_module %s;\nuser root;\ndaemon off;\nmaster_process off;\npid %s/nginx.pid;\n"+
		"error_log %s/nginx.log info;\nevents {}\n%s\n", rtmpModule, b.dir, b.dir, b.fill(block))
	file := filepath.Join(b.dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(conf), 0o644); err != nil {
		return err
	}
	cmd := testproc.Bind(exec.Command("nginx", "-p", b.dir, "-c", file))
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		return err
	}
	b.t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
		if log, _ := os.ReadFile(filepath.Join(b.dir, "nginx.log")); b.t.Failed() {
			b.t.Logf("nginx: %s\n%.3000s", out.String(), log)
		}
	})
	e2e.Eventually(b.t, "nginx listens", func() bool {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	return nil
}

// push publishes a run to nginx.
func push(of int, seconds float64, name string) step {
	return func(b *bench) error { return ffmpeg(of, seconds, "-f flv "+b.rtmp+name)(b) }
}

// pushVariants publishes two variants of a run.
func pushVariants(of int, seconds float64, name string) step {
	return func(b *bench) error {
		return ffmpeg(of, seconds, fmt.Sprintf("-f flv %s%s_low %s -f flv %s%s_hi", b.rtmp, name, encoded, b.rtmp, name))(b)
	}
}

const rtmpHLS = "hls on; hls_path @ROOT/live; hls_fragment 1s; hls_playlist_length 5s; "

var rtmpRows = withNeeds([]string{"nginx", rtmpModule, "ffmpeg"}, []row{
	{name: "rtmp-flat", play: []string{"live/cam.m3u8"}, steps: served(rtmpHLS, push(0, 6, "cam"))},
	{name: "rtmp-several", play: []string{"live/cam_low.m3u8", "live/cam_hi.m3u8"},
		steps: served(rtmpHLS, pushVariants(0, 14, "cam"))},
	{name: "rtmp-nested", play: []string{"live/cam/index.m3u8"},
		steps: served(rtmpHLS+"hls_nested on;", push(0, 6, "cam"))},
	{name: "rtmp-continuous", play: []string{"live/cam/index.m3u8"}, config: window,
		steps: served(rtmpHLS+"hls_nested on; hls_continuous on;",
			push(0, 5, "cam"), rest(time.Second), push(1, 5, "cam"))},
	{name: "rtmp-restart", play: []string{"live/cam/index.m3u8"}, config: window, reuses: true,
		steps: served(rtmpHLS+"hls_nested on;", push(0, 5, "cam"), rest(time.Second), push(1, 5, "cam"))},
	{name: "rtmp-timestamp", play: []string{"live/cam/index.m3u8"}, config: window, reuses: true,
		steps: served(rtmpHLS+"hls_nested on; hls_fragment_naming timestamp;",
			push(0, 5, "cam"), rest(time.Second), push(1, 5, "cam"))},
	{name: "rtmp-system", play: []string{"live/cam/index.m3u8"}, config: window,
		steps: served(rtmpHLS+"hls_nested on; hls_fragment_naming system;",
			push(0, 5, "cam"), rest(time.Second), push(1, 5, "cam"))},
	{name: "rtmp-keys", play: []string{"live/cam/index.m3u8"},
		steps: served(rtmpHLS+"hls_nested on; hls_keys on; hls_fragments_per_key 2;", push(0, 6, "cam"))},
	{name: "rtmp-variants", play: []string{"live/cam.m3u8"},
		steps: served(rtmpHLS+"hls_nested on; hls_variant _low BANDWIDTH=160000; hls_variant _hi BANDWIDTH=320000;",
			pushVariants(0, 6, "cam"))},
	{name: "rtmp-variants-flat", play: []string{"live/cam.m3u8"},
		steps: served(rtmpHLS+"hls_variant _low BANDWIDTH=160000; hls_variant _hi BANDWIDTH=320000;",
			pushVariants(0, 6, "cam"))},
	{name: "rtmp-dash", play: []string{"live/cam/index.mpd"},
		steps: served("dash on; dash_path @ROOT/live; dash_fragment 1s; dash_playlist_length 5s; dash_nested on;",
			push(0, 6, "cam"))},
})

// withNeeds adds what a writer needs to its rows.
func withNeeds(needs []string, rows []row) []row {
	for i := range rows {
		rows[i].needs = needs
	}
	return rows
}
