package publish

import (
	"bytes"
	"math/rand/v2"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/long"
	"ems-sidecar/internal/s3test"
)

// 24 streams of all formats, rolling and appending, whose encoders go away and come back, and a
// bucket that takes its time for a random half of the chunks: no viewer may ever meet a manifest
// that names what is not there, or what is there of another run.
func TestOrder(t *testing.T) {
	t.Parallel()
	duration, streams := long.Or(4*time.Second, 26*time.Second), long.Or(16, 24) // of each of two runs
	server := s3test.Start(t)
	proxy := s3test.NewProxy(t, server)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	root := t.TempDir()
	a := e2e.NewArchive(root)
	r := e2e.NewReferee(t, server, a)
	r.Dawdle = rand.New(rand.NewPCG(seed, 0))
	proxy.Before, proxy.After = r.Before, r.After
	sections := []string{"Upload min_throughput = 16KiB"}   // a busy machine is no slow line
	for _, format := range []string{"HDS", "DASH", "MSS"} { // they share the root with HLS
		sections = append(sections, "Amazon"+format+"Upload watch_dir = '"+root+"'")
	}
	side := e2e.StartSidecar(t, root, proxy.Endpoint, sections...)

	all := e2e.Encoders(a, streams, e2e.LivePace)
	var manifests []string
	stop := make(chan struct{})
	var viewers sync.WaitGroup
	var looks, fragments int
	var walked sync.Mutex
	for _, e := range all {
		for _, file := range e.Manifests() {
			manifests = append(manifests, a.Key(file))
		}
		if strings.HasPrefix(e.Directory(), "hds") {
			viewers.Go(func() {
				n := r.WalkHDS(path.Dir(e.Directory())+"/manifest.f4m", stop)
				walked.Lock()
				fragments += n
				walked.Unlock()
			})
		}
	}
	viewers.Go(func() { looks = r.View(manifests, stop) })
	var playing sync.WaitGroup
	for i, e := range all {
		playing.Go(func() {
			for run := 1; run <= 2; run++ {
				if err := e.Play(run, e2e.Patient.Deadline(duration+time.Duration(i)*50*time.Millisecond)); err != nil {
					t.Errorf("%s: %v", e.Directory(), err)
				}
				if run == 1 {
					e2e.Patient.Sleep(4 * time.Second) // the encoder is away
				}
			}
		})
	}
	playing.Wait()

	for _, key := range manifests {
		side.WaitFor(key+" in the bucket as on disk", func() bool {
			disk, err := os.ReadFile(filepath.Join(root, key))
			if err != nil {
				t.Fatal(err)
			}
			got, _ := server.Object(key)
			return bytes.Equal(got, disk)
		})
	}
	close(stop)
	viewers.Wait()
	if len(r.Setbacks) > 0 {
		t.Errorf("the bucket went back: %v", r.Setbacks)
	}
	versions := 0
	for _, written := range a.Chunks {
		versions += len(written)
	}
	// In the short form, the last MSS chunks of a stream are not waited for: they take a minute.
	due := a.Due(time.Now().Add(long.Or(0, e2e.MssPatience)))
	for key, last := range due {
		e2e.Within(t, 90*time.Second, key+" in the bucket as it was written last", func() bool {
			got, err := server.Object(key)
			return err == nil && slices.Contains(a.Runs(key, got), last.Run)
		})
	}
	sent := map[string]int{}
	log := proxy.Log()
	for _, q := range log {
		if q.Method == http.MethodPut && q.Body == nil && !e2e.IsSecond(log, q) {
			n := sent[q.Key]
			if !e2e.Late(q, r.Held(q.Key)+e2e.Promptly/2) { // what is late may be sent again
				n++
			}
			given := slices.DeleteFunc(side.Lines(" key="+q.Key), func(l string) bool { return !e2e.Starved(l) })
			if sent[q.Key] = n; n > len(a.Chunks[q.Key])+len(given) {
				t.Errorf("%s is sent %d times, it had %d contents; log:\n%s", q.Key, n, len(a.Chunks[q.Key]),
					strings.Join(side.Lines(" key="+q.Key), "\n"))
			}
		}
	}
	if want := long.Or(len(due), len(a.Chunks)); len(sent) < want || len(sent) > len(a.Chunks) {
		t.Errorf("%d chunks are sent, %d were written", len(sent), len(a.Chunks))
	}
	if code := side.Stop(); code != 0 {
		t.Errorf("exit code %d after SIGTERM", code)
	}
	if warnings := slices.DeleteFunc(side.Complaints(), e2e.Starved); len(warnings) > 0 {
		t.Errorf("warnings in a run without a fault: %q", warnings)
	}
	t.Logf("%d streams, %d chunks of two runs, %d of them delayed by %v; %d manifests judged at the door; %d looks of a viewer; %d fragments asked for by HDS players",
		streams, versions, r.Delayed, e2e.ChunkDelay, r.Judged, looks, fragments)
}
