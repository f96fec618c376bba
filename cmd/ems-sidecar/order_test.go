package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"ems-sidecar/internal/emswriter"
	"ems-sidecar/internal/s3test"
	"ems-sidecar/media"
)

// A referee stands at the door of the bucket and sees every request: it knows which objects the
// bucket has confirmed, and tests each playlist on its way in.
type referee struct {
	t *testing.T

	mu        sync.Mutex
	confirmed map[string]bool
	sequence  map[string]uint64
	random    *rand.Rand
	delayed   int
}

const chunkDelay = 2 * time.Second

func (r *referee) before(q *s3test.Request, _ http.ResponseWriter) bool {
	r.mu.Lock()
	delay := time.Duration(0)
	switch {
	case q.Method != http.MethodPut:
	case q.Body == nil:
		if r.random.IntN(2) == 0 {
			delay = chunkDelay
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
	p, err := media.ParsePlaylist(q.Body)
	if err != nil {
		r.t.Errorf("%s is published cut: %v\n%s", q.Key, err, q.Body)
		return
	}
	for ref := range p.References() {
		if name := path.Join(path.Dir(q.Key), ref.URI); !r.confirmed[name] {
			r.t.Errorf("%s is published and names %s, which is not in the bucket", q.Key, name)
		}
	}
	if old, ok := r.sequence[q.Key]; ok && p.Sequence < old {
		r.t.Errorf("the media sequence of %s goes back from %d to %d", q.Key, old, p.Sequence)
	}
	r.sequence[q.Key] = p.Sequence
}

func (r *referee) after(q *s3test.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if q.Method == http.MethodPut && q.Status == http.StatusOK {
		r.confirmed[q.Key] = true
	}
}

// A viewer reads playlists from the bucket as fast as it can and looks for what they name.
func viewer(t *testing.T, server *s3test.Server, keys []string, stop <-chan struct{}) (looks int) {
	for {
		for _, key := range keys {
			select {
			case <-stop:
				return looks
			default:
			}
			b, err := server.Object(key)
			if err != nil {
				continue // not published yet
			}
			looks++
			p, err := media.ParsePlaylist(b)
			if err != nil {
				t.Errorf("a viewer reads %s and cannot use it: %v", key, err)
				continue
			}
			for ref := range p.References() {
				if _, err := os.Stat(filepath.Join(server.Dir, path.Dir(key), ref.URI)); err != nil {
					t.Errorf("a viewer reads %s and does not find %s", key, ref.URI)
				}
			}
		}
		time.Sleep(10 * time.Millisecond) // leaves the processor to those who are watched
	}
}

// An encoder plays one stream and remembers what it wrote.
type encoder struct {
	hls    emswriter.HLS
	key    string // the stream's directory, below the root
	chunks map[string][sha256.Size]byte
}

const (
	chunkDuration = 2 * time.Second
	packetBatch   = 100 * time.Millisecond
	packetsPer    = 40 // in a batch: about 600 kbit/s
)

func (e *encoder) play(d time.Duration) error {
	if err := e.hls.Start(); err != nil {
		return err
	}
	tick := time.NewTicker(packetBatch)
	defer tick.Stop()
	end := time.Now().Add(d)
	for n := 0; ; {
		name, content := filepath.Base(e.hls.Chunk()), sha256.New()
		for range chunkDuration / packetBatch {
			<-tick.C
			for range packetsPer {
				p := emswriter.Packet(e.key, n)
				n++
				content.Write(p)
				if _, err := e.hls.Write(p); err != nil {
					return err
				}
			}
		}
		e.chunks[e.key+"/"+name] = [sha256.Size]byte(content.Sum(nil))
		if time.Now().After(end) {
			return e.hls.End(chunkDuration)
		}
		if err := e.hls.Next(chunkDuration); err != nil {
			return err
		}
	}
}

// Ten rolling and ten appending streams, and a bucket that takes its time for a random half of the
// chunks: no viewer may ever meet a playlist that names what is not there.
func TestOrder(t *testing.T) {
	t.Parallel()
	duration := time.Minute
	if testing.Short() {
		duration = 10 * time.Second
	}
	server := s3test.Start(t)
	proxy := s3test.NewProxy(t, server)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := &referee{
		t: t, confirmed: map[string]bool{}, sequence: map[string]uint64{}, random: rand.New(rand.NewPCG(seed, 0)),
	}
	proxy.Before, proxy.After = r.before, r.after
	root := t.TempDir()
	side := startSidecar(t, root, proxy.Endpoint)

	var encoders []*encoder
	var playlists []string
	for n := range 20 {
		group := fmt.Sprintf("group%d", n)
		key := group + "/live"
		encoders = append(encoders, &encoder{
			hls: emswriter.HLS{Dir: filepath.Join(root, key), Appending: n >= 10, Target: chunkDuration},
			key: key, chunks: map[string][sha256.Size]byte{},
		})
		playlists = append(playlists, group+"/playlist.m3u8", key+"/playlist.m3u8")
		if err := emswriter.Master(filepath.Join(root, group), emswriter.Variant{Stream: "live"}); err != nil {
			t.Fatal(err)
		}
	}
	stopViewer, looks := make(chan struct{}), make(chan int)
	go func() { looks <- viewer(t, server, playlists, stopViewer) }()
	var all sync.WaitGroup
	for _, e := range encoders {
		all.Go(func() {
			if err := e.play(duration); err != nil {
				t.Errorf("%s: %v", e.key, err)
			}
		})
	}
	all.Wait()

	for _, key := range playlists {
		side.waitFor(key+" in the bucket as on disk", func() bool {
			disk, err := os.ReadFile(filepath.Join(root, key))
			if err != nil {
				t.Fatal(err)
			}
			got, _ := server.Object(key)
			return bytes.Equal(got, disk) && (strings.Count(key, "/") == 1 || bytes.Contains(got, []byte("#EXT-X-ENDLIST")))
		})
	}
	close(stopViewer)
	chunks := 0
	for _, e := range encoders {
		for key, sum := range e.chunks {
			chunks++
			if got, err := server.Object(key); err != nil || sha256.Sum256(got) != sum {
				t.Errorf("%s is not in the bucket as it was written: %d bytes, %v", key, len(got), err)
			}
		}
	}
	sent := map[string]int{}
	for _, q := range proxy.Log() {
		if q.Method == http.MethodPut && q.Body == nil {
			if sent[q.Key]++; sent[q.Key] == 2 {
				t.Errorf("%s is sent twice", q.Key)
			}
		}
	}
	if len(sent) != chunks {
		t.Errorf("%d chunks are sent, %d were written", len(sent), chunks)
	}
	if code := side.stop(); code != 0 {
		t.Errorf("exit code %d after SIGTERM", code)
	}
	if warnings := side.complaints(); len(warnings) > 0 {
		t.Errorf("warnings in a run without a fault: %q", warnings)
	}
	t.Logf("%d chunks, %d of them delayed by %v; %d looks of a viewer", chunks, r.delayed, chunkDelay, <-looks)
}
