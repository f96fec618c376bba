package publish

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

	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/emswriter"
	"ems-sidecar/internal/long"
	"ems-sidecar/internal/s3test"
	"ems-sidecar/media"
	"ems-sidecar/watcher"
)

// recording is where the calls of a real server are, and each playlist as it was at each closing.
const recording = "../../../testdata/live"

// A call is one line of the recording.
type call struct {
	line int // calls of one millisecond are in their order
	at   time.Duration
	op   string
	path string
	size string // "-" if the file had changed before it was looked at
}

func readCalls(t *testing.T) []call {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(recording, "fs-events.tsv"))
	e2e.Must(t, err)
	var calls []call
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		field := strings.Split(strings.TrimSpace(line), "\t")
		ms, err := strconv.Atoi(field[0])
		if err != nil || len(field) != 4 {
			t.Fatalf("not a recorded call: %q", line)
		}
		calls = append(calls, call{len(calls), time.Duration(ms) * time.Millisecond, field[1], field[2], field[3]})
	}
	return calls
}

// A step is one or a few system calls at their time since the beginning.
type step struct {
	at   time.Duration
	line int
	do   func() error
}

// A replay makes the recorded calls again, below dir.
type replay struct {
	dir       string
	steps     []step
	chunks    map[string][]byte   // the last content of those that get closed as a whole
	late      map[string]bool     // MSS chunks that get no look-ahead: they are uploaded a minute later
	never     []string            // the chunks that do not
	manifests map[string][][]byte // each version
	open      map[string]*os.File
}

func newReplay(t *testing.T, dir string) *replay {
	r := &replay{dir: dir, chunks: map[string][]byte{}, late: map[string]bool{}, manifests: map[string][][]byte{}, open: map[string]*os.File{}}
	calls := readCalls(t)
	end := calls[len(calls)-1].at
	lives := map[string][]call{} // of chunks: their calls
	for i, c := range calls {
		name := strings.TrimSuffix(c.path, ".tmp")
		manifest := e2e.LayoutOf(c.path).Kind(name).Role == media.ManifestFile
		switch {
		case c.op == "CREATE,ISDIR":
			r.add(c, func() error { return os.MkdirAll(r.file(c.path), 0o755) })
		case c.op == "DELETE":
			r.add(c, func() error { return r.remove(c.path) })
		case !manifest:
			lives[c.path] = append(lives[c.path], c)
		case c.op == "CREATE":
			r.add(c, func() error { return r.create(c.path) })
		case c.op == "CLOSE_WRITE":
			// What was in the temporary file was not recorded; it had the length of the playlist
			// that followed.
			j := i + slices.IndexFunc(calls[i:], func(d call) bool { return d.op == c.op && d.path == name })
			content := recordedManifest(t, calls[j])
			if name == c.path && len(content) > 0 {
				r.manifests[name] = append(r.manifests[name], content)
			}
			r.add(c, func() error { return r.rewrite(c.path, content) })
		default:
			t.Fatalf("what is %q?", c.op)
		}
	}
	for p, life := range lives {
		r.addChunk(t, p, life, end)
	}
	slices.SortStableFunc(r.steps, func(a, b step) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.line, b.line))
	})
	return r
}

