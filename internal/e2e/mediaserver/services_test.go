package mediaserver

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"ems-sidecar/emsapi"
	"ems-sidecar/emsapi/emstest"
	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/emswriter"
	"ems-sidecar/internal/long"
	"ems-sidecar/internal/s3test"
	"ems-sidecar/media"
)

// A config.ini as EvoStream's documentation has it for the older services, with keys, a bucket and
// the switches; the other servers are where a test may reach them.
const olderConfig = `[Plugins]
StreamLoadBalancer = enabled
StreamAutoRouter = enabled
StreamRecorder = enabled
TranscodeResetter = enabled
AmazonHDSUpload = enabled
AmazonHLSUpload = enabled

[StreamAutoRouter]
token = forwardthese
destination_uri = 127.0.0.4

[StreamRecorder]
file_location = C:\xampp\htdocs\evowebservices\media\
period_time = 60;

[StreamLoadBalancer]
destination_uri[] = 127.0.0.2
destination_uri[] = 127.0.0.3
destination_uri[] = 127.0.0.1

[AmazonHDSUpload]
aws_access_key = '` + s3test.AccessKey + `'
aws_secret_key = '` + s3test.SecretKey + `'
default_bucket = 'live'
bootstrap = 'bootstrap'

[AmazonHLSUpload]
aws_access_key = '` + s3test.AccessKey + `'
aws_secret_key = '` + s3test.SecretKey + `'
default_bucket = 'live'
`

func client(t *testing.T, s *emstest.Server) *emsapi.Client {
	t.Helper()
	api, err := emsapi.New(emsapi.Settings{URL: s.URL(), Timeout: time.Minute})
	e2e.Must(t, err)
	return api
}

