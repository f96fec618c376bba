package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// TestMain lets the test's binary be the floor, as the bench's is.
func TestMain(m *testing.M) {
	if at := os.Getenv(floorVariable); at != "" {
		main()
	}
	os.Exit(m.Run())
}

// The daemon and the floor upload the same load over TLS. Of the figures, only those are judged that
// must hold on any machine.
func TestSmoke(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	profile := filepath.Join(dir, "profile")
	o, err := parse([]string{"-streams", "3", "-chunk", "500ms", "-size", "20000", "-warm", "1s", "-measure", "2s",
		"-settle", "500ms", "-tools", "sidecar,floor", "-rounds", "1", "-profile", profile})
	if err != nil {
		t.Fatal(err)
	}
	tools, err := o.choose(dir)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := newCertificate()
	if err != nil {
		t.Fatal(err)
	}
	for _, of := range tools {
		t.Run(of.name, func(t *testing.T) {
			t.Parallel()
			r, err := o.plan.run(of, certificate)
			if err != nil {
				t.Fatal(err)
			}
			if r.Chunks < 3 || r.Requests.Put < r.Chunks || r.Memory == 0 || r.Playlists == 0 {
				t.Errorf("nothing was measured: %+v", r)
			}
			if of.name == "sidecar" && (r.Early > 0 || r.Partial > 0 || r.Lost > 0 || r.Unlisted > 0) {
				t.Errorf("the daemon broke a rule: %+v", r)
			}
			if of.name == "sidecar" {
				if i, err := os.Stat(profile); err != nil || i.Size() == 0 {
					t.Errorf("the daemon wrote no profile: %v", err)
				}
			}
			r.Tool, r.Scheme = of.name, "https"
			var report bytes.Buffer
			write(&report, []result{r}, columnsOf(nil), true)
			if lines := strings.Split(strings.TrimSpace(report.String()), "\n"); len(lines) != 3 ||
				strings.Count(lines[0], "|") != strings.Count(lines[2], "|") {
				t.Errorf("the table is\n%s", &report)
			}
		})
	}
}

// A playlist that is too long to be kept, and content that breaks off, are no successes: a tool would
// count them as uploaded.
func TestStoreKeepsOnlyWholeObjects(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]io.Reader{
		"too long":   strings.NewReader(strings.Repeat("x", maxPlaylist+1)),
		"breaks off": iotest.ErrReader(io.ErrUnexpectedEOF),
	} {
		s, w := newStore(newAccount()), httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(http.MethodPut, "/live/s/live.m3u8", content))
		if w.Code != http.StatusBadRequest || len(s.objects) > 0 || s.account.soFar().Failed != 1 {
			t.Errorf("%s: %d, %d objects", name, w.Code, len(s.objects))
		}
	}
}

// As S3, the store repeats the CRC32 that it has compared, and keeps nothing of other content.
func TestStoreComparesChecksums(t *testing.T) {
	t.Parallel()
	const content = "content"
	for _, c := range []struct {
		name, sum string
		status    int
	}{
		{"X-Amz-Checksum-Crc32", "/sUwqQ==", http.StatusOK},
		{"X-Amz-Checksum-Crc32", "AAAAAA==", http.StatusBadRequest},
		{"Content-Md5", "mgNkuembtIDdJeHwKEyFVQ==", http.StatusOK},
		{"Content-Md5", "1B2M2Y8AsgTpgAmY7PhCfg==", http.StatusBadRequest},
	} {
		s, w := newStore(newAccount()), httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodPut, "/live/s/1.ts", strings.NewReader(content))
		r.Header.Set(c.name, c.sum)
		s.ServeHTTP(w, r)
		isStored := w.Code == http.StatusOK
		if w.Code != c.status || (len(s.objects) == 1) != isStored || isStored && w.Header().Get(crc32Header) !=
			r.Header.Get(crc32Header) || !isStored && !strings.Contains(w.Body.String(), "BadDigest") {
			t.Errorf("%s: %s: %d, %v, %s", c.name, c.sum, w.Code, w.Header(), w.Body)
		}
	}
}

// A chunk that the writer closes later is no whole object, and a playlist that comes before its
// chunk is noticed.
func TestAccountNoticesWhatViewersWouldMeet(t *testing.T) {
	t.Parallel()
	a := newAccount()
	begin := time.Now()
	playlist := []byte("#EXTM3U\n#EXTINF:2,\n1.ts\n")
	a.stored("s/1.ts", 1, sum{1}, nil) // it is still being written
	a.closing(chunk{key: "s/1.ts", size: 2, content: sum{2}})
	a.stored("s/live.m3u8", 24, sum{}, playlist)
	a.stored("s/1.ts", 2, sum{3}, nil) // not its content
	a.stored("s/1.ts", 2, sum{2}, nil)
	a.stored("s/live.m3u8", 24, sum{}, playlist)
	a.closing(chunk{key: "s/2.ts", size: 2, content: sum{4}})
	if playlists, early, partial := a.violations(); playlists != 2 || early != 1 || partial != 2 {
		t.Errorf("%d playlists, %d too early, %d partial objects; want 2, 1 and 2", playlists, early, partial)
	}
	r := newResult(a, begin, time.Now(), time.Now().Add(time.Minute))
	if r.Chunks != 2 || r.Lost != 1 || r.Unlisted != 1 || r.Bytes != 4 || r.Listed.P99 < 59*time.Second {
		t.Errorf("%+v", r)
	}
}

func TestDelayHasItsQuantiles(t *testing.T) {
	t.Parallel()
	var d delay
	if err := d.Set("lognormal:60ms,270ms"); err != nil {
		t.Fatal(err)
	}
	all := make([]time.Duration, 100_000)
	for i := range all {
		all[i] = d.draw()
	}
	p := percentilesOf(all)
	if ms(p.P50) < 55 || ms(p.P50) > 65 || ms(p.P99) < 240 || ms(p.P99) > 300 {
		t.Errorf("p50 %v, p99 %v", p.P50, p.P99)
	}
	for _, text := range []string{"", "fixed:", "fixed:1s,2s", "lognormal:60ms", "lognormal:60ms,270ms,2%", "60ms"} {
		if err := new(delay).Set(text); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}

func TestLimiterHasASecondsWorth(t *testing.T) {
	t.Parallel()
	l, now := &limiter{rate: 2}, time.Now()
	for i, want := range []bool{true, true, false} {
		if got := l.allows("a", now); got != want {
			t.Errorf("PUT %d: %v", i+1, got)
		}
	}
	later := now.Add(500 * time.Millisecond)
	if !l.allows("b", now) || !l.allows("a", later) || l.allows("a", later) {
		t.Error("a name has not its own rate")
	}
}

// A tool is named by any word of its name, and one that does not exist is a mistake.
func TestToolsAreNamedByAWord(t *testing.T) {
	for word, want := range map[string]string{"s5cmd": "inotifywait, s5cmd run", "mc": "mc mirror --watch"} {
		if i := slices.IndexFunc(peers(), isCalled(word)); i < 0 || peers()[i].name != want {
			t.Errorf("%s is the peer %d, want %q", word, i, want)
		}
	}
	if _, err := (options{tools: "floor,s4cmd"}).choose(t.TempDir()); err == nil {
		t.Error("a tool that does not exist is left out")
	}
}