// addChunk repeats how the chunk p was written. Only sizes were recorded, so its bytes are made up:
// each tells where in which chunk it stands.
func (r *replay) addChunk(t *testing.T, p string, life []call, end time.Duration) {
	created, closes := life[0], life[1:]
	sizes := make([]int, len(closes))
	for i, c := range closes {
		var err error
		if sizes[i], err = strconv.Atoi(c.size); err != nil || created.op != "CREATE" || c.op != "CLOSE_WRITE" {
			t.Fatalf("the calls of %s: %v", p, life)
		}
	}
	// HLS chunks and init segments are whole when they are closed for the first time, MSS chunks
	// change once more when they are closed for the third time. All others are closed at the
	// beginning, and then when they are whole.
	whole := 1
	if e2e.LayoutOf(p).Format == media.HLS || path.Base(p) == "seg_init.mp4" {
		whole = 0
	}
	if len(closes) <= whole {
		r.never = append(r.never, p)
		size, reopen := 70_000, len(closes) > 0
		r.add(created, func() error { return r.create(p) })
		if reopen {
			r.add(closes[0], func() error { return r.reopen(p) })
		}
		r.addWrites(p, 0, emswriter.Content(size, p), created, call{at: end})
		return
	}
	final := emswriter.Content(sizes[whole], p)
	r.add(created, func() error { return r.create(p) })
	if whole == 0 {
		r.addWrites(p, 0, final, created, closes[0])
	} else {
		// The header is there before its time; until the end it has other bytes, which are patched
		// then.
		header := min(sizes[0], len(final))
		r.add(closes[0], func() error { return r.writeAt(p, bytes.Repeat([]byte{'w'}, header), 0) })
		r.add(closes[0], func() error { return r.reopen(p) })
		r.addWrites(p, header, final, closes[0], closes[1])
		r.add(closes[1], func() error { return r.writeAt(p, final[:header], 0) })
	}
	r.add(closes[whole], func() error { return r.close(p) })
	if len(closes) > 2 {
		patch := []byte(strings.Repeat("look ahead ", 9))
		final = slices.Concat(final[:len(final)/2], patch, final[len(final)/2+len(patch):])
		r.add(closes[2], func() error {
			if err := r.reopen(p); err != nil {
				return err
			}
			if err := r.writeAt(p, patch, int64(len(final)/2)); err != nil {
				return err
			}
			return r.close(p)
		})
	}
	r.chunks[p] = final
	r.late[p] = e2e.LayoutOf(p).Format == media.MSS && len(closes) == 2
}

// addWrites spreads the bytes of the chunk p from the offset on over the time between two calls, in
// writes of a packet.
func (r *replay) addWrites(p string, offset int, b []byte, from, to call) {
	packets := slices.Collect(slices.Chunk(b[offset:], 188))
	for n, data := range packets {
		at := int64(offset + n*188)
		when := call{line: from.line, at: from.at + (to.at-from.at)*time.Duration(n)/time.Duration(len(packets))}
		r.add(when, func() error { return r.writeAt(p, data, at) })
	}
}

func recordedManifest(t *testing.T, c call) []byte {
	t.Helper()
	if c.size == "0" {
		return nil // it was seen empty: of two closings in a row, only the second one's content is known
	}
	b, err := os.ReadFile(filepath.Join(recording, "manifests",
		fmt.Sprintf("%06d_%s", c.at.Milliseconds(), strings.ReplaceAll(c.path, "/", "__"))))
	e2e.Must(t, err)
	return b
}

func (r *replay) add(c call, do func() error) { r.steps = append(r.steps, step{c.at, c.line, do}) }

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

func (r *replay) writeAt(p string, b []byte, at int64) error {
	_, err := r.open[p].WriteAt(b, at)
	return err
}

