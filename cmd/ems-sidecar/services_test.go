package main

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
	"ems-sidecar/internal/emswriter"
	"ems-sidecar/internal/s3test"
)

// A config.ini as EvoStream's documentation has it for the older services, with keys, a bucket and the switches; the other
// servers are where a test may reach them.
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

// free skips the test if something of this machine has one of the addresses that it needs.
func free(t *testing.T, addresses ...string) {
	t.Helper()
	for _, a := range addresses {
		l, err := net.Listen("tcp", a)
		if err != nil {
			t.Skipf("this needs %s: %v", a, err)
		}
		l.Close()
	}
}

func startServer(t *testing.T, s emstest.Settings) *emstest.Server {
	t.Helper()
	server := emstest.New(s)
	must(t, server.Start())
	t.Cleanup(server.Close)
	return server
}

func client(t *testing.T, s *emstest.Server) *emsapi.Client {
	t.Helper()
	api, err := emsapi.New(emsapi.Settings{URL: s.URL()})
	must(t, err)
	return api
}

// It does all that the older services did, at their ports, without a change of the file.
func TestConfigOfTheOlderServicesWorksUnchanged(t *testing.T) {
	free(t, "127.0.0.1:7777", "127.0.0.1:4000", "127.0.0.1:4001", "127.0.0.2:7777", "127.0.0.3:7777")
	store := s3test.Start(t)
	network := emstest.NewNetwork()
	ours := startServer(t, emstest.Settings{Address: "192.168.2.57", API: "127.0.0.1:7777", Network: network, Sink: "http://127.0.0.1:4000/evowebservices/"})
	second := startServer(t, emstest.Settings{Address: "127.0.0.2", API: "127.0.0.2:7777", Network: network})
	third := startServer(t, emstest.Settings{Address: "127.0.0.3", API: "127.0.0.3:7777", Network: network})
	routed := startServer(t, emstest.Settings{Address: "127.0.0.4", Network: network})
	root := t.TempDir()
	for _, create := range []func(*emsapi.Client, emsapi.OutputRequest) ([]uint32, error){
		func(c *emsapi.Client, r emsapi.OutputRequest) ([]uint32, error) {
			return c.CreateHLSStream(t.Context(), r)
		},
		func(c *emsapi.Client, r emsapi.OutputRequest) ([]uint32, error) {
			return c.CreateHDSStream(t.Context(), r)
		},
	} {
		_, err := create(client(t, ours), emsapi.OutputRequest{LocalStreamName: "forwardthese1", TargetFolder: root, GroupName: "g", KeepAlive: true})
		must(t, err)
	}

	path, err := buildBinary()
	must(t, err)
	ini := filepath.Join(t.TempDir(), "config.ini")
	must(t, os.WriteFile(ini, []byte(olderConfig), 0o600))
	cmd := exec.Command(path, "run", "--config", ini)
	cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL_S3="+store.Endpoint, "AWS_REGION=us-east-1")
	s := launch(t, cmd, "127.0.0.1:4001")
	s.waitForReady()

	must(t, client(t, ours).Call(t.Context(), "transcode", []emsapi.Param{{Key: "source", Value: "forwardthese1"}, {Key: "destinations", Value: "other"}}, nil))
	_, err = ours.Publish("forwardthese1", emstest.Publisher{})
	must(t, err)
	transcode, err := ours.Publish("other", emstest.Publisher{})
	must(t, err)
	h := &emswriter.HLS{Dir: filepath.Join(root, "g/forwardthese1")}
	must(t, h.Start())
	f := &emswriter.HDS{Dir: filepath.Join(root, "g/forwardthese1")}
	must(t, f.Start())
	must(t, f.First(emswriter.Content(20_000, "0")))
	for n := range 3 {
		h.Write(emswriter.Content(20_000, "x"))
		must(t, h.Next(4*time.Second))
		must(t, f.Write(15_000))
		must(t, f.Next(4*time.Second, emswriter.Content(20_000, string(rune('1'+n)))))
	}
	must(t, h.End(4*time.Second))
	must(t, emswriter.Master(filepath.Join(root, "g"), emswriter.Variant{Stream: "forwardthese1", Bandwidth: 1000}))
	must(t, f.End(4*time.Second))
	s.waitFor("HLS and HDS in the bucket", func() bool {
		keys, err := store.Keys()
		must(t, err)
		return slices.Contains(keys, "g/forwardthese1/playlist.m3u8") && slices.Contains(keys, "g/forwardthese1/bootstrap") &&
			slices.Contains(keys, "g/playlist.m3u8") && slices.ContainsFunc(keys, func(k string) bool { return strings.HasSuffix(k, "Seg1-Frag3") })
	})
	s.waitFor("streams on the group", func() bool {
		both := []string{"forwardthese1", "other"}
		return slices.Equal(second.Names(), both) && slices.Equal(third.Names(), both)
	})
	s.waitFor("one of them routed", func() bool { return slices.Equal(routed.Names(), []string{"forwardthese1"}) })
	s.waitFor("both recorded", func() bool {
		var paths []string
		for _, r := range ours.Config().Record {
			if r.ChunkLength == 60 && r.Status == emsapi.Streaming {
				paths = append(paths, regexp.MustCompile(`-\d{8}-\d{6}-\d{3}$`).ReplaceAllString(r.PathToFile, ""))
			}
		}
		slices.Sort(paths)
		return slices.Equal(paths, []string{`C:\xampp\htdocs\evowebservices\media\forwardthese1`, `C:\xampp\htdocs\evowebservices\media\other`})
	})
	transcode.StopAudio() // EMS says so after 10 s, and the daemon waits for as long to see it itself
	s.waitFor("one reset", func() bool { return slices.Equal(ours.Names(), []string{"forwardthese1"}) })
	if got := s.complaints(); len(got) > 0 {
		t.Errorf("%s", strings.Join(got, "\n"))
	}
	if code := s.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// The media server may come later than we do; what does not need it does not wait.
func TestRootsAreFoundWhenTheMediaServerIsThere(t *testing.T) {
	t.Parallel()
	store := s3test.Start(t)
	api := freeAddress(t)
	watched, found := t.TempDir(), t.TempDir()
	write := func(dir string) {
		h := &emswriter.HLS{Dir: dir}
		must(t, h.Start())
		h.Write(emswriter.Content(20_000, dir))
		must(t, h.End(4*time.Second))
	}
	has := func(key string) func() bool {
		return func() bool { _, err := store.Object(key); return err == nil }
	}
	s := newSidecar(t, watched, store.Endpoint, "AmazonMSSUpload default_bucket = live", "AmazonHDSUpload bootstrap = bootstrap",
		"AmazonDASHUpload default_bucket = live", "AmazonRecordUpload prefix = rec/", "EMS api_url = http://"+api, "EMS reconcile_interval = 1s", "Hooks listen = "+freeAddress(t))
	write(filepath.Join(watched, "w/s"))
	s.waitFor("what has a directory is published", has("w/s/playlist.m3u8"))
	s.waitFor("it is said", func() bool { return len(s.lines("level=WARN", "asking the media server failed", api)) == 1 })
	if code := s.get("/readyz"); code != 503 {
		t.Errorf("/readyz is %d", code)
	}

	server := startServer(t, emstest.Settings{API: api, Files: true})
	c := client(t, server)
	_, err := c.CreateDASHStream(t.Context(), emsapi.OutputRequest{LocalStreamName: "s", TargetFolder: found, GroupName: "g"})
	must(t, err)
	s.waitFor("the server's directory is found", func() bool { return len(s.lines("msg=publishing", "section=AmazonDASHUpload", "root="+found)) == 1 })
	s.waitForReady()
	d := &emswriter.DASH{Dir: filepath.Join(found, "g/s")}
	must(t, d.Start())
	must(t, d.First(emswriter.Content(9_000, "v"), emswriter.Content(3_000, "a")))
	must(t, d.End(4*time.Second, 4*time.Second))
	s.waitFor("what is in it is published", has("g/manifest.mpd"))

	// Later, other outputs; the recordings lie in the directory of another format, and are left to their own section.
	must(t, os.Mkdir(filepath.Join(found, "rec"), 0o755))
	_, err = server.Publish("cam", emstest.Publisher{})
	must(t, err)
	_, err = c.Record(t.Context(), emsapi.Recording{LocalStreamName: "cam", PathToFile: filepath.Join(found, "rec/cam"), Type: "ts", KeepAlive: true})
	must(t, err)
	s.waitFor("the recordings' directory is found", func() bool { return len(s.lines("msg=publishing", "section=AmazonRecordUpload")) == 1 })
	must(t, os.WriteFile(filepath.Join(found, "rec/other.ts"), emswriter.Content(9_000, "rec"), 0o644))
	s.waitFor("a recording is published", has("rec/other.ts"))
	if got := s.lines("level=ERROR"); len(got) > 0 {
		t.Errorf("%s", got)
	}
}

// Events may be forged: nothing outside, nothing that is being written, nothing twice.
func TestForgedEventsUploadNothing(t *testing.T) {
	t.Parallel()
	store := s3test.Start(t)
	proxy := s3test.NewProxy(t, store)
	root, outside := t.TempDir(), t.TempDir()
	listen := freeAddress(t)
	s := startSidecar(t, root, proxy.Endpoint, "Hooks listen = "+listen, "Watcher backend = poll", "Watcher poll_interval = 200ms")
	server := startServer(t, emstest.Settings{Sink: "http://" + listen + "/evowebservices/"})
	put(t, outside, "secret.ts", "secret")
	must(t, os.Symlink(outside, filepath.Join(root, "link")))
	put(t, root, "g/s/segment_1_1.ts", "half of it")
	half, err := os.OpenFile(filepath.Join(root, "g/s/segment_1_1.ts"), os.O_WRONLY|os.O_APPEND, 0)
	must(t, err)
	defer half.Close()
	for _, file := range []string{
		filepath.Join(outside, "secret.ts"), root + "/../" + filepath.Base(outside) + "/secret.ts", root + "/link/secret.ts", root + "//g//s/segment_1_1.ts",
		"/etc/passwd", "relative.ts", root, root + "/g", "", strings.Repeat("/x", 5000),
	} {
		for range 3 {
			server.Emit("hlsChunkClosed", map[string]any{"file": file})
		}
	}
	s.waitFor("they are refused", func() bool { return len(s.lines("level=WARN", "event names a file that is not looked at")) == 2 })
	time.Sleep(time.Second) // nothing can tell that nothing happens
	if keys, err := store.Keys(); err != nil || len(keys) > 0 {
		t.Errorf("uploaded: %v %v", keys, err)
	}
	_, err = half.WriteString(", and the rest")
	must(t, err)
	must(t, half.Close())
	s.waitFor("the chunk arrives whole", func() bool {
		got, err := store.Object("g/s/segment_1_1.ts")
		return err == nil && string(got) == "half of it, and the rest"
	})
	if got := puts(proxy); len(got) != 1 {
		t.Errorf("%d PUTs: %v", len(got), got)
	}
}

func TestCheckTellsOfTheMediaServerAndItsGroup(t *testing.T) {
	t.Parallel()
	store := s3test.Start(t)
	root := t.TempDir()
	server := startServer(t, emstest.Settings{})
	member := startServer(t, emstest.Settings{Address: "127.0.0.2", API: "127.0.0.2:0", Proxy: "127.0.0.2:0", Username: "ems", Password: "hunter2"})
	_, err := client(t, server).CreateHLSStream(t.Context(), emsapi.OutputRequest{LocalStreamName: "s", TargetFolder: root, GroupName: "g"})
	must(t, err)
	listen, silent := freeAddress(t), freeAddress(t)
	check := func(more ...string) (int, string) {
		ini := filepath.Join(t.TempDir(), "config.ini")
		must(t, os.WriteFile(ini, []byte(configFor("", store.Endpoint, "off", append(more, "AmazonHLSUpload prefix = p/", "Hooks listen = "+listen)...)), 0o600))
		code, stdout, stderr := runCommandLine(t, "check", "--config", ini)
		return code, stdout + stderr
	}
	ems := "EMS api_url = " + server.URL()

	code, out := check(ems, "StreamLoadBalancer destination_uri[] = "+member.ProxyURL(), "StreamLoadBalancer destination_uri[] = "+server.URL())
	says(t, out, "ems        "+server.URL()+": version 1.7.0", "outputs    of EMS for [AmazonHLSUpload]: "+root, "directory  "+root,
		"events     http://"+listen+"/evowebservices/", `url = "http://`+listen+`/evowebservices/"`, `"inStreamCreated"`, "apiproxy 1.7.0", "is this server itself",
		"every user of this host may post events there", "EMS numbers the events of all its sinks together")
	if code != 0 || strings.Contains(out, "hunter2") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	code, out = check(ems, "Hooks secret = hush")
	says(t, out, "/evowebservices/SECRET/", "the secret where SECRET stands")
	if code != 0 || strings.Contains(out, "hush") || strings.Contains(out, "every user") {
		t.Errorf("with a secret: exit code %d\n%s", code, out)
	}
	code, out = check(ems, "Hooks allow[] = 192.0.2.0/24")
	says(t, out, "FAIL  events", "the address of this host is not in allow[]")
	if code != 1 {
		t.Errorf("not allowed: exit code %d", code)
	}
	code, out = check("EMS api_url = http://"+silent, "StreamLoadBalancer destination_uri[] = http://127.0.0.2:9")
	says(t, out, "FAIL  ems        http://"+silent, "is EMS running", "FAIL  balancer   http://127.0.0.2:9")
	if code != 1 || strings.Contains(out, "writes nothing") {
		t.Errorf("nobody there: exit code %d\n%s", code, out)
	}
	s := newSidecar(t, "", store.Endpoint, ems, "AmazonHLSUpload prefix = p/", "Hooks listen = "+listen)
	s.waitForReady()
	if code, out = check(ems); code != 0 || !strings.Contains(out, "taken in by the daemon") {
		t.Errorf("beside the daemon: exit code %d\n%s", code, out)
	}
	s.stop()

	other, err := net.Listen("tcp", listen) // which never answers
	must(t, err)
	defer other.Close()
	if code, stdout, stderr := runCommandLine(t, "run", "--config", configFile(t, "[TranscodeResetter]\n[Admin]\nlisten = off\n[Hooks]\nlisten = "+listen+"\n")); code != 1 ||
		!strings.Contains(stderr, "[Hooks] listen") {
		t.Errorf("the address is taken: exit code %d, %s%s", code, stdout, stderr)
	}
}

func TestSyncAsksTheMediaServerForItsDirectories(t *testing.T) {
	t.Parallel()
	store := s3test.Start(t)
	root := t.TempDir()
	server := startServer(t, emstest.Settings{})
	_, err := client(t, server).CreateHLSStream(t.Context(), emsapi.OutputRequest{LocalStreamName: "s", TargetFolder: root, GroupName: "g"})
	must(t, err)
	h := &emswriter.HLS{Dir: filepath.Join(root, "g/s")}
	must(t, h.Start())
	h.Write(emswriter.Content(20_000, "x"))
	must(t, h.End(4*time.Second))
	ini := configFile(t, configFor("", store.Endpoint, "off", "AmazonHLSUpload prefix = p/", "EMS api_url = "+server.URL()))
	if code, stdout, stderr := runCommandLine(t, "sync", "--config", ini); code != 0 || !strings.Contains(stdout, "1 chunks and 1 manifests") {
		t.Errorf("exit code %d, %s%s", code, stdout, stderr)
	}
	server.Stop()
	if code, stdout, stderr := runCommandLine(t, "sync", "--config", ini); code != 1 || !strings.Contains(stderr, "where EMS writes to is not known") {
		t.Errorf("without the server: exit code %d, %s%s", code, stdout, stderr)
	}
}

func configFile(t *testing.T, content string) string {
	t.Helper()
	ini := filepath.Join(t.TempDir(), "config.ini")
	must(t, os.WriteFile(ini, []byte(content), 0o600))
	return ini
}

// Directories that EMS names are nobody's choice: what would be overwritten, sent twice or taken for something else is left out, and said.
func TestDirectoriesThatDoNotGoTogether(t *testing.T) {
	t.Parallel()
	store := s3test.Start(t)
	proxy := s3test.NewProxy(t, store)
	root := t.TempDir()
	server := startServer(t, emstest.Settings{})
	c := client(t, server)
	record := func(path string) {
		put(t, filepath.Dir(path), ".made", "")
		_, err := c.Record(t.Context(), emsapi.Recording{LocalStreamName: "cam", PathToFile: path, Type: "ts", KeepAlive: true})
		must(t, err)
	}
	live := func(dir string) {
		_, err := c.CreateHLSStream(t.Context(), emsapi.OutputRequest{LocalStreamName: "s", TargetFolder: dir, GroupName: "g"})
		must(t, err)
	}
	record(root + "/day1/cam")
	record(root + "/day2/cam")
	record("relative/cam")
	live(root + "/www")
	record(root + "/www/own")     // beside the groups
	record(root + "/www/g/group") // in one
	put(t, root, "day1/cam.ts", "monday")
	s := newSidecar(t, "", proxy.Endpoint, "AmazonHLSUpload prefix = live/", "AmazonRecordUpload prefix = rec/", "AmazonRecordUpload delete_local = after_upload",
		"AmazonRecordUpload delete_local_after = 0", "EMS api_url = "+server.URL(), "EMS reconcile_interval = 1s", "Hooks listen = "+freeAddress(t))
	s.waitFor("the first is uploaded and deleted", func() bool {
		_, err := os.Stat(root + "/day1/cam.ts")
		return os.IsNotExist(err)
	})
	put(t, root, "day2/cam.ts", "tuesday")
	s.waitFor("the second is uploaded under another key, and deleted", func() bool {
		_, err := os.Stat(root + "/day2/cam.ts")
		return os.IsNotExist(err)
	})
	said := s.lines("level=ERROR", "recording goes under another key", "key=rec/cam.ts", "other_key=rec/cam-")
	if len(said) != 1 {
		t.Fatalf("it is said %d times", len(said))
	}
	other := regexp.MustCompile(`other_key=(\S+)`).FindStringSubmatch(said[0])[1]
	for key, want := range map[string]string{"rec/cam.ts": "monday", other: "tuesday"} {
		if got, err := store.Object(key); err != nil || string(got) != want {
			t.Errorf("%s in the bucket: %q, %v", key, got, err)
		}
	}
	put(t, root, "www/own.ts", "recording")
	put(t, root, "www/g/group.ts", "recording")
	put(t, root, "www/g/s/segment_1_1.ts", "live")
	want := []string{"live/g/s/segment_1_1.ts", other, "rec/cam.ts", "rec/group.ts", "rec/own.ts"}
	s.waitFor("others are uploaded, each once", func() bool {
		keys, err := store.Keys()
		must(t, err)
		return slices.Equal(keys, want)
	})
	if _, err := os.Stat(root + "/www/g/s/segment_1_1.ts"); err != nil {
		t.Errorf("the live chunk: %v", err)
	}
	if got := s.lines("level=ERROR", "is not published", "section=AmazonRecordUpload", "root=relative"); len(got) != 1 {
		t.Errorf("a directory of nobody knows where: %q", got)
	}
	if code := s.get("/readyz"); code != 503 {
		t.Errorf("/readyz is %d although a directory is not published", code)
	}
	code, stdout, _ := runCommandLine(t, "check", "--config", configFile(t, configFor("", store.Endpoint, "off", "AmazonHLSUpload prefix = live/", "AmazonRecordUpload prefix = rec/",
		"EMS api_url = "+server.URL(), "Hooks listen = "+freeAddress(t))))
	says(t, stdout, "FAIL  directory  relative")
	if code != 1 {
		t.Errorf("check: exit code %d", code)
	}
}

// A live chunk that lies where recordings are looked for is not deleted from EMS's disk, also before EMS has said what it is.
func TestLiveChunksAreNotDeletedAsRecordings(t *testing.T) {
	t.Parallel()
	store := s3test.Start(t)
	root, api := t.TempDir(), freeAddress(t)
	put(t, root, "hls/g/s/segment_1_1.ts", "live")
	put(t, root, "old.ts", "recording")
	s := newSidecar(t, "", store.Endpoint, "AmazonHLSUpload prefix = live/", "AmazonRecordUpload prefix = rec/", "AmazonRecordUpload watch_dir = "+root,
		"AmazonRecordUpload delete_local = after_upload", "AmazonRecordUpload delete_local_after = 0", "EMS api_url = http://"+api, "EMS reconcile_interval = 1s",
		"Hooks listen = "+freeAddress(t))
	s.waitFor("the recording is uploaded", func() bool { _, err := store.Object("rec/old.ts"); return err == nil })
	time.Sleep(time.Second) // nothing can tell that nothing happens
	server := startServer(t, emstest.Settings{API: api})
	_, err := client(t, server).CreateHLSStream(t.Context(), emsapi.OutputRequest{LocalStreamName: "s", TargetFolder: root + "/hls", GroupName: "g"})
	must(t, err)
	s.waitFor("the live root is found", func() bool { _, err := store.Object("live/g/s/segment_1_1.ts"); return err == nil })
	time.Sleep(time.Second)
	if _, err := os.Stat(root + "/hls/g/s/segment_1_1.ts"); err != nil {
		t.Error(err)
	}
}

// EMS forgets orders without keepAlive when it is started anew; what was left to upload of them is not.
func TestWhatIsLeftInAForgottenDirectoryArrives(t *testing.T) {
	t.Parallel()
	store := s3test.Start(t)
	proxy := s3test.NewProxy(t, store)
	proxy.Befall(s3test.Refuse())
	root, state := t.TempDir(), t.TempDir()
	server := startServer(t, emstest.Settings{})
	_, err := client(t, server).CreateHLSStream(t.Context(), emsapi.OutputRequest{LocalStreamName: "s", TargetFolder: root, GroupName: "g"})
	must(t, err)
	path, err := buildBinary()
	must(t, err)
	start := func() *sidecar {
		admin := freeAddress(t)
		cmd := exec.Command(path, "run", "--config", configFile(t, configFor("", proxy.Endpoint, admin, "AmazonHLSUpload prefix = p/", "EMS api_url = "+server.URL(), "Hooks listen = "+freeAddress(t))))
		cmd.Env = append(os.Environ(), "STATE_DIRECTORY="+state)
		s := launch(t, cmd, admin)
		s.waitForReady()
		return s
	}
	s := start()
	put(t, root, "g/s/segment_1_1.ts", "chunk")
	s.waitFor("the spool has it", func() bool { _, err := os.Stat(filepath.Join(root, ".ems-sidecar/hls/g/s")); return err == nil })
	must(t, os.Remove(filepath.Join(root, "g/s/segment_1_1.ts")))
	s.kill()
	server.Stop()
	must(t, server.Start())
	if cfg := server.Config(); len(cfg.HLS) > 0 {
		t.Fatalf("the server did not forget: %+v", cfg)
	}
	proxy.Mend()
	s = start()
	s.waitFor("it arrives", func() bool {
		got, err := store.Object("p/g/s/segment_1_1.ts")
		return err == nil && string(got) == "chunk"
	})
}
