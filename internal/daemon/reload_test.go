package daemon

import (
	"errors"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"ems-sidecar/config"
	"ems-sidecar/media"
	"ems-sidecar/uploader/s3store"
)

// reload has the daemon take another config: that of the site, with texts replaced as
// strings.NewReplacer does.
func (s *site) reload(replace ...string) error {
	s.t.Helper()
	_, err := s.daemon.Reload(func() (*config.Config, error) {
		return config.Parse("config.ini", []byte(strings.NewReplacer(replace...).Replace(s.text)))
	})
	return err
}

func (s *site) mustReload(replace ...string) {
	s.t.Helper()
	if err := s.reload(replace...); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) wantLog(text string) {
	s.t.Helper()
	if !strings.Contains(s.log.String(), text) {
		s.t.Errorf("the log lacks %s", text)
	}
}

func (s *site) wantNoErrors() {
	s.t.Helper()
	if strings.Contains(s.log.String(), "level=ERROR") {
		s.t.Error("the log has errors")
	}
}

func TestReloadAddsAndRemovesDirectories(t *testing.T) {
	t.Parallel()
	a, b := t.TempDir(), t.TempDir()
	s := newSite(t, "[AmazonHLSUpload]\nwatch_dir = "+a+"\n")
	s.run()
	playHLS(t, a+"/one/s")
	s.waitForKeys("one/s/playlist.m3u8")

	s.mustReload("watch_dir = "+a, "watch_dir[] = "+a+"\nwatch_dir[] = "+b)
	playHLS(t, b+"/two/s")
	s.waitForKeys("two/s/playlist.m3u8")

	s.mustReload("watch_dir = "+a, "watch_dir = "+b)
	s.wantLog(`msg="publishing no more" section=AmazonHLSUpload root=` + a)
	playHLS(t, a+"/unseen/s")
	playHLS(t, b+"/three/s")
	s.waitForKeys("three/s/playlist.m3u8")
	if keys := strings.Join(s.keys(), " "); strings.Contains(keys, "unseen") {
		t.Errorf("a directory that was removed is published: %s", keys)
	}

	s.mustReload() // as at the start: what was written meanwhile is found
	s.waitForKeys("unseen/s/playlist.m3u8")
	s.wantNoErrors()
	if r := s.daemon.Reloads(); r.OK != 3 || r.Failed != 0 || r.At.IsZero() {
		t.Errorf("%+v", r)
	}
}

// A directory of several sections is another root for one that comes later.
func TestReloadSwitchesSectionsOnAndOff(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	s := newSite(t, "[AmazonHLSUpload]\nwatch_dir = "+root+"\n")
	s.run()
	playHLS(t, root+"/g/hls")
	s.waitForKeys("g/hls/playlist.m3u8")
	playHDS(t, root+"/g/hds")
	s.mustReload("[AmazonHLSUpload]", "[AmazonHDSUpload]\nwatch_dir = "+root+"\n[AmazonHLSUpload]")
	s.waitForKeys("g/hds/bootstrap")

	s.mustReload("[AmazonHLSUpload]", "[AmazonHDSUpload]")
	playHLS(t, root+"/g/unseen")
	playHDS(t, root+"/g/hds2")
	s.waitForKeys("g/hds2/bootstrap")
	if keys := strings.Join(s.keys(), " "); strings.Contains(keys, "unseen") {
		t.Errorf("a section that is off publishes: %s", keys)
	}
	s.mustReload("[AmazonHLSUpload]", "[AmazonHDSUpload]\nwatch_dir = "+root+"\n[AmazonHLSUpload]")
	s.waitForKeys("g/unseen/playlist.m3u8")
	s.wantNoErrors()
}

