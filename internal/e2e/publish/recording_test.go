package publish

import (
	"crypto/rand"
	"crypto/sha256"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dustin/go-humanize"

	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/emswriter"
	"ems-sidecar/internal/s3test"
	"ems-sidecar/uploader/spool"
)

var recordingSize = flag.String("recording", "256MiB", "size of the recording in TestRecordingIsResumedAfterAKill")

func sumOf(t *testing.T, file string) (sum [sha256.Size]byte) {
	t.Helper()
	f, err := os.Open(file)
	if os.IsNotExist(err) {
		return sum
	}
	e2e.Must(t, err)
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	e2e.Must(t, err)
	return [sha256.Size]byte(h.Sum(nil))
}

// A recording of gigabytes, and a daemon that is killed when half of it is up: the next one sends
// the other half.
func TestRecordingIsResumedAfterAKill(t *testing.T) {
	t.Parallel()
	bytes, err := humanize.ParseBytes(*recordingSize)
	e2e.Must(t, err)
	size := int64(bytes)
	// The test's server takes a thousand parts at most.
	part := max(8<<20, size/1000>>20<<20+1<<20)
	root := t.TempDir()
	file := filepath.Join(root, "rec.mp4")
	f, err := os.Create(file)
	e2e.Must(t, err)
	e2e.Must(t, f.Truncate(size)) // sparse, but no two parts are alike
	for at := int64(0); at < size-100; at += 1 << 20 {
		mark := make([]byte, 64)
		rand.Read(mark)
		_, err := f.WriteAt(mark, at)
		e2e.Must(t, err)
	}
	e2e.Must(t, f.Close())

	server := s3test.Start(t)
	proxy := s3test.NewProxy(t, server)
	var parts, partBytes atomic.Int64
	half := make(chan struct{})
	var reached sync.Once
	proxy.After = func(q *s3test.Request) {
		if q.Method == http.MethodPut && q.Status == http.StatusOK && strings.Contains(q.Query, "partNumber=") {
			parts.Add(1)
			if partBytes.Add(q.Length) >= size/2 {
				reached.Do(func() { close(half) })
			}
		}
	}
	sections := []string{"AmazonRecordUpload watch_dir = '" + root + "'", fmt.Sprintf("Upload part_size = %d", part)}
	first := e2e.StartSidecar(t, "", proxy.Endpoint, sections...)
	select {
	case <-half:
	case <-time.After(5 * time.Minute):
		t.Fatalf("half of it is not there after 5 minutes: %d parts", parts.Load())
	}
	firstPeak := first.PeakMemory()
	first.Kill()
	before, beforeBytes := parts.Swap(0), partBytes.Swap(0)

	second := e2e.StartSidecar(t, "", proxy.Endpoint, sections...)
	e2e.Within(t, 5*time.Minute, "rec.mp4 in the bucket", func() bool { return len(second.Lines("recording uploaded")) > 0 })
	object := filepath.Join(server.Dir, "rec.mp4")
	if sumOf(t, object) != sumOf(t, file) {
		t.Error("the object is not the file")
	}
	// What was in flight when the daemon was killed is sent again.
	if sent := partBytes.Load(); sent > size-beforeBytes+3*part {
		t.Errorf("the second start sent %d of %d bytes, although %d were there", sent, size, beforeBytes)
	}
	after, afterBytes := parts.Swap(0), partBytes.Swap(0)
	secondPeak := second.PeakMemory()
	if code := second.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}

	third := e2e.StartSidecar(t, "", proxy.Endpoint, sections...)
	third.WaitFor("a question for it", func() bool {
		for _, q := range proxy.Log() {
			if q.Method == http.MethodHead && q.Began.After(third.Began) && q.Status == http.StatusOK {
				return true
			}
		}
		return false
	})
	third.Stop()
	if n := parts.Load(); n != 0 || len(third.Lines("recording uploaded")) > 0 {
		t.Errorf("the third start sends %d parts of what the bucket has", n)
	}
	t.Logf("%s: %d parts of %d bytes before the kill, %d of %d after it; peak memory %d MiB and %d MiB", *recordingSize,
		before, beforeBytes, after, afterBytes, firstPeak>>20, secondPeak>>20)
}

