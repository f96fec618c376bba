package environment

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ems-sidecar/emsapi/emstest"
	"ems-sidecar/internal/e2e"
	"ems-sidecar/internal/long"
	"ems-sidecar/internal/s3test"
)

var attackTime = long.Duration("attack-time", 5*time.Second, 10*time.Second, "how long TestAttack attacks; the quiet phase before it lasts a third of that")

const (
	// canary is in files outside the roots, and in those inside that no manifest names and that are
	// not media. None of it may leave this host.
	canary = "CANARY-6f1d2c9b"
	// attackMemory is the most that the daemon may take.
	attackMemory = 256 << 20
	// attackLag is how much larger the 99th percentile of the lag may be than in the quiet phase.
	// It is judged only in a long run, in which both phases have thousands of chunks.
	attackLag       = 1.2
	attackLagJudged = 5 * time.Minute
)

// An attack is what all attackers share.
type attack struct {
	t       *testing.T
	root    string
	outside string // a directory with the canary in it
	stop    chan struct{}
	done    sync.WaitGroup
	trap    *trap
}

// every calls strike again and again, with a pause after each call, until the attack ends.
func (a *attack) every(pause time.Duration, strike func(random *rand.Rand, n int)) {
	random := rand.New(rand.NewPCG(rand.Uint64(), 0))
	a.done.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-a.stop:
				return
			case <-time.After(pause):
				strike(random, n)
			}
		}
	})
}

