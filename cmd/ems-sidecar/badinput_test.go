//go:build unix

package main

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

	"ems-sidecar/internal/emswriter"
	"ems-sidecar/internal/s3test"
)

// A healthyStream runs beside streams that are not, and measures how long each of its chunks takes from
// its closing to the bucket's playlist that names it.
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
	closed := patient.Now()
	h.mu.Lock()
	h.since = closed
	h.mu.Unlock()
	for patient.Now()-closed < 30*time.Second {
		if b, err := h.server.Object(h.key); err == nil && bytes.Contains(b, []byte(chunk)) {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	h.mu.Lock()
	h.since, h.worst, h.moved = 0, max(h.worst, patient.Now()-closed), h.moved+1
	h.mu.Unlock()
}

// unhurt fails the test if the stream stood still since the last call, and waits for two more chunks first.
func (h *healthyStream) unhurt(t *testing.T) {
	t.Helper()
	for late := patient.Deadline(30 * time.Second); !late(); time.Sleep(20 * time.Millisecond) {
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
		worst = max(worst, patient.Now()-h.since)
	}
	if h.moved < 2 || worst > healthyWithin {
		t.Errorf("the healthy stream: %d chunks became visible, one after %v; want at least 2, each within %v", h.moved, worst.Round(time.Millisecond), healthyWithin)
	}
	h.worst, h.moved = 0, 0
}

// m3u8 returns a playlist of the lines in EMS's form.
func m3u8(names ...string) string {
	var b strings.Builder
	b.WriteString("#EXTM3U\r\n#EXT-X-VERSION:3\r\n#EXT-X-TARGETDURATION:1\r\n#EXT-X-MEDIA-SEQUENCE:1\r\n")
	for _, n := range names {
		b.WriteString("#EXTINF:1.000,\r\n" + n + "\r\n")
	}
	return b.String()
}

// A badCase is one stream directory, group/stream, in which something is wrong.
type badCase struct {
	name  string
	write func(t *testing.T, dir string)
	// arrive lists what of the directory must be in the bucket, and be what is on the disk.
	arrive []string
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
			must(t, os.MkdirAll(filepath.Join(dir, "1.ts", "below"), 0o755))
			put(t, dir, "2.ts", "two")
			put(t, dir, "playlist.m3u8", m3u8("1.ts", "2.ts"))
		},
		arrive: []string{"2.ts", "playlist.m3u8"},
		not:    []string{"1.ts"},
		log:    [][]string{{"level=WARN", "1.ts"}},
	},
	{
		name: "directory named like a playlist",
		write: func(t *testing.T, dir string) {
			must(t, os.MkdirAll(filepath.Join(dir, "playlist.m3u8"), 0o755))
			put(t, dir, "1.ts", "one")
		},
		arrive: []string{"1.ts"},
		not:    []string{"playlist.m3u8"},
	},
	{
		name: "empty chunks",
		write: func(t *testing.T, dir string) {
			put(t, dir, "tested.ts", "")
			must(t, os.Remove(filepath.Join(dir, "tested.ts")))
			put(t, dir, "empty.ts", "")
			put(t, dir, "1.ts", "one")
			put(t, dir, "playlist.m3u8", m3u8("1.ts"))
		},
		arrive: []string{"1.ts", "playlist.m3u8"},
		not:    []string{"tested.ts", "empty.ts"},
		silent: []string{"tested.ts", "empty.ts"},
	},
	{
		name: "absolute URLs",
		write: func(t *testing.T, dir string) {
			put(t, dir, "1.ts", "one")
			put(t, dir, "playlist.m3u8", m3u8("https://cdn.example/ad.ts", "//cdn.example/ad.ts", "/ad.ts", "1.ts"))
		},
		arrive: []string{"1.ts", "playlist.m3u8"},
		not:    []string{"ad.ts"},
	},
	{
		name: "names out of the root",
		write: func(t *testing.T, dir string) {
			put(t, dir, "1.ts", "one")
			put(t, dir, "playlist.m3u8", m3u8("../../../../../../../../etc/hostname", "1.ts"))
		},
		arrive: []string{"1.ts", "playlist.m3u8"},
		not:    []string{"hostname"},
		log:    [][]string{{"level=WARN", "outside of the root", "etc/hostname", "next="}},
	},
	{
		name: "names out of the root with escapes",
		write: func(t *testing.T, dir string) {
			put(t, dir, "1.ts", "one")
			put(t, dir, "playlist.m3u8", m3u8("%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/hostname", "x/../../../../../etc/hostname", "1.ts"))
		},
		arrive: []string{"1.ts", "playlist.m3u8"},
		not:    []string{"hostname"},
		log:    [][]string{{"level=WARN", "outside of the root", "etc/hostname"}},
	},
	{
		name: "a name in another stream's directory",
		write: func(t *testing.T, dir string) {
			put(t, dir, "shared/1.ts", "one")
			put(t, dir, "playlist.m3u8", m3u8("x/../shared/1.ts"))
		},
		arrive: []string{"shared/1.ts", "playlist.m3u8"},
	},
	{
		name: "query strings",
		write: func(t *testing.T, dir string) {
			put(t, dir, "1.ts", "one")
			put(t, dir, "b c.m4s", "two")
			put(t, dir, "playlist.m3u8", m3u8("1.ts?token=a%2Fb&x=../..", "b%20c.m4s?q#f"))
		},
		arrive: []string{"1.ts", "b c.m4s", "playlist.m3u8"},
	},
	{
		name: "odd names",
		write: func(t *testing.T, dir string) {
			for _, n := range oddNames {
				put(t, dir, n, "content of "+n)
			}
			put(t, dir, "playlist.m3u8", m3u8(oddNames...))
		},
		arrive: append(slices.Clone(oddNames), "playlist.m3u8"),
		silent: []string{"lost", "cannot"},
	},
	{
		name: "invalid UTF-8",
		write: func(t *testing.T, dir string) {
			put(t, dir, "\xff.ts", "never")
			put(t, dir, "1.ts", "one")
			put(t, dir, "playlist.m3u8", m3u8("\xff.ts", "1.ts"))
		},
		arrive: []string{"1.ts", "playlist.m3u8"},
		not:    []string{"\xff.ts"},
		log:    [][]string{{"level=WARN", "not valid UTF-8", "next="}},
	},
	{
		name: "invalid UTF-8 in a directory, deleted again",
		write: func(t *testing.T, dir string) {
			put(t, dir, "\xfe/playlist.m3u8", m3u8("1.ts"))
			put(t, dir, "\xfe/1.ts", "never")
			time.Sleep(200 * time.Millisecond) // so that it is seen
			must(t, os.RemoveAll(filepath.Join(dir, "\xfe")))
			put(t, dir, "1.ts", "one")
			put(t, dir, "playlist.m3u8", m3u8("1.ts"))
		},
		arrive: []string{"1.ts", "playlist.m3u8"},
		not:    []string{"\xfe"},
		log:    [][]string{{"level=WARN", "not valid UTF-8"}},
	},
	{
		name: "key that is too long",
		write: func(t *testing.T, dir string) {
			deep := strings.Repeat(strings.Repeat("d", 210)+"/", 5)
			put(t, dir, deep+"1.ts", "never")
			time.Sleep(200 * time.Millisecond)
			must(t, os.RemoveAll(filepath.Join(dir, strings.Repeat("d", 210))))
			put(t, dir, "1.ts", "one")
			put(t, dir, "playlist.m3u8", m3u8("1.ts"))
		},
		arrive: []string{"1.ts", "playlist.m3u8"},
		not:    []string{"ddddd"},
		log:    [][]string{{"level=WARN", "longer than the 1,024 bytes"}},
	},
	{
		name: "symbolic links out of the root",
		write: func(t *testing.T, dir string) {
			secret := filepath.Join(t.TempDir(), "secret.ts")
			must(t, os.WriteFile(secret, []byte("secret"), 0o644))
			must(t, os.MkdirAll(dir, 0o755))
			must(t, os.Symlink(secret, filepath.Join(dir, "1.ts")))
			must(t, os.Symlink(filepath.Dir(secret), filepath.Join(dir, "linked")))
			put(t, dir, "2.ts", "two")
			put(t, dir, "playlist.m3u8", m3u8("1.ts", "linked/secret.ts", "2.ts"))
		},
		arrive: []string{"2.ts", "playlist.m3u8"},
		not:    []string{"/1.ts", "secret"},
		log:    [][]string{{"level=WARN", "not a regular file", "1.ts"}},
	},
	{
		name: "a playlist that is a symbolic link",
		write: func(t *testing.T, dir string) {
			outside := filepath.Join(t.TempDir(), "outside.m3u8")
			must(t, os.WriteFile(outside, []byte(m3u8("1.ts")), 0o644))
			put(t, dir, "1.ts", "one")
			must(t, os.Symlink(outside, filepath.Join(dir, "playlist.m3u8")))
		},
		arrive: []string{"1.ts"},
		not:    []string{"playlist.m3u8"},
		log:    [][]string{{"level=WARN", "not a regular file", "playlist.m3u8"}},
	},
	{
		name: "FIFOs",
		write: func(t *testing.T, dir string) {
			must(t, os.MkdirAll(dir, 0o755))
			must(t, syscall.Mkfifo(filepath.Join(dir, "1.ts"), 0o644))
			must(t, syscall.Mkfifo(filepath.Join(dir, "other.m3u8"), 0o644))
			put(t, dir, "2.ts", "two")
			put(t, dir, "playlist.m3u8", m3u8("1.ts", "2.ts"))
		},
		arrive: []string{"2.ts", "playlist.m3u8"},
		not:    []string{"/1.ts", "other.m3u8"},
		log:    [][]string{{"level=WARN", "not a regular file", "1.ts"}, {"level=WARN", "not a regular file", "other.m3u8"}},
	},
	{
		name: "a playlist that is none",
		write: func(t *testing.T, dir string) {
			put(t, dir, "1.ts", "one")
			put(t, dir, "playlist.m3u8", "<html>502 Bad Gateway</html>\n")
		},
		arrive: []string{"1.ts"},
		not:    []string{"playlist.m3u8"},
		log:    [][]string{{"level=WARN", "manifest is not published", "#EXTM3U", "next="}},
	},
	{
		name: "a playlist that is huge",
		write: func(t *testing.T, dir string) {
			put(t, dir, "1.ts", "one")
			put(t, dir, "playlist.m3u8", m3u8("1.ts")+strings.Repeat("# a comment of no use\r\n", 2<<20))
		},
		arrive: []string{"1.ts"},
		not:    []string{"playlist.m3u8"},
		log:    [][]string{{"level=WARN", "manifest is not published", "next="}},
	},
	{
		name: "100,000 lines that name one file",
		write: func(t *testing.T, dir string) {
			put(t, dir, "1.ts", "one")
			put(t, dir, "playlist.m3u8", m3u8(slices.Repeat([]string{"1.ts"}, 50_000)...))
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
			put(t, dir, "a b.ts", "one")
			put(t, dir, "playlist.m3u8", m3u8(names...))
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
			put(t, dir, "1.ts", "one")
			put(t, dir, "playlist.m3u8", m3u8(names...))
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

func TestBadInputIsSaidAndHurtsNoOtherStream(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the built binary for a minute")
	}
	root := t.TempDir()
	server := s3test.Start(t)
	s := startSidecar(t, root, server.Endpoint)
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
				must(t, err)
				eventually(t, name+" in the bucket", func() bool {
					got, err = server.Object(stream + "/" + name)
					return err == nil && bytes.Equal(got, want)
				})
			}
			for _, texts := range c.log {
				eventually(t, fmt.Sprintf("a log line with %q", texts), func() bool {
					return len(s.lines(append([]string{stream}, texts...)...)) > 0
				})
			}
			healthy.unhurt(t)
			keys, err := server.Keys()
			must(t, err)
			for _, k := range keys {
				for _, name := range c.not {
					if strings.HasPrefix(k, stream+"/") && strings.Contains(k, name) {
						t.Errorf("%q is in the bucket", k)
					}
				}
			}
			for _, text := range c.silent {
				if l := append(s.lines("level=WARN", stream, text), s.lines("level=ERROR", stream, text)...); len(l) > 0 {
					t.Errorf("%q", l)
				}
			}
		})
	}
	if l := s.lines("level=ERROR"); len(l) > 0 {
		t.Errorf("errors: %q", l)
	}
	healthy.end()
	playlist, err := os.ReadFile(filepath.Join(root, "live", "healthy", "playlist.m3u8"))
	must(t, err)
	eventually(t, "the healthy stream's end in the bucket", func() bool {
		got, err := server.Object(healthy.key)
		return err == nil && bytes.Equal(got, playlist)
	})
}

