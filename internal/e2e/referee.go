package e2e

import (
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

	"ems-sidecar/internal/hlscheck"
	"ems-sidecar/internal/s3test"
	"ems-sidecar/media"
)

// A Referee stands at the door of the bucket and sees every request: it knows which objects the
// bucket has confirmed, and tests each manifest on its way in.
type Referee struct {
	t       *testing.T
	server  *s3test.Server
	archive *Archive
	Dawdle  *rand.Rand // if set, a random half of the chunks is delayed
	faulty  bool       // answers get lost: an object counts if the bucket has it, confirmed or not
	Mirror  bool       // objects are deleted after their files: a chunk that arrived once counts

	mu        sync.Mutex // guards what follows
	confirmed map[string]bool
	arrived   map[string][]int // runs of which a chunk was confirmed
	published map[string]progress
	seen      map[string]look
	strict    map[string]strict
	Delayed   int
	Judged    int // manifests of which the run was known
	Setbacks  []setback
}

// progress is how far a manifest is.
type progress struct {
	run      int
	sequence uint64
}

func (p progress) Before(q progress) bool {
	return p.run < q.run || p.run == q.run && p.sequence < q.sequence
}

// A look is what an object was found to be.
type look struct {
	os.FileInfo
	runs []int
}

// A setback is a time for which the bucket had an older version of a manifest than before.
type setback struct {
	key      string
	from, to progress
	began    time.Duration // by the patient clock
	Lasted   time.Duration
}

func (s setback) String() string {
	return fmt.Sprintf("%s from %v to %v for %v", s.key, s.from, s.to, s.Lasted.Round(time.Millisecond))
}

const (
	// ChunkDelay is how long a PUT of a chunk is held up by a referee that dawdles.
	ChunkDelay = 2 * time.Second
	initDelay  = time.Second // an attempt with so few bytes may take little more than 2 s
)

// NewReferee returns a referee that judges by what is in the archive.
func NewReferee(t *testing.T, server *s3test.Server, a *Archive) *Referee {
	return &Referee{t: t, server: server, archive: a,
		confirmed: map[string]bool{}, arrived: map[string][]int{}, published: map[string]progress{},
		seen: map[string]look{}, strict: map[string]strict{}}
}

// Before judges a request before the server gets it.
func (r *Referee) Before(q *s3test.Request, _ http.ResponseWriter) bool {
	r.mu.Lock()
	delay := time.Duration(0)
	switch {
	case q.Method != http.MethodPut:
	case q.Body == nil:
		if r.Dawdle != nil && r.Dawdle.IntN(2) == 0 {
			delay = r.Held(q.Key)
			r.Delayed++
		}
	default:
		r.judge(q)
	}
	r.mu.Unlock()
	time.Sleep(delay) // what is tested is how the daemon bears it
	return true
}

// Held returns for how long a chunk is held up by a referee that dawdles.
func (r *Referee) Held(key string) time.Duration {
	if strings.HasSuffix(key, "seg_init.mp4") {
		return initDelay
	}
	return ChunkDelay
}

func (r *Referee) judge(q *s3test.Request) {
	m, err := parse(q.Key, q.Body)
	if err != nil {
		if int64(len(q.Body)) == q.Length {
			r.t.Errorf("%s is published cut: %v", q.Key, err)
		}
		return // the client was killed while it sent it
	}
	run, known := r.archive.runOf(q.Key, q.Body)
	if known {
		r.Judged++
	}
	for ref := range m.References() {
		name := path.Join(path.Dir(q.Key), ref.URI)
		if !r.confirmed[name] && !(r.faulty && r.exists(name)) {
			r.t.Errorf("%s is published and names %s, which is not in the bucket", q.Key, name)
			continue
		}
		if !known || LayoutOf(name).Kind(name).Role == media.ManifestFile {
			continue
		}
		if runs, err := r.runsOf(name); err != nil || !slices.Contains(runs, run) {
			r.t.Errorf("%s of run %d is published and names %s, which is of the runs %v (%v)", q.Key, run, name, runs, err)
		}
	}
	if m.Segments == 0 || !known {
		return // those that name no segments yet may be alike in both runs
	}
	r.strictly(q.Key, run, q.Body)
	now := progress{run, m.Sequence}
	if old := r.published[q.Key]; now.Before(old) {
		r.t.Errorf("%s goes back from %v to %v", q.Key, old, now)
	}
	r.published[q.Key] = now
}

// A strict client judges the playlist of one run.
type strict struct {
	run    int
	client *hlscheck.Client
}

// strictly lets a strict client judge a playlist of HLS, in the order in which versions are sent. Each
// run has a client of its own.
func (r *Referee) strictly(key string, run int, content []byte) {
	if LayoutOf(key).Format != media.HLS {
		return
	}
	if old, ok := r.strict[key]; !ok || old.run != run {
		r.strict[key] = strict{run, &hlscheck.Client{Name: key}}
	}
	for _, f := range hlscheck.Violations(r.strict[key].client.See(time.Now(), content)) {
		r.t.Errorf("run %d: %v", run, f)
	}
}

// has reports whether the bucket has the chunk of that run, or of a later one; or had it until its
// file was deleted.
func (r *Referee) has(key string, run int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	runs, err := r.runsOf(key)
	if _, gone := os.Stat(filepath.Join(r.archive.root, key)); r.Mirror && os.IsNotExist(gone) {
		runs, err = r.arrived[key], nil
	}
	return err == nil && slices.ContainsFunc(runs, func(is int) bool { return is >= run })
}

func (r *Referee) exists(key string) bool {
	_, err := os.Stat(filepath.Join(r.server.Dir, key))
	return err == nil
}

// runsOf returns of which runs the object is.
func (r *Referee) runsOf(key string) ([]int, error) {
	fi, err := os.Stat(filepath.Join(r.server.Dir, key))
	if err != nil {
		return nil, err
	}
	if l, ok := r.seen[key]; ok && same(l.FileInfo, fi) {
		return l.runs, nil
	}
	object, err := r.server.Object(key)
	if err != nil {
		return nil, err
	}
	l := look{fi, r.archive.Runs(key, object)}
	if len(l.runs) > 0 {
		r.seen[key] = l
	}
	return l.runs, nil
}

// After remembers what the server has confirmed.
func (r *Referee) After(q *s3test.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if q.Method == http.MethodPut && q.Status == http.StatusOK {
		r.confirmed[q.Key] = true
		r.arrived[q.Key] = append(r.arrived[q.Key], r.archive.runsOf(q.Key, q.Sum)...)
	}
}

// parse returns what the manifest names, by the format that the key's group is named after.
func parse(key string, content []byte) (media.Manifest, error) {
	layout := LayoutOf(key)
	if !layout.IsBootstrap(key) {
		return layout.Parse(key, content)
	}
	b, err := media.ParseBootstrap(content)
	if err != nil {
		return media.Manifest{}, fmt.Errorf("bootstrap: %w", err)
	}
	return b.Manifest([]string{"f4v"}), nil
}