// It does all that the older services did, at their ports, without a change of the file.
func TestConfigOfTheOlderServicesWorksUnchanged(t *testing.T) {
	e2e.Free(t, "127.0.0.1:7777", "127.0.0.1:4000", "127.0.0.1:4001", "127.0.0.2:7777", "127.0.0.3:7777")
	store := s3test.Start(t)
	network := emstest.NewNetwork()
	ours := e2e.StartServer(t, emstest.Settings{Address: "192.168.2.57", API: "127.0.0.1:7777", Network: network, Sink: "http://127.0.0.1:4000/evowebservices/"})
	second := e2e.StartServer(t, emstest.Settings{Address: "127.0.0.2", API: "127.0.0.2:7777", Network: network})
	third := e2e.StartServer(t, emstest.Settings{Address: "127.0.0.3", API: "127.0.0.3:7777", Network: network})
	routed := e2e.StartServer(t, emstest.Settings{Address: "127.0.0.4", Network: network})
	root := t.TempDir()
	for _, f := range []media.Format{media.HLS, media.HDS} {
		_, err := client(t, ours).CreateOutput(t.Context(), f, emsapi.OutputRequest{
			LocalStreamName: "forwardthese1", TargetFolder: root, GroupName: "g", KeepAlive: true,
		})
		e2e.Must(t, err)
	}

	path, err := e2e.BuildBinary()
	e2e.Must(t, err)
	ini := filepath.Join(t.TempDir(), "config.ini")
	e2e.Must(t, os.WriteFile(ini, []byte(olderConfig), 0o600))
	cmd := exec.Command(path, "run", "--config", ini)
	cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL_S3="+store.Endpoint, "AWS_REGION=us-east-1")
	s := e2e.Launch(t, cmd, "127.0.0.1:4001")
	s.WaitForReady()

	e2e.Must(t, client(t, ours).Call(t.Context(), "transcode", []emsapi.Param{{Key: "source", Value: "forwardthese1"}, {Key: "destinations", Value: "other"}}, nil))
	_, err = ours.Publish("forwardthese1", emstest.Publisher{})
	e2e.Must(t, err)
	transcode, err := ours.Publish("other", emstest.Publisher{})
	e2e.Must(t, err)
	h := &emswriter.HLS{Dir: filepath.Join(root, "g/forwardthese1")}
	e2e.Must(t, h.Start())
	f := &emswriter.HDS{Dir: filepath.Join(root, "g/forwardthese1")}
	e2e.Must(t, f.Start())
	e2e.Must(t, f.First(emswriter.Content(20_000, "0")))
	for n := range 3 {
		h.Write(emswriter.Content(20_000, "x"))
		e2e.Must(t, h.Next(4*time.Second))
		e2e.Must(t, f.Write(15_000))
		e2e.Must(t, f.Next(4*time.Second, emswriter.Content(20_000, string(rune('1'+n)))))
	}
	e2e.Must(t, h.End(4*time.Second))
	e2e.Must(t, emswriter.Master(filepath.Join(root, "g"), emswriter.Variant{Stream: "forwardthese1", Bandwidth: 1000}))
	e2e.Must(t, f.End(4*time.Second))
	s.WaitFor("HLS and HDS in the bucket", func() bool {
		keys, err := store.Keys()
		e2e.Must(t, err)
		return slices.Contains(keys, "g/forwardthese1/playlist.m3u8") && slices.Contains(keys, "g/forwardthese1/bootstrap") &&
			slices.Contains(keys, "g/playlist.m3u8") && slices.ContainsFunc(keys, func(k string) bool { return strings.HasSuffix(k, "Seg1-Frag3") })
	})
	s.WaitFor("streams on the group", func() bool {
		both := []string{"forwardthese1", "other"}
		return slices.Equal(second.Names(), both) && slices.Equal(third.Names(), both)
	})
	s.WaitFor("one of them routed", func() bool { return slices.Equal(routed.Names(), []string{"forwardthese1"}) })
	s.WaitFor("both recorded", func() bool {
		var paths []string
		for _, r := range ours.Config().Record {
			if r.ChunkLength == 60 && r.Status == emsapi.Streaming {
				paths = append(paths, regexp.MustCompile(`-\d{8}-\d{6}-\d{3}$`).ReplaceAllString(r.PathToFile, ""))
			}
		}
		slices.Sort(paths)
		return slices.Equal(paths, []string{`C:\xampp\htdocs\evowebservices\media\forwardthese1`, `C:\xampp\htdocs\evowebservices\media\other`})
	})
	if long.Or(false, true) { // package hooks tests the resetter, too
		transcode.StopAudio() // EMS says so after 10 s, and the daemon waits for as long to see it itself
		s.WaitFor("one reset", func() bool { return slices.Equal(ours.Names(), []string{"forwardthese1"}) })
	}
	if got := s.Complaints(); len(got) > 0 {
		t.Errorf("%s", strings.Join(got, "\n"))
	}
	if code := s.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// The media server may come later than we do; what does not need it does not wait.
func TestRootsAreFoundWhenTheMediaServerIsThere(t *testing.T) {
	t.Parallel()
	store := s3test.Start(t)
	api := e2e.FreeAddress(t)
	watched, found := t.TempDir(), t.TempDir()
	write := func(dir string) {
		h := &emswriter.HLS{Dir: dir}
		e2e.Must(t, h.Start())
		h.Write(emswriter.Content(20_000, dir))
		e2e.Must(t, h.End(4*time.Second))
	}
	has := func(key string) func() bool {
		return func() bool { _, err := store.Object(key); return err == nil }
	}
	s := e2e.NewSidecar(t, watched, store.Endpoint, "AmazonMSSUpload default_bucket = live", "AmazonHDSUpload bootstrap = bootstrap",
		"AmazonDASHUpload default_bucket = live", "AmazonRecordUpload prefix = rec/", "EMS api_url = http://"+api, "EMS reconcile_interval = 1s", "Hooks listen = "+e2e.FreeAddress(t))
	write(filepath.Join(watched, "w/s"))
	s.WaitFor("what has a directory is published", has("w/s/playlist.m3u8"))
	s.WaitFor("a log line", func() bool { return len(s.Lines("level=WARN", "asking the media server failed", api)) == 1 })
	if code := s.Get("/readyz"); code != 503 {
		t.Errorf("/readyz is %d", code)
	}

	server := e2e.StartServer(t, emstest.Settings{API: api, Files: true})
	c := client(t, server)
	_, err := c.CreateOutput(t.Context(), media.DASH, emsapi.OutputRequest{LocalStreamName: "s", TargetFolder: found, GroupName: "g"})
	e2e.Must(t, err)
	s.WaitFor("the server's directory is found", func() bool { return len(s.Lines("msg=publishing", "section=AmazonDASHUpload", "root="+found)) == 1 })
	s.WaitForReady()
	d := &emswriter.DASH{Dir: filepath.Join(found, "g/s")}
	e2e.Must(t, d.Start())
	e2e.Must(t, d.First(emswriter.Content(9_000, "v"), emswriter.Content(3_000, "a")))
	e2e.Must(t, d.End(4*time.Second, 4*time.Second))
	s.WaitFor("what is in it is published", has("g/manifest.mpd"))

	// Later, other outputs; the recordings lie in the directory of another format, and are left to
	// their own section.
	e2e.Must(t, os.Mkdir(filepath.Join(found, "rec"), 0o755))
	_, err = server.Publish("cam", emstest.Publisher{})
	e2e.Must(t, err)
	_, err = c.Record(t.Context(), emsapi.Recording{LocalStreamName: "cam", PathToFile: filepath.Join(found, "rec/cam"), Type: "ts", KeepAlive: true})
	e2e.Must(t, err)
	s.WaitFor("the recordings' directory is found", func() bool { return len(s.Lines("msg=publishing", "section=AmazonRecordUpload")) == 1 })
	e2e.Must(t, os.WriteFile(filepath.Join(found, "rec/other.ts"), emswriter.Content(9_000, "rec"), 0o644))
	s.WaitFor("a recording is published", has("rec/other.ts"))
	if got := s.Lines("level=ERROR"); len(got) > 0 {
		t.Errorf("%s", got)
	}
}

// Events may be forged: nothing outside, nothing that is being written, nothing twice.
func TestForgedEventsUploadNothing(t *testing.T) {
	t.Parallel()
	store := s3test.Start(t)
	proxy := s3test.NewProxy(t, store)
	root, outside := t.TempDir(), t.TempDir()
	listen := e2e.FreeAddress(t)
	s := e2e.StartSidecar(t, root, proxy.Endpoint, "Hooks listen = "+listen, "Watcher backend = poll", "Watcher poll_interval = 200ms")
	server := e2e.StartServer(t, emstest.Settings{Sink: "http://" + listen + "/evowebservices/"})
	e2e.Put(t, outside, "secret.ts", "secret")
	e2e.Must(t, os.Symlink(outside, filepath.Join(root, "link")))
	e2e.Put(t, root, "g/s/segment_1_1.ts", "half of it")
	half, err := os.OpenFile(filepath.Join(root, "g/s/segment_1_1.ts"), os.O_WRONLY|os.O_APPEND, 0)
	e2e.Must(t, err)
	defer half.Close()
	for _, file := range []string{
		filepath.Join(outside, "secret.ts"), root + "/../" + filepath.Base(outside) + "/secret.ts", root + "/link/secret.ts", root + "//g//s/segment_1_1.ts",
		"/etc/passwd", "relative.ts", root, root + "/g", "", strings.Repeat("/x", 5000),
	} {
		for range 3 {
			server.Emit("hlsChunkClosed", map[string]any{"file": file})
		}
	}
	s.WaitFor("they are refused", func() bool { return len(s.Lines("level=WARN", "event names a file that is not looked at")) == 2 })
	time.Sleep(time.Second) // nothing can tell that nothing happens
	if keys, err := store.Keys(); err != nil || len(keys) > 0 {
		t.Errorf("uploaded: %v %v", keys, err)
	}
	_, err = half.WriteString(", and the rest")
	e2e.Must(t, err)
	e2e.Must(t, half.Close())
	s.WaitFor("the chunk arrives whole", func() bool {
		got, err := store.Object("g/s/segment_1_1.ts")
		return err == nil && string(got) == "half of it, and the rest"
	})
	if got := e2e.Puts(proxy); len(got) != 1 {
		t.Errorf("%d PUTs: %v", len(got), got)
	}
}

func TestCheckTellsOfTheMediaServerAndItsGroup(t *testing.T) {
	t.Parallel()
	store := s3test.Start(t)
	root := t.TempDir()
	server := e2e.StartServer(t, emstest.Settings{})
	member := e2e.StartServer(t, emstest.Settings{Address: "127.0.0.2", API: "127.0.0.2:0", Proxy: "127.0.0.2:0", Username: "ems", Password: "hunter2"})
	_, err := client(t, server).CreateOutput(t.Context(), media.HLS, emsapi.OutputRequest{LocalStreamName: "s", TargetFolder: root, GroupName: "g"})
	e2e.Must(t, err)
	listen, silent := e2e.FreeAddress(t), e2e.FreeAddress(t)
	check := func(more ...string) (int, string) {
		ini := filepath.Join(t.TempDir(), "config.ini")
		e2e.Must(t, os.WriteFile(ini, []byte(e2e.ConfigFor("", store.Endpoint, "off", append(more, "AmazonHLSUpload prefix = p/", "Hooks listen = "+listen)...)), 0o600))
		code, stdout, stderr := e2e.RunCommandLine(t, "check", "--config", ini)
		return code, stdout + stderr
	}
	ems := "EMS api_url = " + server.URL()

	code, out := check(ems, "StreamLoadBalancer destination_uri[] = "+member.ProxyURL(), "StreamLoadBalancer destination_uri[] = "+server.URL())
	e2e.Says(t, out, "ems        "+server.URL()+": version 1.7.0", "outputs    of EMS for [AmazonHLSUpload]: "+root, "directory  "+root,
		"events     http://"+listen+"/evowebservices/", `"ems-sidecar config lua" prints the lines`, "apiproxy 1.7.0", "is this server itself",
		"every user of this host may post events there")
	if code != 0 || strings.Contains(out, "hunter2") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	code, out = check(ems, "Hooks secret = hush")
	e2e.Says(t, out, "/evowebservices/SECRET/")
	if code != 0 || strings.Contains(out, "hush") || strings.Contains(out, "every user") {
		t.Errorf("with a secret: exit code %d\n%s", code, out)
	}
	code, out = check(ems, "Hooks allow[] = 192.0.2.0/24")
	e2e.Says(t, out, "FAIL  events", "the address of this host is not in allow[]")
	if code != 1 {
		t.Errorf("not allowed: exit code %d", code)
	}
	code, out = check("EMS api_url = http://"+silent, "StreamLoadBalancer destination_uri[] = http://127.0.0.2:9")
	e2e.Says(t, out, "FAIL  ems        http://"+silent, "is EMS running", "FAIL  balancer   http://127.0.0.2:9")
	if code != 1 || strings.Contains(out, "writes nothing") {
		t.Errorf("without a media server: exit code %d\n%s", code, out)
	}
	s := e2e.NewSidecar(t, "", store.Endpoint, ems, "AmazonHLSUpload prefix = p/", "Hooks listen = "+listen)
	s.WaitForReady()
	if code, out = check(ems); code != 0 || !strings.Contains(out, "accepted by the daemon") {
		t.Errorf("beside the daemon: exit code %d\n%s", code, out)
	}
	s.Stop()

	other, err := net.Listen("tcp", listen) // which never answers
	e2e.Must(t, err)
	defer other.Close()
	if code, stdout, stderr := e2e.RunCommandLine(t, "run", "--config", e2e.ConfigFile(t, "[TranscodeResetter]\n[Admin]\nlisten = off\n[Hooks]\nlisten = "+listen+"\n")); code != 1 ||
		!strings.Contains(stderr, "[Hooks] listen") {
		t.Errorf("the address is taken: exit code %d, %s%s", code, stdout, stderr)
	}
}

func TestSyncAsksTheMediaServerForItsDirectories(t *testing.T) {
	t.Parallel()
	store := s3test.Start(t)
	root := t.TempDir()
	server := e2e.StartServer(t, emstest.Settings{})
	_, err := client(t, server).CreateOutput(t.Context(), media.HLS, emsapi.OutputRequest{LocalStreamName: "s", TargetFolder: root, GroupName: "g"})
	e2e.Must(t, err)
	h := &emswriter.HLS{Dir: filepath.Join(root, "g/s")}
	e2e.Must(t, h.Start())
	h.Write(emswriter.Content(20_000, "x"))
	e2e.Must(t, h.End(4*time.Second))
	ini := e2e.ConfigFile(t, e2e.ConfigFor("", store.Endpoint, "off", "AmazonHLSUpload prefix = p/", "EMS api_url = "+server.URL()))
	if code, stdout, stderr := e2e.RunCommandLine(t, "sync", "--config", ini); code != 0 || !strings.Contains(stdout, "1 chunks and 1 manifests") {
		t.Errorf("exit code %d, %s%s", code, stdout, stderr)
	}
	server.Stop()
	if code, stdout, stderr := e2e.RunCommandLine(t, "sync", "--config", ini); code != 1 || !strings.Contains(stderr, "asking EMS where it writes") {
		t.Errorf("without the server: exit code %d, %s%s", code, stdout, stderr)
	}
}

// The operator does not choose the directories that EMS names. What would be overwritten, sent twice
// or mistaken for something else is left out and logged.
func TestDirectoriesThatDoNotGoTogether(t *testing.T) {
	t.Parallel()
	store := s3test.Start(t)
	proxy := s3test.NewProxy(t, store)
	root := t.TempDir()
	server := e2e.StartServer(t, emstest.Settings{})
	c := client(t, server)
	record := func(path string) {
		if filepath.IsAbs(path) { // the other is the server's, wherever that runs
			e2e.Put(t, filepath.Dir(path), ".made", "")
		}
		_, err := c.Record(t.Context(), emsapi.Recording{LocalStreamName: "cam", PathToFile: path, Type: "ts", KeepAlive: true})
		e2e.Must(t, err)
	}
	live := func(dir string) {
		_, err := c.CreateOutput(t.Context(), media.HLS, emsapi.OutputRequest{LocalStreamName: "s", TargetFolder: dir, GroupName: "g"})
		e2e.Must(t, err)
	}
	record(root + "/day1/cam")
	record(root + "/day2/cam")
	record("relative/cam")
	live(root + "/www")
	record(root + "/www/own")     // beside the groups
	record(root + "/www/g/group") // in one
	e2e.Put(t, root, "day1/cam.ts", "monday")
	s := e2e.NewSidecar(t, "", proxy.Endpoint, "AmazonHLSUpload prefix = live/", "AmazonRecordUpload prefix = rec/", "AmazonRecordUpload delete_local = after_upload",
		"AmazonRecordUpload delete_local_after = 0", "EMS api_url = "+server.URL(), "EMS reconcile_interval = 1s", "Hooks listen = "+e2e.FreeAddress(t))
	s.WaitFor("the first is uploaded and deleted", func() bool {
		_, err := os.Stat(root + "/day1/cam.ts")
		return os.IsNotExist(err)
	})
	e2e.Put(t, root, "day2/cam.ts", "tuesday")
	s.WaitFor("the second is uploaded under another key, and deleted", func() bool {
		_, err := os.Stat(root + "/day2/cam.ts")
		return os.IsNotExist(err)
	})
	said := s.Lines("level=ERROR", "recording goes under another key", "key=rec/cam.ts", "other_key=rec/cam-")
	if len(said) != 1 {
		t.Fatalf("%d log lines, want 1", len(said))
	}
	other := regexp.MustCompile(`other_key=(\S+)`).FindStringSubmatch(said[0])[1]
	for key, want := range map[string]string{"rec/cam.ts": "monday", other: "tuesday"} {
		if got, err := store.Object(key); err != nil || string(got) != want {
			t.Errorf("%s in the bucket: %q, %v", key, got, err)
		}
	}
	e2e.Put(t, root, "www/own.ts", "recording")
	e2e.Put(t, root, "www/g/group.ts", "recording")
	e2e.Put(t, root, "www/g/s/segment_1_1.ts", "live")
	want := []string{"live/g/s/segment_1_1.ts", other, "rec/cam.ts", "rec/group.ts", "rec/own.ts"}
	s.WaitFor("others are uploaded, each once", func() bool {
		keys, err := store.Keys()
		e2e.Must(t, err)
		return slices.Equal(keys, want)
	})
	if _, err := os.Stat(root + "/www/g/s/segment_1_1.ts"); err != nil {
		t.Errorf("the live chunk: %v", err)
	}
	if got := s.Lines("level=ERROR", "is not published", "section=AmazonRecordUpload", "root=relative"); len(got) != 1 {
		t.Errorf("a directory that no one named: %q", got)
	}
	if code := s.Get("/readyz"); code != 503 {
		t.Errorf("/readyz is %d although a directory is not published", code)
	}
	code, stdout, _ := e2e.RunCommandLine(t, "check", "--config", e2e.ConfigFile(t, e2e.ConfigFor("", store.Endpoint, "off", "AmazonHLSUpload prefix = live/", "AmazonRecordUpload prefix = rec/",
		"EMS api_url = "+server.URL(), "Hooks listen = "+e2e.FreeAddress(t))))
	e2e.Says(t, stdout, "FAIL  directory  relative")
	if code != 1 {
		t.Errorf("check: exit code %d", code)
	}
}

// A live chunk that lies where recordings are looked for is not deleted from EMS's disk, also
// before EMS has said what it is.
func TestLiveChunksAreNotDeletedAsRecordings(t *testing.T) {
	t.Parallel()
	store := s3test.Start(t)
	root, api := t.TempDir(), e2e.FreeAddress(t)
	e2e.Put(t, root, "hls/g/s/segment_1_1.ts", "live")
	e2e.Put(t, root, "old.ts", "recording")
	s := e2e.NewSidecar(t, "", store.Endpoint, "AmazonHLSUpload prefix = live/", "AmazonRecordUpload prefix = rec/", "AmazonRecordUpload watch_dir = "+root,
		"AmazonRecordUpload delete_local = after_upload", "AmazonRecordUpload delete_local_after = 0", "EMS api_url = http://"+api, "EMS reconcile_interval = 1s",
		"Hooks listen = "+e2e.FreeAddress(t))
	s.WaitFor("the recording is uploaded", func() bool { _, err := store.Object("rec/old.ts"); return err == nil })
	time.Sleep(time.Second) // nothing can tell that nothing happens
	server := e2e.StartServer(t, emstest.Settings{API: api})
	_, err := client(t, server).CreateOutput(t.Context(), media.HLS, emsapi.OutputRequest{LocalStreamName: "s", TargetFolder: root + "/hls", GroupName: "g"})
	e2e.Must(t, err)
	s.WaitFor("the live root is found", func() bool { _, err := store.Object("live/g/s/segment_1_1.ts"); return err == nil })
	time.Sleep(time.Second)
	if _, err := os.Stat(root + "/hls/g/s/segment_1_1.ts"); err != nil {
		t.Error(err)
	}
}

// EMS forgets orders without keepAlive when it is restarted. What was left to upload of them still
// arrives.
func TestWhatIsLeftInAForgottenDirectoryArrives(t *testing.T) {
	t.Parallel()
	store := s3test.Start(t)
	proxy := s3test.NewProxy(t, store)
	proxy.Befall(s3test.Refuse())
	root, state := t.TempDir(), t.TempDir()
	server := e2e.StartServer(t, emstest.Settings{})
	_, err := client(t, server).CreateOutput(t.Context(), media.HLS, emsapi.OutputRequest{LocalStreamName: "s", TargetFolder: root, GroupName: "g"})
	e2e.Must(t, err)
	path, err := e2e.BuildBinary()
	e2e.Must(t, err)
	start := func() *e2e.Sidecar {
		admin := e2e.FreeAddress(t)
		cmd := exec.Command(path, "run", "--config", e2e.ConfigFile(t, e2e.ConfigFor("", proxy.Endpoint, admin, "AmazonHLSUpload prefix = p/", "EMS api_url = "+server.URL(), "Hooks listen = "+e2e.FreeAddress(t))))
		cmd.Env = append(os.Environ(), "STATE_DIRECTORY="+state)
		s := e2e.Launch(t, cmd, admin)
		s.WaitForReady()
		return s
	}
	s := start()
	e2e.Put(t, root, "g/s/segment_1_1.ts", "chunk")
	s.WaitFor("the spool has it", func() bool { _, err := os.Stat(filepath.Join(root, ".ems-sidecar/hls/g/s")); return err == nil })
	e2e.Must(t, os.Remove(filepath.Join(root, "g/s/segment_1_1.ts")))
	s.Kill()
	server.Stop()
	e2e.Must(t, server.Start())
	if cfg := server.Config(); len(cfg.Outputs) > 0 {
		t.Fatalf("the server did not forget: %+v", cfg)
	}
	proxy.Mend()
	s = start()
	s.WaitFor("it arrives", func() bool {
		got, err := store.Object("p/g/s/segment_1_1.ts")
		return err == nil && string(got) == "chunk"
	})
}