// reopen closes the file and opens it again at once, or opens it if it is closed.
func (r *replay) reopen(p string) error {
	if r.open[p] != nil {
		if err := r.close(p); err != nil {
			return err
		}
	}
	var err error
	r.open[p], err = os.OpenFile(r.file(p), os.O_RDWR, 0o644)
	return err
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

// run makes all calls, scale times as fast as they were by the patient clock, and returns how late
// the latest was.
func (r *replay) run(scale int) (late time.Duration, err error) {
	start := e2e.Patient.Now()
	for _, s := range r.steps {
		due := start + s.at/time.Duration(scale)
		e2e.Patient.SleepUntil(due) // the recorded timing is what is tested
		late = max(late, e2e.Patient.Now()-due)
		if err := s.do(); err != nil {
			return late, err
		}
	}
	return late, nil
}

// What a real server did, at the time at which it did it: every whole chunk gets into the bucket,
// also those that the server deleted, and every published manifest is one that it wrote.
func TestReplay(t *testing.T) {
	t.Parallel()
	scale := long.Or(10, 1)
	server := s3test.Start(t)
	proxy := s3test.NewProxy(t, server)
	dir := t.TempDir()
	r := newReplay(t, dir)
	if len(r.chunks) != 96 || len(r.manifests) != 8 || len(r.never) != 6 {
		t.Fatalf("the recording has %d whole chunks and %d manifests, not closed are %q", len(r.chunks), len(r.manifests), r.never)
	}
	var sections []string
	for top, layout := range e2e.Layouts {
		e2e.Must(t, os.Mkdir(filepath.Join(dir, top), 0o755)) // a server that ran before has left it
		section := fmt.Sprintf("Amazon%sUpload ", layout.Format)
		sections = append(sections, section+"watch_dir = '"+filepath.Join(dir, top)+"'", section+"prefix = "+top)
	}
	side := e2e.StartSidecar(t, "", proxy.Endpoint, sections...)

	late, err := r.run(scale)
	e2e.Must(t, err)
	defer func() {
		for _, p := range r.never {
			r.close(p)
		}
	}()

	want := map[string][]byte{} // by key, which is the path: each root has its name as prefix
	for p, content := range r.chunks {
		want[p] = content
	}
	for p := range r.manifests {
		if want[p], err = os.ReadFile(r.file(p)); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	for key, content := range want {
		if long.Or(r.late[key], false) {
			continue
		}
		e2e.Within(t, 90*time.Second, key+" in the bucket as it was written", func() bool {
			got, _ := server.Object(key)
			return bytes.Equal(got, content)
		})
	}
	// An open chunk is not published, however long it stands still.
	time.Sleep(time.Until(began.Add(watcher.DefaultSlowSettle + time.Second)))
	if code := side.Stop(); code != 0 {
		t.Errorf("exit code %d after SIGTERM", code)
	}
	keys, err := server.Keys()
	e2e.Must(t, err)
	for _, key := range keys {
		if want[key] == nil {
			t.Errorf("%s is in the bucket", key)
		}
	}
	published := r.judge(t, slices.DeleteFunc(proxy.Log(), e2e.IsTrial))
	if warnings := slices.DeleteFunc(side.Complaints(), e2e.Starved); len(warnings) > 0 {
		t.Errorf("warnings in a run without a fault: %q", warnings)
	}
	t.Logf("%d calls, the latest %v after its time; versions published of those written: %s",
		len(r.steps), late.Round(time.Microsecond), published)
}

// judge goes through the requests: each object is put once, each manifest is one of the recorded,
// in their order, and comes after all that it names. It returns how many versions of each were
// published.
func (r *replay) judge(t *testing.T, requests []s3test.Request) string {
	stored := map[string]time.Time{} // by key, when the store had first answered
	confirmed := map[string]bool{}   // by key, whether the daemon has had an answer
	newest := map[string]int{}       // by key, the index of the recorded version
	for _, q := range requests {
		if q.Method != http.MethodPut {
			continue
		}
		again := e2e.Late(q, e2e.Promptly) // it may be sent again
		if q.Status != http.StatusOK && again {
			continue
		}
		if q.Status != http.StatusOK {
			t.Errorf("PUT %s: status %d", q.Key, q.Status)
			continue
		}
		if _, ok := stored[q.Key]; !ok {
			stored[q.Key] = q.Ended
		}
		if confirmed[q.Key] && r.manifests[q.Key] == nil {
			t.Errorf("%s is sent twice", q.Key)
		}
		confirmed[q.Key] = !again
	}
	published := map[string]int{}
	late := map[string]bool{} // by key, whether the newest version may be sent again
	for _, q := range requests {
		versions := r.manifests[q.Key]
		if q.Method != http.MethodPut || versions == nil {
			continue
		}
		published[q.Key]++
		version := slices.IndexFunc(versions, func(b []byte) bool { return bytes.Equal(b, q.Body) }) + 1
		if version < newest[q.Key] || version == newest[q.Key] && !late[q.Key] || version == 0 {
			t.Errorf("%s is published as version %d after %d of the recorded (0: none):\n%s", q.Key, version, newest[q.Key], q.Body)
		}
		newest[q.Key], late[q.Key] = version, e2e.Late(q, e2e.Promptly)
		for _, name := range e2e.NamedBy(t, q.Key, q.Body) {
			if at, ok := stored[name]; !ok || at.After(q.Began) {
				t.Errorf("%s is published before %s", q.Key, name)
			}
		}
	}
	var counts []string
	for key, versions := range r.manifests {
		counts = append(counts, fmt.Sprintf("%s %d of %d", key, published[key], len(versions)))
	}
	slices.Sort(counts)
	return strings.Join(counts, ", ")
}
