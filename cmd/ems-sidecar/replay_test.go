package main

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"ems-sidecar/internal/emswriter"
	"ems-sidecar/internal/s3test"
	"ems-sidecar/media"
	"ems-sidecar/testdata/hls"
	"ems-sidecar/watcher"
)

// recording is where the calls of a real server are, and each playlist as it was at each closing.
const recording = "../../testdata/live"

// The recording ends in the middle of a chunk. It had so many bytes then, which took so long at the rate
// of the chunks before it.
const (
	lastSize = 69748
	lastTook = 2300 * time.Millisecond
)

// A call is one line of the recording.
type call struct {
	at   time.Duration
	op   string
	path string
	size string // "-" if the file had changed before it was looked at
}

func readCalls(t *testing.T) []call {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(recording, "fs-events.tsv"))
	must(t, err)
	var calls []call
	for line := range strings.Lines(string(b)) {
		field := strings.Split(strings.TrimSpace(line), "\t")
		ms, err := strconv.Atoi(field[0])
		if err != nil || len(field) != 4 {
			t.Fatalf("not a recorded call: %q", line)
		}
		calls = append(calls, call{time.Duration(ms) * time.Millisecond, field[1], field[2], field[3]})
	}
	return calls
}

// A step is one or a few system calls at their time since the beginning.
type step struct {
	at time.Duration
	do func() error
}

// A replay makes the recorded calls again, below dir.
type replay struct {
	dir       string
	steps     []step
	chunks    map[string][]byte // the whole content of those that get closed
	never     string            // the chunk that does not
	playlists map[string][][]byte
	open      map[string]*os.File
}

func newReplay(t *testing.T, dir string) *replay {
	r := &replay{dir: dir, chunks: map[string][]byte{}, playlists: map[string][][]byte{}, open: map[string]*os.File{}}
	calls := readCalls(t)
	for i, c := range calls {
		switch name := strings.TrimSuffix(c.path, ".tmp"); {
		case c.op == "CREATE,ISDIR":
			r.add(c.at, func() error { return os.MkdirAll(r.file(c.path), 0o755) })
		case c.op == "CREATE":
			r.add(c.at, func() error { return r.create(c.path) })
			if path.Ext(c.path) == ".ts" {
				r.addPackets(t, c, calls[i:])
			}
		case c.op == "CLOSE_WRITE" && path.Ext(c.path) == ".ts":
			r.add(c.at, func() error { return r.close(c.path) })
		case c.op == "CLOSE_WRITE":
			// What was in the temporary file was not recorded; it had the length of the playlist that followed.
			j := i + slices.IndexFunc(calls[i:], func(d call) bool { return d.op == c.op && d.path == name })
			content := recordedPlaylist(t, calls[j])
			if name == c.path {
				r.playlists[name] = append(r.playlists[name], content)
			}
			r.add(c.at, func() error { return r.rewrite(c.path, content) })
		case c.op == "DELETE":
			r.add(c.at, func() error { return r.remove(c.path) })
		default:
			t.Fatalf("what is %q?", c.op)
		}
	}
	slices.SortStableFunc(r.steps, func(a, b step) int { return cmp.Compare(a.at, b.at) })
	return r
}

// addPackets spreads the packets of the chunk that created made over the time until it was closed.
func (r *replay) addPackets(t *testing.T, created call, after []call) {
	size, took := lastSize, lastTook
	i := slices.IndexFunc(after, func(d call) bool { return d.op == "CLOSE_WRITE" && d.path == created.path })
	if i >= 0 {
		took = after[i].at - created.at
		var err error
		if size, err = strconv.Atoi(after[i].size); err != nil {
			t.Fatal(err)
		}
	}
	content, err := hls.Files.ReadFile("live1/" + path.Base(created.path))
	if err != nil { // the tree was copied at the end, when this chunk had been deleted, or was not whole yet
		for n := 0; len(content) < size; n++ {
			content = append(content, emswriter.Packet(path.Base(created.path), n)...)
		}
	}
	if len(content) != size {
		t.Fatalf("%s has %d bytes, recorded are %d", created.path, len(content), size)
	}
	if i >= 0 {
		r.chunks[created.path] = content
	} else {
		r.never = created.path
	}
	packets := slices.Collect(slices.Chunk(content, 188))
	for n, p := range packets {
		r.add(created.at+took*time.Duration(n)/time.Duration(len(packets)), func() error {
			_, err := r.open[created.path].Write(p)
			return err
		})
	}
}

func recordedPlaylist(t *testing.T, c call) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(recording, "manifests",
		fmt.Sprintf("%06d_%s", c.at.Milliseconds(), strings.ReplaceAll(c.path, "/", "__"))))
	must(t, err)
	return b
}

func (r *replay) add(at time.Duration, do func() error) { r.steps = append(r.steps, step{at, do}) }

func (r *replay) file(p string) string { return filepath.Join(r.dir, filepath.FromSlash(p)) }