// nobody is a user who owns nothing and may do nothing.
const nobody = 65534

// Without CAP_LEASE and as another user than the files' owner, the kernel says nothing about writers.
func TestPublishesAsAUserWhoMayNotLeaseAndSaysWhatIsUnreadable(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can start a process as another user")
	}
	public, err := os.MkdirTemp("", "ems-sidecar-public-") // t.TempDir is for its owner only
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(public) })
	must(t, os.Chmod(public, 0o755))
	root := filepath.Join(public, "root")
	must(t, os.Mkdir(root, 0o755))
	server := s3test.Start(t)
	s := startAs(t, public, root, server.Endpoint, nobody)

	dir := filepath.Join(root, "g", "s")
	w := &emswriter.HLS{Dir: dir, Target: time.Second}
	must(t, w.Start())
	play := func(n int) {
		_, err := w.Write(bytes.Repeat(emswriter.Packet("s", n), 50))
		must(t, errors.Join(err, w.Next(time.Second)))
	}
	for n := range 4 {
		play(n)
		time.Sleep(300 * time.Millisecond)
	}
	asOnDisk := func(key string) func() bool {
		return func() bool {
			want, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(key)))
			must(t, err)
			got, err := server.Object(key)
			return err == nil && bytes.Equal(got, want)
		}
	}
	began := patient.Now()
	eventually(t, "the playlist in the bucket as on disk", asOnDisk("g/s/playlist.m3u8"))
	if took := patient.Now() - began; took > 5*time.Second {
		t.Errorf("the playlist was there %v after its last chunk, want it soon after the settle time of 2s", took)
	}
	if l := s.lines("lease"); len(l) != 1 {
		t.Errorf("%d log lines say that leases do not work, want 1: %q", len(l), l)
	}

	// A chunk, a playlist and a directory that cannot be read, each in a stream of its own.
	for _, name := range []string{"chunk/1.ts", "list/1.ts", "closed/1.ts", "chunk/2.ts"} {
		put(t, filepath.Join(root, "bad"), name, "content")
	}
	must(t, os.Chmod(filepath.Join(root, "bad", "chunk", "1.ts"), 0o600))
	put(t, filepath.Join(root, "bad"), "chunk/playlist.m3u8", m3u8("1.ts", "2.ts"))
	must(t, os.WriteFile(filepath.Join(root, "bad", "list", "playlist.m3u8"), []byte(m3u8("1.ts")), 0o200))
	must(t, os.Chmod(filepath.Join(root, "bad", "closed"), 0o700))

	for _, texts := range [][]string{
		{"level=WARN", "key=bad/chunk/1.ts", "permission denied", "next="},
		{"level=WARN", "key=bad/list/playlist.m3u8", "permission denied", "next="},
	} {
		eventually(t, fmt.Sprintf("a log line with %q", texts), func() bool { return len(s.lines(texts...)) > 0 })
	}
	for _, key := range []string{"bad/chunk/2.ts", "bad/list/1.ts"} {
		eventually(t, key+" in the bucket", asOnDisk(key))
	}
	for n := range 3 {
		play(10 + n)
		eventually(t, "the healthy stream's playlist", asOnDisk("g/s/playlist.m3u8"))
	}
	if _, err := server.Object("bad/chunk/playlist.m3u8"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a playlist is published before the chunk that it names: %v", err)
	}

	// Once the rights are mended, all goes on by itself.
	must(t, os.Chmod(filepath.Join(root, "bad", "chunk", "1.ts"), 0o644))
	eventually(t, "the mended chunk", asOnDisk("bad/chunk/1.ts"))
	eventually(t, "the mended chunk's playlist", asOnDisk("bad/chunk/playlist.m3u8"))
	must(t, os.Chmod(filepath.Join(root, "bad", "list", "playlist.m3u8"), 0o644))
	put(t, filepath.Join(root, "bad"), "list/playlist.m3u8", m3u8("1.ts")+"#EXT-X-ENDLIST\r\n")
	eventually(t, "the mended playlist", asOnDisk("bad/list/playlist.m3u8"))
	must(t, w.End(time.Second))
	eventually(t, "the end", asOnDisk("g/s/playlist.m3u8"))
	if code := s.stop(); code != exitFine {
		t.Errorf("exit code %d", code)
	}
}

// startAs is startSidecar as another user, with all that this one must read in the directory public.
func startAs(t *testing.T, public, root, endpoint string, uid uint32) *sidecar {
	t.Helper()
	path, err := buildBinary()
	must(t, err)
	content, err := os.ReadFile(path)
	must(t, err)
	path = filepath.Join(public, "ems-sidecar")
	must(t, os.WriteFile(path, content, 0o755))
	address := freeAddress(t)
	ini := filepath.Join(public, "config.ini")
	must(t, os.WriteFile(ini, []byte(configFor(root, endpoint, address)), 0o644))
	cmd := exec.Command(path, "run", "--config", ini)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	s := launch(t, cmd, address)
	s.waitFor("ready", func() bool { return s.get("/readyz") == http.StatusOK })
	return s
}
