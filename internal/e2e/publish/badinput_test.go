//go:build unix

package publish

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/emswriter"
	"ems-sidecar/internal/s3test"
)

// A healthyStream runs beside streams that are not, and measures how long each of its chunks takes
// from its closing to the bucket's playlist that names it.
type healthyStream struct {
	t        *testing.T
	server   *s3test.Server
	key      string
	stop     chan struct{}
	finished chan struct{}

	mu    sync.Mutex
	since time.Duration // by the patient clock, of the chunk that is waited for; or 0
	worst time.Duration
	moved int
}

const healthyChunk = 300 * time.Millisecond

// healthyWithin is how soon after its closing a chunk of the healthy stream must be visible.
const healthyWithin = 1500 * time.Millisecond

func playHealthy(t *testing.T, root string, server *s3test.Server) *healthyStream {
	h := &healthyStream{
		t: t, server: server, key: "live/healthy/playlist.m3u8",
		stop: make(chan struct{}), finished: make(chan struct{}),
	}
	w := &emswriter.HLS{Dir: filepath.Join(root, "live", "healthy"), Target: time.Second}
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(h.finished)
		for n := 0; ; n++ {
			select {
			case <-h.stop:
				if err := w.End(healthyChunk); err != nil {
					t.Error(err)
				}
				return
			case <-time.After(healthyChunk):
			}
			name := filepath.Base(w.Chunk())
			_, err := w.Write(bytes.Repeat(emswriter.Packet("healthy", n), 100))
			if err := errors.Join(err, w.Next(healthyChunk)); err != nil {
				t.Error(err)
				return
			}
			h.visible(name)
		}
	}()
	t.Cleanup(h.end)
	return h
}

func (h *healthyStream) end() {
	select {
	case <-h.stop:
	default:
		close(h.stop)
	}
	<-h.finished
}