func (r *replay) create(p string) error {
	// Directories below the first came too fast to be recorded.
	if err := os.MkdirAll(filepath.Dir(r.file(p)), 0o755); err != nil {
		return err
	}
	var err error
	r.open[p], err = os.OpenFile(r.file(p), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	return err
}

func (r *replay) rewrite(p string, content []byte) error {
	if r.open[p] == nil { // it was there already, and is truncated in place
		if err := r.create(p); err != nil {
			return err
		}
	}
	if _, err := r.open[p].Write(content); err != nil {
		return err
	}
	return r.close(p)
}

func (r *replay) close(p string) error {
	f := r.open[p]
	delete(r.open, p)
	return f.Close()
}

func (r *replay) remove(p string) error {
	if path.Ext(p) == ".tmp" {
		if _, err := os.ReadFile(r.file(p)); err != nil {
			return err
		}
	}
	return os.Remove(r.file(p))
}

// run makes all calls, scale times as fast as they were, and returns how late the latest was.
func (r *replay) run(scale int) (late time.Duration, err error) {
	start := time.Now()
	for _, s := range r.steps {
		due := start.Add(s.at / time.Duration(scale))
		time.Sleep(time.Until(due)) // the recorded timing is what is tested
		late = max(late, time.Since(due))
		if err := s.do(); err != nil {
			return late, err
		}
	}
	return late, nil
}

// What a real server did, at the time at which it did it: every whole chunk gets into the bucket, also
// those that the server deleted, and every published playlist is one that it wrote.
func TestReplay(t *testing.T) {
	t.Parallel()
	scale := 1
	if testing.Short() {
		scale = 10
	}
	server := s3test.Start(t)
	proxy := s3test.NewProxy(t, server)
	dir := t.TempDir()
	root := filepath.Join(dir, "hls")
	must(t, os.Mkdir(root, 0o755)) // a server that ran before has left it
	r := newReplay(t, dir)
	if len(r.chunks) != 18 || len(r.playlists) != 2 || r.never == "" {
		t.Fatalf("the recording has %d whole chunks and %d playlists, the one not closed is %q", len(r.chunks), len(r.playlists), r.never)
	}
	side := startSidecar(t, root, proxy.Endpoint)

	late, err := r.run(scale)
	must(t, err)
	defer r.close(r.never)

	want := map[string][]byte{} // by key
	for p, content := range r.chunks {
		want[strings.TrimPrefix(p, "hls/")] = content
	}
	for p := range r.playlists {
		if want[strings.TrimPrefix(p, "hls/")], err = os.ReadFile(r.file(p)); err != nil {
			t.Fatal(err)
		}
	}
	for key, content := range want {
		side.waitFor(key+" in the bucket as it was written", func() bool {
			got, _ := server.Object(key)
			return bytes.Equal(got, content)
		})
	}
	time.Sleep(watcher.DefaultSlowSettle + time.Second) // an open chunk stays out however long nobody writes it
	if code := side.stop(); code != 0 {
		t.Errorf("exit code %d after SIGTERM", code)
	}
	keys, err := server.Keys()
	must(t, err)
	for _, key := range keys {
		if want[key] == nil {
			t.Errorf("%s is in the bucket", key)
		}
	}
	published := r.judge(t, proxy.Log())
	if warnings := side.complaints(); len(warnings) > 0 {
		t.Errorf("warnings in a run without a fault: %q", warnings)
	}
	t.Logf("%d calls, the latest %v after its time; %d of %d versions of the media playlist published",
		len(r.steps), late.Round(time.Microsecond), published, len(r.playlists["hls/g/live1/playlist.m3u8"]))
}

// judge goes through the requests: each object is put once, each playlist is one of the recorded, in
// their order, and comes after all that it names. It returns how many media playlists were published.
func (r *replay) judge(t *testing.T, requests []s3test.Request) (published int) {
	confirmed := map[string]time.Time{} // by key, when the store had first answered
	newest := map[string]int{}          // by key, the index of the recorded version
	for _, q := range requests {
		if q.Method != http.MethodPut {
			continue
		}
		if q.Status != http.StatusOK {
			t.Errorf("PUT %s: status %d", q.Key, q.Status)
			continue
		}
		if _, again := confirmed[q.Key]; !again {
			confirmed[q.Key] = q.Ended
		} else if q.Body == nil {
			t.Errorf("%s is sent twice", q.Key)
		}
	}
	for _, q := range requests {
		if q.Method != http.MethodPut || q.Body == nil {
			continue
		}
		version := slices.IndexFunc(r.playlists["hls/"+q.Key], func(b []byte) bool { return bytes.Equal(b, q.Body) }) + 1
		if version <= newest[q.Key] {
			t.Errorf("%s is published as version %d after %d of the recorded (0: none):\n%s", q.Key, version, newest[q.Key], q.Body)
		}
		newest[q.Key] = version
		playlist, err := media.ParsePlaylist(q.Body)
		if err != nil {
			t.Errorf("%s is published cut: %v", q.Key, err)
		}
		for ref := range playlist.References() {
			name := path.Join(path.Dir(q.Key), ref.URI)
			if at, ok := confirmed[name]; !ok || at.After(q.Began) {
				t.Errorf("%s is published before %s", q.Key, name)
			}
		}
		if !playlist.Set {
			published++
		}
	}
	return published
}