// 20 streams run while a publisher, a host of the network, a local user, a store, the media server
// and a member of its group attack. The order of publishing holds, no byte from outside the roots
// leaves the host, nothing is deleted that should stay, memory is bounded, and viewers notice
// nothing.
func TestAttack(t *testing.T) {
	t.Parallel()
	const member = "127.0.0.47"
	e2e.Free(t, member+":7777")
	random := e2e.NewRandom(t)
	s := e2e.NewSite(t, 20, e2e.LivePace)
	// What attackers write is not judged as the 20 streams are: it names what is not there.
	s.Proxy.Before = func(q *s3test.Request, w http.ResponseWriter) bool {
		return strings.HasPrefix(q.Key, "evil/") || s.Referee.Before(q, w)
	}
	s.Referee.Mirror = true
	a := &attack{t: t, root: s.Root, outside: filepath.Join(t.TempDir(), "private"), stop: make(chan struct{}), trap: newTrap(t)}
	e2e.Put(t, a.outside, "server.key", canary)
	e2e.Put(t, a.outside, "segment_1.ts", canary)
	e2e.Put(t, a.outside, "playlist.m3u8", e2e.M3u8("segment_1.ts")+"#"+canary)

	hooks, recordings := e2e.FreeAddress(t), t.TempDir()
	server := e2e.StartServer(t, emstest.Settings{Sink: "http://" + hooks + "/evowebservices/", Second: 100 * time.Millisecond})
	cameras := []string{"camera without sound", "camera-2"}
	var alive []*emstest.Published
	for _, name := range cameras {
		p, err := server.Publish(name, emstest.Publisher{})
		e2e.Must(t, err)
		alive = append(alive, p)
	}
	ems := newHostileEMS(a, server.URL(), "127.0.0.1:0")
	newHostileEMS(a, server.URL(), member+":7777")
	store := newHostileStore(a)

	s.Side = e2e.NewSidecar(t, s.Root, s.Proxy.Endpoint, append(s.Sections(),
		"S3 delete = mirror", "S3 delete_delay = 2s",
		"AmazonRecordUpload watch_dir = '"+recordings+"'", "AmazonRecordUpload endpoint = '"+store+"'",
		"AmazonRecordUpload delete = keep", "AmazonRecordUpload delete_local = after_upload",
		"EMS api_url = '"+ems+"'", "EMS reconcile_interval = 2s", "EMS timeout = 2s",
		"Hooks listen = "+hooks,
		"StreamRecorder file_location = '"+recordings+"'", "StreamRecorder period_time = 60",
		"StreamLoadBalancer destination_uri[] = "+member,
		"TranscodeResetter video = on",
	)...)
	s.Ready()
	s.View()
	e2e.Put(t, s.Root, "hls900/s/segment_1.ts", "stays")
	e2e.Put(t, s.Root, "hls900/s/playlist.m3u8", e2e.M3u8("segment_1.ts")+"#EXT-X-ENDLIST\r\n")
	e2e.Put(t, recordings, "kept.ts", "a recording")

	s.Play(random, 15*time.Second)
	s.BecomesCurrent(time.Now(), e2e.RecoveryTime)
	time.Sleep(attackTime() / 3) // the quiet phase
	quiet := lags(s.Side.Lines("msg=published stream="))

	a.attackFiles()
	a.attackListeners(hooks, s.Side.Admin)
	time.Sleep(attackTime()) // the attack
	all := lags(s.Side.Lines("msg=published stream="))
	close(a.stop)
	a.done.Wait()
	attacked := all[len(quiet):]

	s.End()
	late := long.Or(0, e2e.MssPatience) // the last MSS chunks of a stream take a minute
	s.CatchesUp(time.Now().Add(late), late+e2e.RecoveryTime)
	s.BecomesCurrent(time.Now(), e2e.RecoveryTime)
	s.Unview()
	peak := s.Side.PeakMemory()
	if peak > attackMemory {
		t.Errorf("the daemon took %d MiB, want at most %d", peak>>20, int64(attackMemory)>>20)
	}
	if code := s.Side.Stop(); code != 0 {
		t.Errorf("exit code %d after SIGTERM", code)
	}
	for i, p := range alive {
		select {
		case <-p.Done():
			t.Errorf("%s was ended", cameras[i])
		default:
		}
	}
	if _, err := os.Stat(filepath.Join(recordings, "kept.ts")); err != nil {
		t.Errorf("a recording is deleted although no store has proved to have it: %v", err)
	}
	for _, key := range []string{"hls900/s/segment_1.ts", "hls900/s/playlist.m3u8"} {
		if _, err := s.Server.Object(key); err != nil {
			t.Errorf("what is on the disk is not in the bucket: %v", err)
		}
	}
	a.nothingOutside(s)
	for _, back := range s.Referee.Setbacks {
		t.Errorf("the bucket went back: %v", back)
	}
	q, w := percentile(quiet, 99), percentile(attacked, 99)
	if attackTime() >= attackLagJudged && float64(w) > attackLag*float64(q) {
		t.Errorf("the 99th percentile of the lag is %v under attack and %v in the quiet phase", w, q)
	}
	t.Logf("%d manifests judged at the door; lag p50 %v and p99 %v of %d in the quiet phase, %v and %v of %d under attack; %d MiB at most",
		s.Referee.Judged, percentile(quiet, 50), q, len(quiet), percentile(attacked, 50), w, len(attacked), peak>>20)
	t.Logf("log lines: %v", kinds(s.Side.Lines("msg=")))
}

// nothingOutside tests that no byte from outside the roots has left the host, and no secret.
func (a *attack) nothingOutside(s *e2e.Site) {
	a.t.Helper()
	err := filepath.WalkDir(s.Server.Dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(p)
		if bytes.Contains(b, []byte(canary)) {
			a.t.Errorf("%s in the bucket has what is not published", p)
		}
		return err
	})
	e2e.Must(a.t, err)
	a.trap.judge()
	for _, secret := range []string{canary, s3test.SecretKey, "Signature="} {
		if l := s.Side.Lines(secret); len(l) > 0 {
			a.t.Errorf("the log has a secret: %q", l[0])
		}
	}
}

var lagAttr = regexp.MustCompile(`\blag=(\S+)`)

// lags returns the lags in the log lines, in their order.
func lags(lines []string) (all []time.Duration) {
	for _, l := range lines {
		if m := lagAttr.FindStringSubmatch(l); m != nil && !strings.Contains(l, "stream=evil") {
			if d, err := time.ParseDuration(m[1]); err == nil {
				all = append(all, d)
			}
		}
	}
	return all
}