// visible waits until the bucket's playlist names the chunk.
func (h *healthyStream) visible(chunk string) {
	closed := e2e.Patient.Now()
	h.mu.Lock()
	h.since = closed
	h.mu.Unlock()
	for e2e.Patient.Now()-closed < 30*time.Second {
		if b, err := h.server.Object(h.key); err == nil && bytes.Contains(b, []byte(chunk)) {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	h.mu.Lock()
	h.since, h.worst, h.moved = 0, max(h.worst, e2e.Patient.Now()-closed), h.moved+1
	h.mu.Unlock()
}

// unhurt fails the test if the stream stood still since the last call, and waits for two more
// chunks first.
func (h *healthyStream) unhurt(t *testing.T) {
	t.Helper()
	for late := e2e.Patient.Deadline(30 * time.Second); !late(); time.Sleep(20 * time.Millisecond) {
		h.mu.Lock()
		enough := h.moved >= 2
		h.mu.Unlock()
		if enough {
			break
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	worst := h.worst
	if h.since != 0 {
		worst = max(worst, e2e.Patient.Now()-h.since)
	}
	if h.moved < 2 || worst > healthyWithin {
		t.Errorf("the healthy stream: %d chunks became visible, one after %v; want at least 2, each within %v", h.moved, worst.Round(time.Millisecond), healthyWithin)
	}
	h.worst, h.moved = 0, 0
}

// A badCase is one stream directory, group/stream, in which something is wrong.
type badCase struct {
	name  string
	write func(t *testing.T, dir string)
	// arrive lists what of the directory must be in the bucket, and be what is on the disk.
	arrive []string
	// gaps lists what the playlist in the bucket must not name, as it can never arrive.
	gaps []string
	// not lists what must never be there.
	not []string
	// log lists, for each line that must be there, texts that are in it.
	log [][]string
	// silent lists texts that no warning of this stream may contain.
	silent []string
}

var badCases = []badCase{
	{
		name: "directory named like a chunk",
		write: func(t *testing.T, dir string) {
			e2e.Must(t, os.MkdirAll(filepath.Join(dir, "1.ts", "below"), 0o755))
			e2e.Put(t, dir, "2.ts", "two")
			e2e.Put(t, dir, "playlist.m3u8", e2e.M3u8("1.ts", "2.ts"))
		},
		arrive: []string{"2.ts"},
		gaps:   []string{"1.ts"},
		not:    []string{"1.ts"},
		log:    [][]string{{"level=WARN", "1.ts"}},
	},
	{
		name: "directory named like a playlist",
		write: func(t *testing.T, dir string) {
			e2e.Must(t, os.MkdirAll(filepath.Join(dir, "playlist.m3u8"), 0o755))
			e2e.Put(t, dir, "1.ts", "one")
		},
		arrive: []string{"1.ts"},
		not:    []string{"playlist.m3u8"},
	},
	{
		name: "empty chunks",
		write: func(t *testing.T, dir string) {
			e2e.Put(t, dir, "tested.ts", "")
			e2e.Must(t, os.Remove(filepath.Join(dir, "tested.ts")))
			e2e.Put(t, dir, "empty.ts", "")
			e2e.Put(t, dir, "1.ts", "one")
			e2e.Put(t, dir, "playlist.m3u8", e2e.M3u8("1.ts"))
		},
		arrive: []string{"1.ts", "playlist.m3u8"},
		not:    []string{"tested.ts", "empty.ts"},
		silent: []string{"tested.ts", "empty.ts"},
	},
	{
		name: "absolute URLs",
		write: func(t *testing.T, dir string) {
			e2e.Put(t, dir, "1.ts", "one")
			e2e.Put(t, dir, "playlist.m3u8", e2e.M3u8("https://cdn.example/ad.ts", "//cdn.example/ad.ts", "/ad.ts", "1.ts"))
		},
		arrive: []string{"1.ts", "playlist.m3u8"},
		not:    []string{"ad.ts"},
	},
	{
		name: "names out of the root",
		write: func(t *testing.T, dir string) {
			e2e.Put(t, dir, "1.ts", "one")
			e2e.Put(t, dir, "playlist.m3u8", e2e.M3u8("../../../../../../../../etc/hostname", "1.ts"))
		},
		arrive: []string{"1.ts", "playlist.m3u8"},
		not:    []string{"hostname"},
		log:    [][]string{{"level=WARN", "outside of the root", "etc/hostname", "next="}},
	},
	{
		name: "names out of the root with escapes",
		write: func(t *testing.T, dir string) {
			e2e.Put(t, dir, "1.ts", "one")
			e2e.Put(t, dir, "playlist.m3u8", e2e.M3u8("%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/hostname", "x/../../../../../etc/hostname", "1.ts"))
		},
		arrive: []string{"1.ts", "playlist.m3u8"},
		not:    []string{"hostname"},
		log:    [][]string{{"level=WARN", "outside of the root", "etc/hostname"}},
	},
	{
		name: "a name in another stream's directory",
		write: func(t *testing.T, dir string) {
			e2e.Put(t, dir, "shared/1.ts", "one")
			e2e.Put(t, dir, "playlist.m3u8", e2e.M3u8("x/../shared/1.ts"))
		},
		arrive: []string{"shared/1.ts", "playlist.m3u8"},
	},
	{
		name: "query strings",
		write: func(t *testing.T, dir string) {
			e2e.Put(t, dir, "1.ts", "one")
			e2e.Put(t, dir, "b c.m4s", "two")
			e2e.Put(t, dir, "playlist.m3u8", e2e.M3u8("1.ts?token=a%2Fb&x=../..", "b%20c.m4s?q#f"))
		},
		arrive: []string{"1.ts", "b c.m4s", "playlist.m3u8"},
	},
	{
		name: "odd names",
		write: func(t *testing.T, dir string) {
			for _, n := range oddNames {
				e2e.Put(t, dir, n, "content of "+n)
			}
			uris := slices.Clone(oddNames)
			uris[slices.Index(uris, " c.ts")] = "%20c.ts" // white space around a line is no part of it
			e2e.Put(t, dir, "playlist.m3u8", e2e.M3u8(uris...))
		},
		arrive: append(slices.Clone(oddNames), "playlist.m3u8"),
		silent: []string{"lost", "cannot"},
	},
	{
		name: "invalid UTF-8",
		write: func(t *testing.T, dir string) {
			e2e.Put(t, dir, "\xff.ts", "never")
			e2e.Put(t, dir, "1.ts", "one")
			e2e.Put(t, dir, "playlist.m3u8", e2e.M3u8("\xff.ts", "1.ts"))
		},
		arrive: []string{"1.ts"},
		gaps:   []string{"\xff.ts"},
		not:    []string{"\xff.ts"},
		log:    [][]string{{"level=WARN", "not valid UTF-8", "next="}},
	},
	{
		name: "invalid UTF-8 in a directory, deleted again",
		write: func(t *testing.T, dir string) {
			e2e.Put(t, dir, "\xfe/playlist.m3u8", e2e.M3u8("1.ts"))
			e2e.Put(t, dir, "\xfe/1.ts", "never")
			time.Sleep(200 * time.Millisecond) // so that it is seen
			e2e.Must(t, os.RemoveAll(filepath.Join(dir, "\xfe")))
			e2e.Put(t, dir, "1.ts", "one")
			e2e.Put(t, dir, "playlist.m3u8", e2e.M3u8("1.ts"))
		},
		arrive: []string{"1.ts", "playlist.m3u8"},
		not:    []string{"\xfe"},
		log:    [][]string{{"level=WARN", "not valid UTF-8"}},
	},
	{
		name: "key that is too long",
		write: func(t *testing.T, dir string) {
			deep := strings.Repeat(strings.Repeat("d", 210)+"/", 5)
			e2e.Put(t, dir, deep+"1.ts", "never")
			time.Sleep(200 * time.Millisecond)
			e2e.Must(t, os.RemoveAll(filepath.Join(dir, strings.Repeat("d", 210))))
			e2e.Put(t, dir, "1.ts", "one")
			e2e.Put(t, dir, "playlist.m3u8", e2e.M3u8("1.ts"))
		},
		arrive: []string{"1.ts", "playlist.m3u8"},
		not:    []string{"ddddd"},
		log:    [][]string{{"level=WARN", "longer than the 1,024 bytes"}},
	},
	{
		name: "symbolic links out of the root",
		write: func(t *testing.T, dir string) {
			secret := filepath.Join(t.TempDir(), "secret.ts")
			e2e.Must(t, os.WriteFile(secret, []byte("secret"), 0o644))
			e2e.Must(t, os.MkdirAll(dir, 0o755))
			e2e.Must(t, os.Symlink(secret, filepath.Join(dir, "1.ts")))
			e2e.Must(t, os.Symlink(filepath.Dir(secret), filepath.Join(dir, "linked")))
			e2e.Put(t, dir, "2.ts", "two")
			e2e.Put(t, dir, "playlist.m3u8", e2e.M3u8("1.ts", "linked/secret.ts", "2.ts"))
		},
		arrive: []string{"2.ts"},
		gaps:   []string{"\n1.ts", "secret"},
		not:    []string{"/1.ts", "secret"},
		log:    [][]string{{"level=WARN", "not a regular file", "1.ts"}},
	},
	{
		name: "a playlist that is a symbolic link",
		write: func(t *testing.T, dir string) {
			outside := filepath.Join(t.TempDir(), "outside.m3u8")
			e2e.Must(t, os.WriteFile(outside, []byte(e2e.M3u8("1.ts")), 0o644))
			e2e.Put(t, dir, "1.ts", "one")
			e2e.Must(t, os.Symlink(outside, filepath.Join(dir, "playlist.m3u8")))
		},
		arrive: []string{"1.ts"},
		not:    []string{"playlist.m3u8"},
		log:    [][]string{{"level=WARN", "not a regular file", "playlist.m3u8"}},
	},
	{
		name: "FIFOs",
		write: func(t *testing.T, dir string) {
			e2e.Must(t, os.MkdirAll(dir, 0o755))
			e2e.Must(t, syscall.Mkfifo(filepath.Join(dir, "1.ts"), 0o644))
			e2e.Must(t, syscall.Mkfifo(filepath.Join(dir, "other.m3u8"), 0o644))
			e2e.Put(t, dir, "2.ts", "two")
			e2e.Put(t, dir, "playlist.m3u8", e2e.M3u8("1.ts", "2.ts"))
		},
		arrive: []string{"2.ts"},
		gaps:   []string{"\n1.ts"},
		not:    []string{"/1.ts", "other.m3u8"},
		log:    [][]string{{"level=WARN", "not a regular file", "1.ts"}, {"level=WARN", "not a regular file", "other.m3u8"}},
	},
	{
		name: "a playlist that is none",
		write: func(t *testing.T, dir string) {
			e2e.Put(t, dir, "1.ts", "one")
			e2e.Put(t, dir, "playlist.m3u8", "<html>502 Bad Gateway</html>\n")
		},
		arrive: []string{"1.ts"},
		not:    []string{"playlist.m3u8"},
		log:    [][]string{{"level=WARN", "manifest is not published", "#EXTM3U", "next="}},
	},
	{
		name: "a playlist that is huge",
		write: func(t *testing.T, dir string) {
			e2e.Put(t, dir, "1.ts", "one")
			e2e.Put(t, dir, "playlist.m3u8", e2e.M3u8("1.ts")+strings.Repeat("# a comment of no use\r\n", 2<<20))
		},
		arrive: []string{"1.ts"},
		not:    []string{"playlist.m3u8"},
		log:    [][]string{{"level=WARN", "manifest is not published", "next="}},
	},
	{
		name: "100,000 lines that name one file",
		write: func(t *testing.T, dir string) {
			e2e.Put(t, dir, "1.ts", "one")
			e2e.Put(t, dir, "playlist.m3u8", e2e.M3u8(slices.Repeat([]string{"1.ts"}, 50_000)...))
		},
		arrive: []string{"1.ts", "playlist.m3u8"},
	},
	{
		name: "100,000 lines that name files which are there, escaped",
		write: func(t *testing.T, dir string) {
			names := make([]string, 50_000)
			for i := range names {
				names[i] = fmt.Sprintf("a%%20b.ts?n=%d", i)
			}
			e2e.Put(t, dir, "a b.ts", "one")
			e2e.Put(t, dir, "playlist.m3u8", e2e.M3u8(names...))
		},
		arrive: []string{"a b.ts", "playlist.m3u8"},
	},
	{
		// The last one: tens of thousands of requests go on in the background.
		name: "100,000 lines that name nothing",
		write: func(t *testing.T, dir string) {
			names := make([]string, 50_000)
			for i := range names {
				names[i] = fmt.Sprintf("absent_%d.ts", i)
			}
			e2e.Put(t, dir, "1.ts", "one")
			e2e.Put(t, dir, "playlist.m3u8", e2e.M3u8(names...))
			time.Sleep(5 * time.Second) // of other streams' life beside it
		},
		arrive: []string{"1.ts"},
		log:    [][]string{{"level=WARN", "absent_"}},
	},
}

var oddNames = []string{
	"a b.ts", " c.ts", "50%.ts", "a%20b.ts", "x+y.ts", "x#y.ts", "x?y.ts", "ärgerlich-日本語-🎬.ts", "a&b=c;d,e.ts",
	"quote'\"s.ts", "(1)[2]{3}.ts", "back\\slash.ts", "-dash.ts", "colon-12:30:00.ts", "~tilde.ts", "%zz.ts", "$HOME.ts",
}

func TestBadInputIsLoggedAndHurtsNoOtherStream(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	server := s3test.Start(t)
	s := e2e.StartSidecar(t, root, server.Endpoint)
	healthy := playHealthy(t, root, server)
	healthy.unhurt(t)

	for i, c := range badCases {
		t.Run(c.name, func(t *testing.T) {
			stream := fmt.Sprintf("bad/%02d", i)
			dir := filepath.Join(root, filepath.FromSlash(stream))
			c.write(t, dir)
			for _, name := range c.arrive {
				var got []byte
				want, err := os.ReadFile(filepath.Join(dir, name))
				e2e.Must(t, err)
				e2e.Eventually(t, name+" in the bucket", func() bool {
					got, err = server.Object(stream + "/" + name)
					return err == nil && bytes.Equal(got, want)
				})
			}
			if c.gaps != nil {
				e2e.Eventually(t, "playlist.m3u8 without what can never arrive", func() bool {
					got, err := server.Object(stream + "/playlist.m3u8")
					named := func(gap string) bool { return bytes.Contains(got, []byte(gap)) }
					return err == nil && bytes.Contains(got, []byte(c.arrive[0])) && !slices.ContainsFunc(c.gaps, named)
				})
			}
			for _, texts := range c.log {
				e2e.Eventually(t, fmt.Sprintf("a log line with %q", texts), func() bool {
					return len(s.Lines(append([]string{stream}, texts...)...)) > 0
				})
			}
			healthy.unhurt(t)
			keys, err := server.Keys()
			e2e.Must(t, err)
			for _, k := range keys {
				for _, name := range c.not {
					if strings.HasPrefix(k, stream+"/") && strings.Contains(k, name) {
						t.Errorf("%q is in the bucket", k)
					}
				}
			}
			for _, text := range c.silent {
				if l := append(s.Lines("level=WARN", stream, text), s.Lines("level=ERROR", stream, text)...); len(l) > 0 {
					t.Errorf("%q", l)
				}
			}
		})
	}
	if l := s.Lines("level=ERROR"); len(l) > 0 {
		t.Errorf("errors: %q", l)
	}
	healthy.end()
	playlist, err := os.ReadFile(filepath.Join(root, "live", "healthy", "playlist.m3u8"))
	e2e.Must(t, err)
	e2e.Eventually(t, "the healthy stream's end in the bucket", func() bool {
		got, err := server.Object(healthy.key)
		return err == nil && bytes.Equal(got, playlist)
	})
}

// nobody is a user who owns nothing and may do nothing.
const nobody = 65534

// Without CAP_LEASE and as another user than the files' owner, the kernel says nothing about
// writers.
func TestUserWithoutLeasesPublishesAndLogsWhatIsUnreadable(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can start a process as another user")
	}
	t.Parallel()
	public, err := os.MkdirTemp("", "ems-sidecar-public-") // t.TempDir is for its owner only
	e2e.Must(t, err)
	t.Cleanup(func() { os.RemoveAll(public) })
	e2e.Must(t, os.Chmod(public, 0o755))
	root := filepath.Join(public, "root")
	e2e.Must(t, os.Mkdir(root, 0o755))
	server := s3test.Start(t)
	s := startAs(t, public, root, server.Endpoint, nobody)

	dir := filepath.Join(root, "g", "s")
	w := &emswriter.HLS{Dir: dir, Target: time.Second}
	e2e.Must(t, w.Start())
	play := func(n int) {
		_, err := w.Write(bytes.Repeat(emswriter.Packet("s", n), 50))
		e2e.Must(t, errors.Join(err, w.Next(time.Second)))
	}
	for n := range 4 {
		play(n)
		time.Sleep(300 * time.Millisecond)
	}
	asOnDisk := func(key string) func() bool {
		return func() bool {
			want, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(key)))
			e2e.Must(t, err)
			got, err := server.Object(key)
			return err == nil && bytes.Equal(got, want)
		}
	}
	began := e2e.Patient.Now()
	e2e.Eventually(t, "the playlist in the bucket as on disk", asOnDisk("g/s/playlist.m3u8"))
	if took := e2e.Patient.Now() - began; took > 5*time.Second {
		t.Errorf("the playlist was there %v after its last chunk, want it soon after the settle time of 2s", took)
	}
	if l := s.Lines("lease"); len(l) != 1 {
		t.Errorf("%d log lines say that leases do not work, want 1: %q", len(l), l)
	}

	// A chunk, a playlist and a directory that cannot be read, each in a stream of its own.
	for _, name := range []string{"chunk/1.ts", "list/1.ts", "closed/1.ts", "chunk/2.ts"} {
		e2e.Put(t, filepath.Join(root, "bad"), name, "content")
	}
	e2e.Must(t, os.Chmod(filepath.Join(root, "bad", "chunk", "1.ts"), 0o600))
	e2e.Put(t, filepath.Join(root, "bad"), "chunk/playlist.m3u8", e2e.M3u8("1.ts", "2.ts"))
	e2e.Must(t, os.WriteFile(filepath.Join(root, "bad", "list", "playlist.m3u8"), []byte(e2e.M3u8("1.ts")), 0o200))
	e2e.Must(t, os.Chmod(filepath.Join(root, "bad", "closed"), 0o700))

	for _, texts := range [][]string{
		{"level=WARN", "key=bad/chunk/1.ts", "permission denied", "next="},
		{"level=WARN", "key=bad/list/playlist.m3u8", "permission denied", "next="},
	} {
		e2e.Eventually(t, fmt.Sprintf("a log line with %q", texts), func() bool { return len(s.Lines(texts...)) > 0 })
	}
	for _, key := range []string{"bad/chunk/2.ts", "bad/list/1.ts"} {
		e2e.Eventually(t, key+" in the bucket", asOnDisk(key))
	}
	for n := range 3 {
		play(10 + n)
		e2e.Eventually(t, "the healthy stream's playlist", asOnDisk("g/s/playlist.m3u8"))
	}
	if _, err := server.Object("bad/chunk/playlist.m3u8"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a playlist is published before the chunk that it names: %v", err)
	}

	// Once the rights are mended, all goes on by itself.
	e2e.Must(t, os.Chmod(filepath.Join(root, "bad", "chunk", "1.ts"), 0o644))
	e2e.Eventually(t, "the mended chunk", asOnDisk("bad/chunk/1.ts"))
	e2e.Eventually(t, "the mended chunk's playlist", asOnDisk("bad/chunk/playlist.m3u8"))
	e2e.Must(t, os.Chmod(filepath.Join(root, "bad", "list", "playlist.m3u8"), 0o644))
	e2e.Put(t, filepath.Join(root, "bad"), "list/playlist.m3u8", e2e.M3u8("1.ts")+"#EXT-X-ENDLIST\r\n")
	e2e.Eventually(t, "the mended playlist", asOnDisk("bad/list/playlist.m3u8"))
	e2e.Must(t, w.End(time.Second))
	e2e.Eventually(t, "the end", asOnDisk("g/s/playlist.m3u8"))
	if code := s.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// startAs is startSidecar as another user, with all that this one must read in the directory
// public.
func startAs(t *testing.T, public, root, endpoint string, uid uint32) *e2e.Sidecar {
	t.Helper()
	path, err := e2e.BuildBinary()
	e2e.Must(t, err)
	content, err := os.ReadFile(path)
	e2e.Must(t, err)
	path = filepath.Join(public, "ems-sidecar")
	e2e.Must(t, os.WriteFile(path, content, 0o755))
	address := e2e.FreeAddress(t)
	ini := filepath.Join(public, "config.ini")
	e2e.Must(t, os.WriteFile(ini, []byte(e2e.ConfigFor(root, endpoint, address)), 0o644))
	cmd := exec.Command(path, "run", "--config", ini)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	s := e2e.Launch(t, cmd, address)
	s.WaitFor("ready", func() bool { return s.Get("/readyz") == http.StatusOK })
	return s
}