func TestReloadOfABadConfigChangesNothing(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	s := newSite(t, "[AmazonHLSUpload]\nwatch_dir = "+root+"\n")
	s.run()
	before := s.daemon.config()
	taken := "127.0.0.1:" + strings.Split(s.daemon.parts.reactorAddress(t), ":")[1]
	for name, replace := range map[string][]string{
		"a mistake": {"[AmazonHLSUpload]", "[Upload]\nworkers = many\n[AmazonHLSUpload]"},
		// Nothing of a config is used if a part of it cannot be.
		"a port in use": {"[Admin]\nlisten = off", "[Admin]\nlisten = " + taken + "\n[Upload]\nworkers = 7"},
		"no such certificate": {"[Admin]\nlisten = off", "[Admin]\nlisten = " + freeAddress(t) +
			"\ntls_cert = /none\ntls_key = /none\n[Upload]\nworkers = 7"},
	} {
		if err := s.reload(replace...); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	if s.daemon.config() != before {
		t.Error("the config has changed")
	}
	s.wantLog(`msg="config has a mistake" file=config.ini line=11 section=Upload key=workers value=many`)
	s.wantLog(`msg="config not reloaded"`)
	if r := s.daemon.Reloads(); r.OK != 0 || r.Failed != 3 || r.Failure == "" {
		t.Errorf("%+v", r)
	}
	playHLS(t, root+"/g/s")
	s.waitForKeys("g/s/playlist.m3u8")
}

func (p *replaceable) reactorAddress(t *testing.T) string {
	if p.doors.reactor == nil {
		t.Fatal("nothing listens")
	}
	return p.doors.reactor.address
}

func TestReloadReplacesTheListeners(t *testing.T) {
	t.Parallel()
	s := newSite(t, "[AmazonHLSUpload]\nwatch_dir = "+t.TempDir()+"\n")
	s.run()
	get := func(address, token string) int {
		r, _ := http.NewRequest("GET", "http://"+address+"/healthz", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		resp, err := client.Do(r)
		if err != nil {
			return 0
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	wait := func(address, token string, want int) {
		t.Helper()
		s.waitFor("an answer", func() bool { return get(address, token) == want })
	}
	one, two := freeAddress(t), freeAddress(t)
	s.mustReload("listen = off", "listen = "+one)
	wait(one, "", 200)
	s.mustReload("listen = off", "listen = "+one+"\ntoken = first")
	wait(one, "", 401)
	wait(one, "first", 200)
	s.mustReload("listen = off", "listen = "+one+"\ntoken = second")
	wait(one, "first", 401)
	s.mustReload("listen = off", "listen = "+two)
	wait(two, "", 200)
	wait(one, "", 0)
	s.mustReload()
	wait(two, "", 0)
	events := s.daemon.parts.doors.reactor.address
	s.mustReload("[Hooks]", "[TranscodeResetter]\n[Hooks]\npath = /other/")
	if got := s.daemon.parts.doors.reactor.address; got != events {
		t.Errorf("the listener of events has moved from %s to %s", events, got)
	}
	s.waitFor("the other path", func() bool { return strings.Contains(s.log.String(), "path=/other/") })
	if log := s.log.String(); strings.Contains(log, "first") || strings.Contains(log, "second") {
		t.Error("the log has a token")
	}
}

// The two listeners exchange their ports, one takes what the other leaves, and a bad config changes
// nothing.
func TestReloadSwapsThePortsOfTheListeners(t *testing.T) {
	t.Parallel()
	s := newSite(t, "[AmazonHLSUpload]\nwatch_dir = "+t.TempDir()+"\n")
	s.run()
	one, two := freeAddress(t), freeAddress(t)
	ask := func(url string) int {
		client := http.Client{Timeout: waitTime / 4, Transport: &http.Transport{DisableKeepAlives: true}}
		resp, err := client.Get(url)
		if err != nil {
			return 0
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	events := s.daemon.parts.reactorAddress(t)
	listen := func(admin, hooks string) []string {
		return []string{"listen = off", "listen = " + admin, "listen = " + events, "listen = " + hooks}
	}
	for i, at := range [][2]string{{one, events}, {events, one}, {one, events}, {two, one}, {one, two}} {
		s.mustReload(listen(at[0], at[1])...)
		s.waitFor("the API at "+at[0], func() bool { return ask("http://"+at[0]+"/healthz") == 200 })
		if got := ask("http://" + at[1] + "/healthz"); got != http.StatusNotFound {
			t.Errorf("reload %d: the listener of events answers %d, want 404", i+1, got)
		}
	}
	if got := ask("http://" + events + "/healthz"); got != 0 {
		t.Errorf("a port that no part has any more answers %d", got)
	}
	if err := s.reload(append(listen(two, one), "[AmazonHLSUpload]", "[AmazonHDSUpload]\nwatch_dir = /none\n"+
		"[S3]\nendpoint = http://[\n[AmazonHLSUpload]")...); err == nil {
		t.Error("a bad config is accepted")
	}
	if got := ask("http://" + one + "/healthz"); got != 200 {
		t.Errorf("after a reload that failed, the API answers %d", got)
	}
}

// In a test, the bucket takes any credentials: what counts is that requests go on.
func TestReloadReplacesTheStore(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	s := newSite(t, "[AmazonHLSUpload]\nwatch_dir = "+root+"\n")
	s.run()
	playHLS(t, root+"/g/one")
	s.waitForKeys("g/one/playlist.m3u8")
	section := s.daemon.sections.list()[0]
	was := section.store.now
	s.mustReload("aws_secret_key = s", "aws_secret_key = other")
	if section.store.now == was {
		t.Error("the store is the former one")
	}
	playHLS(t, root+"/g/two")
	s.waitForKeys("g/two/playlist.m3u8")
	s.wantLog(`msg="config key changed" section=AmazonHLSUpload key=aws_secret_key next=`)
	s.mustReload("aws_secret_key = s", "aws_secret_key = other\nprefix = elsewhere")
	s.wantLog(`level=WARN msg="config key changed" section=AmazonHLSUpload key=prefix old="" new=elsewhere/ next="the former value holds until a restart"`)
	playHLS(t, root+"/g/three")
	s.waitForKeys("g/three/playlist.m3u8")
}

// The bucket may have revoked the keys with which the section began.
func TestSectionThatIsOnAgainHasTheKeysOfTheConfig(t *testing.T) {
	t.Parallel()
	s := newSite(t, "[AmazonHLSUpload]\nwatch_dir = "+t.TempDir()+"\n")
	s.run()
	section, other := s.daemon.sections.list()[0], []string{"aws_secret_key = s", "aws_secret_key = other"}
	s.mustReload(other...)
	renewed := section.store.now
	s.mustReload("[AmazonHLSUpload]", "[AmazonHDSUpload]")
	s.mustReload(other...)
	if section.store.now != renewed {
		t.Error("the store with these keys is opened twice")
	}
	s.mustReload("[AmazonHLSUpload]", "[AmazonHDSUpload]")
	s.mustReload()
	if section.store.now == renewed {
		t.Error("the store has the keys of a former config")
	}
}

// A section that a reload switches on is remembered as one of the start.
func TestDirectoriesOfASectionThatAReloadSwitchesOnAreNoted(t *testing.T) {
	t.Parallel()
	state, root := t.TempDir(), t.TempDir()
	s := newSite(t, "[AmazonHLSUpload]\nwatch_dir = "+t.TempDir()+"\n")
	var err error
	if s.daemon, err = New(t.Context(), s.daemon.config(), state, s.daemon.log); err != nil {
		t.Fatal(err)
	}
	s.run()
	s.mustReload("[AmazonHLSUpload]", "[AmazonHDSUpload]\n[AmazonHLSUpload]")
	s.daemon.Outputs(live(media.HDS, output(root, "g")))
	m, err := recall(state, time.Now())
	if err != nil || len(m.entries) != 1 || m.entries[0].Section != "AmazonHDSUpload" || m.entries[0].Dir != root {
		t.Errorf("%+v, %v", m.entries, err)
	}
}

func TestListenerWhosePortTheDaemonHasNeedsARestart(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("other systems give a port of one address to all addresses, too")
	}
	one := freeAddress(t)
	all := "0.0.0.0:" + strings.Split(one, ":")[1]
	s := newSite(t, "[AmazonHLSUpload]\nwatch_dir = "+t.TempDir()+"\n")
	s.run()
	s.mustReload("listen = off", "listen = "+one)
	hooks := s.daemon.parts.reactorAddress(t)
	for key, replace := range map[string][]string{
		"[Admin] listen: ": {"listen = off", "listen = " + all + "\ntoken = word"},
		"[Hooks] listen: ": {"listen = off", "listen = " + one, "listen = " + hooks,
			"listen = 0.0.0.0:" + strings.Split(hooks, ":")[1] + "\nsecret = word"},
	} {
		err := s.reload(replace...)
		if err == nil || !strings.Contains(err.Error(), key) || strings.Contains(err.Error(), "older services") ||
			!strings.HasSuffix(err.Error(), ": this daemon itself has the port: restart the service for this change") {
			t.Errorf("%s%v", key, err)
		}
	}
}

// The daemon may end while a reload is applied. The race detector sees what the lock is for.
func TestStoreIsClosedWhileItIsReplaced(t *testing.T) {
	open := func() *s3store.Store {
		s, err := OpenStore(t.Context(), config.Upload{Bucket: "live",
			Access: config.Access{Region: "us-east-1", AccessKey: "k", SecretKey: "s"}}, config.Pool{PartSize: 5 << 20},
			slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	c, next := newCurrentStore(open()), open()
	var closing sync.WaitGroup
	closing.Go(c.Close)
	c.replace(next)
	closing.Wait()
	c.former.Wait()
	c.Close()
}

func TestReloadWaitsForNothingBeforeTheStartAndAfterTheEnd(t *testing.T) {
	t.Parallel()
	s := newSite(t, "[AmazonHLSUpload]\nwatch_dir = "+t.TempDir()+"\n")
	if err := s.reload(); !errors.Is(err, errNotWorking) {
		t.Error(err)
	}
	s.run()
	s.mustReload()
	s.end()
	if err := s.reload(); !errors.Is(err, errNotWorking) {
		t.Error(err)
	}
}
