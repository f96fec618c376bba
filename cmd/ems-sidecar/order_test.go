package main

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

	"ems-sidecar/internal/s3test"
)

// 24 streams of all formats, rolling and appending, whose encoders go away and come back, and a bucket that takes its
// time for a random half of the chunks: no viewer may ever meet a manifest that names what is not there, or what
// is there of another run.
func TestOrder(t *testing.T) {
	t.Parallel()
	duration, streams := 26*time.Second, 24 // of each of two runs
	if testing.Short() {
		duration, streams = 6*time.Second, 16
	}
	server := s3test.Start(t)
	proxy := s3test.NewProxy(t, server)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	root := t.TempDir()
	a := newArchive(root)
	r := newReferee(t, server, a)
	r.dawdle = rand.New(rand.NewPCG(seed, 0))
	proxy.Before, proxy.After = r.before, r.after
	sections := []string{"Upload min_throughput = 16KiB"}   // a busy machine is no slow line
	for _, format := range []string{"HDS", "DASH", "MSS"} { // they share the root with HLS
		sections = append(sections, "Amazon"+format+"Upload watch_dir = '"+root+"'")
	}
	side := startSidecar(t, root, proxy.Endpoint, sections...)

	all := encoders(a, streams, livePace)
	var manifests []string
	stop := make(chan struct{})
	var viewers sync.WaitGroup
	var looks, fragments int
	var walked sync.Mutex
	for _, e := range all {
		for _, file := range e.manifests() {
			manifests = append(manifests, a.key(file))
		}
		if strings.HasPrefix(e.directory(), "hds") {
			viewers.Go(func() {
				n := r.walkHDS(path.Dir(e.directory())+"/manifest.f4m", stop)
				walked.Lock()
				fragments += n
				walked.Unlock()
			})
		}
	}
	viewers.Go(func() { looks = r.view(manifests, stop) })
	var playing sync.WaitGroup
	for i, e := range all {
		playing.Go(func() {
			for run := 1; run <= 2; run++ {
				if err := e.play(run, after(duration+time.Duration(i)*50*time.Millisecond)); err != nil {
					t.Errorf("%s: %v", e.directory(), err)
				}
				time.Sleep(4 * time.Second) // the encoder is away
			}
		})
	}
	playing.Wait()

	for _, key := range manifests {
		side.waitFor(key+" in the bucket as on disk", func() bool {
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
	if len(r.setbacks) > 0 {
		t.Errorf("the bucket went back: %v", r.setbacks)
	}
	versions := 0
	for key, written := range a.chunks {
		versions += len(written)
		last := written[len(written)-1]
		within(t, 90*time.Second, key+" in the bucket as it was written last", func() bool {
			got, err := server.Object(key)
			return err == nil && slices.Contains(a.runs(key, got), last.run)
		})
	}
	sent := map[string]int{}
	for _, q := range proxy.Log() {
		if q.Method == http.MethodPut && q.Body == nil {
			if sent[q.Key]++; sent[q.Key] > len(a.chunks[q.Key]) {
				t.Errorf("%s is sent %d times, it had %d contents; log:\n%s", q.Key, sent[q.Key], len(a.chunks[q.Key]),
					strings.Join(side.lines(" key="+q.Key), "\n"))
			}
		}
	}
	if len(sent) != len(a.chunks) {
		t.Errorf("%d chunks are sent, %d were written", len(sent), len(a.chunks))
	}
	if code := side.stop(); code != 0 {
		t.Errorf("exit code %d after SIGTERM", code)
	}
	if warnings := side.complaints(); len(warnings) > 0 {
		t.Errorf("warnings in a run without a fault: %q", warnings)
	}
	t.Logf("%d streams, %d chunks of two runs, %d of them delayed by %v; %d manifests judged at the door; %d looks of a viewer; %d fragments asked for by HDS players",
		streams, versions, r.delayed, chunkDelay, r.judged, looks, fragments)
}