// percentile returns the p-th percentile, or 0 of none.
func percentile(all []time.Duration, p int) time.Duration {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	return sorted[min(len(sorted)-1, len(sorted)*p/100)].Round(time.Millisecond)
}

var messageAttr = regexp.MustCompile(`\blevel=(\S+) msg=("[^"]*"|\S+)`)

// kinds counts log lines by level and message, and shows the first of each failure.
func kinds(lines []string) string {
	n, first := map[string]int{}, map[string]string{}
	for _, l := range lines {
		if m := messageAttr.FindStringSubmatchIndex(l); m != nil && l[m[2]:m[3]] != "DEBUG" {
			kind := l[m[2]:m[3]] + " " + l[m[4]:m[5]]
			if n[kind]++; n[kind] == 1 && l[m[2]:m[3]] != "INFO" {
				first[kind] = l[m[5]:min(len(l), m[5]+400)]
			}
		}
	}
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(n)) {
		fmt.Fprintf(&b, "\n%6d %s%s", n[k], k, first[k])
	}
	return b.String()
}

// attackListeners is a host of the network: connections that say nothing or never end, requests
// that are none, forged events, and a browser that was led here by a name.
func (a *attack) attackListeners(hooks, admin string) {
	for _, address := range []string{hooks, admin} {
		a.every(200*time.Millisecond, func(random *rand.Rand, n int) {
			conn, err := net.DialTimeout("tcp", address, time.Second)
			if err != nil {
				return // all places are taken
			}
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(time.Second))
			switch n % 6 {
			case 0: // says nothing for a while
				time.Sleep(300 * time.Millisecond)
			case 1:
				fmt.Fprintf(conn, "POST /evowebservices/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n")
				conn.Write(bytes.Repeat([]byte("{"), 4<<20))
			case 2:
				fmt.Fprintf(conn, "GET /%s HTTP/1.1\r\n", strings.Repeat("a", 1<<20))
			case 3:
				for range 1000 {
					fmt.Fprintf(conn, "X-%d: %s\r\n", random.IntN(1000), strings.Repeat("h", 1000))
				}
			case 4: // as a page does that the operator opened, by a name that leads here
				fmt.Fprintf(conn, "GET /readyz HTTP/1.1\r\nHost: evil.example\r\nOrigin: http://evil.example\r\n\r\n")
			case 5:
				conn.Write([]byte{0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3})
			}
			conn.Read(make([]byte, 1000))
		})
	}
	a.every(100*time.Millisecond, func(random *rand.Rand, n int) {
		conn, err := net.DialTimeout("tcp", hooks, time.Second)
		if err != nil {
			return
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(time.Second))
		body := forgedEvents(a, random)[n%8]
		fmt.Fprintf(conn, "POST /evowebservices/ HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		conn.Read(make([]byte, 1000))
	})
}

// forgedEvents are events that only the media server may send.
func forgedEvents(a *attack, random *rand.Rand) []string {
	id := 1 + random.IntN(40)
	return []string{
		fmt.Sprintf(`{"id":0,"type":"audioFeedStopped","payload":{"id":%d}}`, id),
		fmt.Sprintf(`{"id":%d,"type":"videoFeedStopped","processId":1,"payload":{"id":%d,"localStreamName":"camera-2"}}`, random.IntN(1e6), id),
		fmt.Sprintf(`{"id":%d,"type":"hlsChunkClosed","payload":{"file":%q}}`, random.IntN(1e6), filepath.Join(a.outside, "segment_1.ts")),
		fmt.Sprintf(`{"id":%d,"type":"hlsChunkClosed","payload":{"file":%q}}`, random.IntN(1e6), a.root+"/evil/../../private/server.key"),
		fmt.Sprintf(`{"id":%d,"type":"inStreamCreated","payload":{"name":"../../etc\r\nshutdownServer","uniqueId":%d,"type":"INR"}}`, random.IntN(1e6), id),
		fmt.Sprintf(`{"id":%d,"type":"timerTriggered","payload":{"timerId":%d}}`, random.IntN(1e6), id),
		`{"id":1,"type":"` + strings.Repeat("x", 100_000) + `"}`,
		strings.Repeat("[", 100_000),
	}
}
