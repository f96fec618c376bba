package main

import (
	"bytes"
	"fmt"
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
	"ems-sidecar/media"
)

// A referee stands at the door of the bucket and sees every request: it knows which objects the
// bucket has confirmed, and tests each manifest on its way in.
type referee struct {
	t       *testing.T
	server  *s3test.Server
	archive *archive

	mu        sync.Mutex
	confirmed map[string]bool
	published map[string]progress
	random    *rand.Rand
	delayed   int
	judged    int // manifests of which the run was known
}

// progress is how far a manifest in the bucket is.
type progress struct {
	run      int
	sequence uint64
}

const (
	chunkDelay = 2 * time.Second
	initDelay  = time.Second // an attempt with so few bytes may take little more than 2 s
)

func (r *referee) before(q *s3test.Request, _ http.ResponseWriter) bool {
	r.mu.Lock()
	delay := time.Duration(0)
	switch {
	case q.Method != http.MethodPut:
	case q.Body == nil:
		if r.random.IntN(2) == 0 {
			delay = chunkDelay
			if strings.HasSuffix(q.Key, "seg_init.mp4") {
				delay = initDelay
			}
			r.delayed++
		}
	default:
		r.judge(q)
	}
	r.mu.Unlock()
	time.Sleep(delay) // what is tested is how the daemon bears it
	return true
}

func (r *referee) judge(q *s3test.Request) {
	run, known := r.archive.runOf(q.Body)
	if known {
		r.judged++
	}
	for _, name := range namedBy(r.t, q.Key, q.Body) {
		if !r.confirmed[name] {
			r.t.Errorf("%s is published and names %s, which is not in the bucket", q.Key, name)
			continue
		}
		if !known || layoutOf(name).Kind(name).Role == media.ManifestFile {
			continue
		}
		object, err := r.server.Object(name)
		if runs := r.archive.runs(name, object); err != nil || !slices.Contains(runs, run) {
			r.t.Errorf("%s of run %d is published and names %s, which has %d bytes of the runs %v (%v)", q.Key, run, name, len(object), runs, err)
		}
	}
	m, err := parse(q.Key, q.Body)
	if err != nil || m.Segments == 0 || !known {
		return // those that name no segments yet may be alike in both runs
	}
	if old := r.published[q.Key]; run < old.run || run == old.run && m.Sequence < old.sequence {
		r.t.Errorf("%s goes back from %d in run %d to %d in run %d", q.Key, old.sequence, old.run, m.Sequence, run)
	}
	r.published[q.Key] = progress{run, m.Sequence}
}

func (r *referee) after(q *s3test.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if q.Method == http.MethodPut && q.Status == http.StatusOK {
		r.confirmed[q.Key] = true
	}
}

// A viewer reads manifests from the bucket as fast as it can and fetches what they name: that must be there, whole,
// and of the manifest's run or, if that was replaced meanwhile, of a later one.
func (r *referee) view(keys []string, stop <-chan struct{}) (looks int) {
	seen := map[string]os.FileInfo{} // what was fetched, to be fetched again when it has changed
	for {
		for _, key := range keys {
			select {
			case <-stop:
				return looks
			default:
			}
			b, err := r.server.Object(key)
			if err != nil {
				continue // not published yet
			}
			looks++
			run, known := r.archive.runOf(b)
			for _, name := range namedBy(r.t, key, b) {
				file := filepath.Join(r.server.Dir, name)
				fi, err := os.Stat(file)
				if err != nil {
					r.t.Errorf("a viewer reads %s and does not find %s", key, name)
					continue
				}
				if old := seen[name]; old != nil && os.SameFile(old, fi) && old.ModTime().Equal(fi.ModTime()) || layoutOf(name).Kind(name).Role == media.ManifestFile {
					continue
				}
				object, err := r.server.Object(name)
				runs := r.archive.runs(name, object)
				if err != nil || len(runs) == 0 || known && slices.Max(runs) < run {
					r.t.Errorf("a viewer reads %s of run %d and gets %d bytes of the runs %v for %s (%v)", key, run, len(object), runs, name, err)
				}
				seen[name] = fi
			}
		}
		time.Sleep(10 * time.Millisecond) // leaves the processor to those who are watched
	}
}

// walkHDS does what an HDS player does, twice a second: from the set-level manifest to each fragment.
func (r *referee) walkHDS(set string, stop <-chan struct{}) (fragments int) {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return fragments
		case <-tick.C:
		}
		b, err := r.server.Object(set)
		if err != nil {
			continue // not published yet
		}
		for _, stream := range namedBy(r.t, set, b) {
			b, err := r.server.Object(stream)
			if err != nil {
				r.t.Errorf("a player does not get %s: %v", stream, err)
				continue
			}
			f4m, err := media.ParseF4M(b)
			if err != nil || len(f4m.Media) == 0 {
				r.t.Errorf("a player cannot use %s: %v", stream, err)
				continue
			}
			bootstrap := path.Join(path.Dir(stream), f4m.Media[0].Bootstrap)
			if b, err = r.server.Object(bootstrap); err != nil {
				r.t.Errorf("a player does not get %s: %v", bootstrap, err)
				continue
			}
			for _, name := range namedBy(r.t, bootstrap, b) {
				fragments++
				if object, err := r.server.Object(name); err != nil || len(r.archive.runs(name, object)) == 0 {
					r.t.Errorf("a player asks for %s and gets %d bytes, which are not the whole of any run's (%v)", name, len(object), err)
				}
			}
		}
	}
}

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
	r := &referee{
		t: t, server: server, archive: a, confirmed: map[string]bool{}, published: map[string]progress{},
		random: rand.New(rand.NewPCG(seed, 0)),
	}
	proxy.Before, proxy.After = r.before, r.after
	sections := []string{"Upload min_throughput = 16KiB"}   // a busy machine is no slow line
	for _, format := range []string{"HDS", "DASH", "MSS"} { // they share the root with HLS
		sections = append(sections, "Amazon"+format+"Upload watch_dir = '"+root+"'")
	}
	side := startSidecar(t, root, proxy.Endpoint, sections...)

	all := encoders(a, streams)
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
				if err := e.play(run, duration+time.Duration(i)*50*time.Millisecond); err != nil {
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

// parse returns what the manifest names, by the format that the key's group is named after.
func parse(key string, content []byte) (media.Manifest, error) {
	layout := layoutOf(key)
	if !layout.IsBootstrap(key) {
		return layout.Parse(key, content)
	}
	b, err := media.ParseBootstrap(content)
	if err != nil {
		return media.Manifest{}, fmt.Errorf("bootstrap: %w", err)
	}
	return b.Manifest([]string{"f4v"}), nil
}