// What EMS does to files while it records, and what may be seen of that in the bucket: finished
// files, each once.
func TestOnlyFinishedRecordingsAreUploaded(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	proxy := s3test.NewProxy(t, server)
	root := t.TempDir()
	rec := filepath.Join(root, "recordings") // in a directory that is published as HLS, too
	e2e.Must(t, os.Mkdir(rec, 0o755))
	side := e2e.StartSidecar(t, root, proxy.Endpoint, "AmazonRecordUpload watch_dir = '"+rec+"'", "AmazonRecordUpload prefix = rec")
	want := map[string][]byte{}
	for i, name := range []string{"r1.mp4", "r2.ts", "r3.flv", "sub dir/r4.mp4"} {
		e2e.Must(t, os.MkdirAll(filepath.Dir(filepath.Join(rec, name)), 0o755))
		r := &emswriter.Recording{File: filepath.Join(rec, name), Parts: i != 1}
		e2e.Must(t, r.Start())
		for part := range 3 {
			// In 188-byte packets, which an mp4 does not care for.
			content := emswriter.Content(188*500, fmt.Sprintf("%s part %d", name, part))
			want["rec/"+filepath.ToSlash(strings.TrimPrefix(r.Chunk(), rec+"/"))] = nil
			_, err := r.Write(content[:len(content)/2])
			e2e.Must(t, err)
			time.Sleep(100 * time.Millisecond) // longer than the settle time
			_, err = r.Write(content[len(content)/2:])
			e2e.Must(t, err)
			if part == 2 {
				e2e.Must(t, r.End())
			} else if r.Parts {
				e2e.Must(t, r.Next())
			}
		}
	}
	for key := range want {
		content, err := os.ReadFile(filepath.Join(rec, strings.TrimPrefix(key, "rec/")))
		e2e.Must(t, err)
		want[key] = content
	}
	for key, content := range want {
		side.WaitFor(key+" in the bucket", func() bool { got, _ := server.Object(key); return string(got) == string(content) })
	}
	side.Stop()
	puts := map[string]int{}
	for _, q := range proxy.Log() {
		if q.Method == http.MethodPut {
			puts[q.Key]++
		}
	}
	for key, n := range puts {
		if want[key] == nil || n != 1 {
			t.Errorf("%s is sent %d times", key, n)
		}
	}
	if len(puts) != len(want) {
		t.Errorf("%d files are sent, want %d", len(puts), len(want))
	}
	if warnings := side.Complaints(); len(warnings) > 0 {
		t.Errorf("warnings in a run without a fault: %q", warnings)
	}
}

func TestRecordingIsDeletedFromTheDiskWhenTheBucketHasIt(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	root := t.TempDir()
	for name, size := range map[string]int{"small.ts": 1000, "large.mp4": 12 << 20} {
		e2e.Must(t, os.WriteFile(filepath.Join(root, name), emswriter.Content(size, name), 0o644))
	}
	side := e2e.StartSidecar(t, "", server.Endpoint, "AmazonRecordUpload watch_dir = '"+root+"'",
		"AmazonRecordUpload delete_local = after_upload", "AmazonRecordUpload delete_local_after = 0", "Upload part_size = 5MiB")
	side.WaitFor("an empty directory", func() bool {
		left, err := os.ReadDir(root)
		return err == nil && !slices.ContainsFunc(left, func(e os.DirEntry) bool { return e.Name() != spool.DirName })
	})
	for name, size := range map[string]int{"small.ts": 1000, "large.mp4": 12 << 20} {
		if got, err := server.Object(name); err != nil || string(got) != string(emswriter.Content(size, name)) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
	side.Stop()
	if n := len(side.Lines("recording deleted from the disk")); n != 2 {
		t.Errorf("%d lines say what was deleted, want 2", n)
	}
}
