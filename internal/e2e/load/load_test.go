//go:build linux

package load

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
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
	"ems-sidecar/internal/emswriter"
	"ems-sidecar/internal/long"
	"ems-sidecar/internal/s3test"
	"ems-sidecar/media"
)

var (
	loadDuration = flag.Duration("load.duration", time.Minute, "how long the load benchmark measures, with each backend and process")
	loadStreams  = flag.Int("load.streams", 50, "rolling streams of the load benchmark")
)

const (
	bitrate    = 2_000_000 // of each stream
	packetSize = 188
	// A stream writes its packets in batches, each packet with a write of its own: a writer that
	// woke up for each of 66,500 packets per second would measure the scheduler.
	writeEvery = 40 * time.Millisecond
)

// A load is a number of rolling streams that are written for some time.
type load struct {
	streams  int
	chunk    time.Duration
	duration time.Duration // that is measured: all streams are being written all the time
}

// chunks returns how many chunks each stream gets. The first stream starts, and the last one ends,
// one chunk's time outside of what is measured.
func (l load) chunks() int { return int((l.duration + 2*l.chunk - 1) / l.chunk) }

// packets returns how many packets a stream has after d.
func packets(d time.Duration) int {
	return int(d.Seconds() * bitrate / 8 / packetSize)
}

// content appends to b[:0] the chunk of that number, from 1, of a stream. Each packet says where it
// belongs.
func (l load) content(b []byte, stream, number int) []byte {
	b = b[:0]
	empty := bytes.Repeat([]byte{0xff}, packetSize)
	for n := packets(time.Duration(number-1) * l.chunk); n < packets(time.Duration(number)*l.chunk); n++ {
		b = append(b, empty...)
		p := b[len(b)-packetSize:]
		p[0] = 0x47
		binary.BigEndian.PutUint32(p[1:], uint32(stream))
		binary.BigEndian.PutUint32(p[5:], uint32(n))
	}
	return b
}

// A loadStream is one stream of a load.
type loadStream struct {
	id     int
	key    string // of its directory
	hls    emswriter.HLS
	chunks []string    // keys
	closed []time.Time // of each chunk: just before the call that closes it, which is some 100 µs too early
	late   []time.Duration
}

// write writes all chunks, the first from start on.
func (s *loadStream) write(l load, start time.Time) error {
	time.Sleep(time.Until(start))
	if err := s.hls.Start(); err != nil {
		return err
	}
	var content []byte
	for number := 1; ; number++ {
		content = l.content(content, s.id, number)
		sent, began := 0, start.Add(time.Duration(number-1)*l.chunk)
		for at := time.Duration(0); at < l.chunk; {
			at = min(at+writeEvery, l.chunk)
			due := began.Add(at)
			time.Sleep(time.Until(due))
			end := int(int64(len(content)/packetSize)*int64(at)/int64(l.chunk)) * packetSize
			if _, err := s.hls.Write(content[sent:end]); err != nil {
				return err
			}
			sent = end
			s.late = append(s.late, time.Since(due))
		}
		s.chunks = append(s.chunks, s.key+"/"+filepath.Base(s.hls.Chunk()))
		s.closed = append(s.closed, time.Now())
		if number == l.chunks() {
			return s.hls.End(l.chunk)
		}
		if err := s.hls.Next(l.chunk); err != nil {
			return err
		}
	}
}

// A figure is one measured value.
type figure struct {
	unit  string
	value float64
}

type figures []figure

func (fs figures) get(unit string) string {
	for _, f := range fs {
		if f.unit == unit {
			return fmt.Sprintf("%.2f", f.value)
		}
	}
	return "-"
}

// run writes the streams below root and measures meanwhile: the CPU time of each process, and what
// all processors had left, in percent of one core, and how far behind its clock the writer was at
// the end of a batch.
func (l load) run(t testing.TB, root string, processes map[string]int) ([]*loadStream, figures) {
	t.Helper()
	var streams []*loadStream
	var all sync.WaitGroup
	start := time.Now().Add(100 * time.Millisecond)
	for id := range l.streams {
		key := fmt.Sprintf("group%d/live", id)
		s := &loadStream{id: id, key: key, hls: emswriter.HLS{Dir: filepath.Join(root, key), Target: l.chunk}}
		streams = append(streams, s)
		e2e.Must(t, emswriter.Master(filepath.Join(root, path.Dir(key)), emswriter.Variant{Stream: "live", Bandwidth: bitrate}))
		// Encoders do not know of each other: neither their chunks nor their batches coincide.
		phase := (l.chunk + writeEvery) / time.Duration(l.streams) * time.Duration(id)
		all.Go(func() {
			if err := s.write(l, start.Add(phase)); err != nil {
				t.Errorf("write %s: %v", key, err)
			}
		})
	}
	sample := func() map[string]time.Duration {
		times := map[string]time.Duration{}
		times["idle"], times["iowait"] = idleTimes(t)
		for name, pid := range processes {
			times[name] = cpuTime(t, pid)
		}
		return times
	}
	time.Sleep(time.Until(start.Add(l.chunk + writeEvery)))
	began, before := time.Now(), sample()
	time.Sleep(l.duration)
	took, after := time.Since(began), sample()
	all.Wait()

	var fs figures
	for name := range before {
		fs = append(fs, figure{name + "-cpu-%", 100 * float64(after[name]-before[name]) / float64(took)})
	}
	slices.SortFunc(fs, func(a, b figure) int { return strings.Compare(a.unit, b.unit) })
	var late []time.Duration
	for _, s := range streams {
		late = append(late, s.late...)
	}
	slices.Sort(late)
	if quantile(late, 0.99) > writeEvery {
		t.Logf("the writer lagged by more than a batch of %v: these figures are of a machine without time for them", writeEvery)
	}
	return streams, append(fs, figure{"late-p99-ms", ms(quantile(late, 0.99))}, figure{"late-max-ms", ms(late[len(late)-1])})
}

func quantile(sorted []time.Duration, q float64) time.Duration {
	return sorted[int(q*float64(len(sorted)-1))]
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// watch measures a process that does nothing but watch.
func (l load) watch(t testing.TB, backend string) figures {
	root := t.TempDir()
	p := startWatchProcess(t, root, backend)
	streams, fs := l.run(t, root, map[string]int{"watcher": p.pid, "writer": os.Getpid()})
	e2e.Eventually(t, "every chunk seen closed", func() bool {
		chunks, _, _ := p.seen()
		return chunks == len(streams)*l.chunks()
	})
	_, events, overflows := p.seen()
	return append(fs, figure{"events", float64(events)}, figure{"overflows", float64(overflows)})
}

// publish measures the daemon, and from its outside the time from the close of a chunk by the
// writer to the store's answer to the first playlist that names it.
func (l load) publish(t testing.TB, backend string) figures {
	server := s3test.Start(t)
	proxy := s3test.NewProxy(t, server)
	root := t.TempDir()
	d := e2e.StartSidecar(t, root, proxy.Endpoint, "Watcher backend = "+backend, "Log level = info")
	streams, fs := l.run(t, root, map[string]int{
		"daemon": d.Cmd.Process.Pid, "store": serverPID(t, server), "writer+proxy": os.Getpid(),
	})
	for _, s := range streams {
		e2e.Eventually(t, "the end of "+s.key+" in the bucket", func() bool {
			b, _ := server.Object(s.key + "/playlist.m3u8")
			return bytes.Contains(b, []byte("#EXT-X-ENDLIST"))
		})
	}
	if code := d.Stop(); code != 0 {
		t.Errorf("exit code %d after SIGTERM", code)
	}
	if l := d.Complaints(); len(l) > 0 {
		t.Errorf("the daemon complains: %q", l)
	}
	puts, visible := map[string]int{}, map[string]time.Time{}
	for _, q := range proxy.Log() {
		if q.Method != http.MethodPut || e2e.IsTrial(q) {
			continue
		}
		puts[q.Key]++
		if q.Status != http.StatusOK {
			t.Errorf("PUT %s: status %d", q.Key, q.Status)
		}
		playlist, _ := media.ParsePlaylist(q.Body) // of a chunk: without references
		for ref := range playlist.References() {
			key := path.Join(path.Dir(q.Key), ref.URI)
			if visible[key].IsZero() {
				visible[key] = q.Ended
			}
		}
	}
	var latency []time.Duration
	var content []byte
	for _, s := range streams {
		for i, key := range s.chunks {
			content = l.content(content, s.id, i+1)
			if got, err := server.Object(key); err != nil || !bytes.Equal(got, content) {
				t.Errorf("%s is not in the bucket as it was written: %d bytes, %v", key, len(got), err)
			}
			if puts[key] != 1 {
				t.Errorf("%s is put %d times", key, puts[key])
			}
			if visible[key].IsZero() {
				t.Errorf("%s is in no published playlist", key)
				continue
			}
			latency = append(latency, visible[key].Sub(s.closed[i]))
		}
	}
	if len(latency) == 0 {
		t.Fatal("nothing was published")
	}
	slices.Sort(latency)
	return append(fs,
		figure{"p50-ms", ms(quantile(latency, 0.5))}, figure{"p99-ms", ms(quantile(latency, 0.99))},
		figure{"max-ms", ms(latency[len(latency)-1])})
}

var loadBackends = []string{"inotify", "fsnotify", "poll"}

// BenchmarkLoad measures what README's table says, with each backend: CPU in percent of one core,
// of a process that only watches and of the whole daemon, and how long a chunk takes to become
// visible. One iteration takes -load.duration, which goes behind the package's name, and a few
// seconds. Streams write 4-second chunks of 2 Mbit/s.
func BenchmarkLoad(b *testing.B) {
	l := load{streams: *loadStreams, chunk: 4 * time.Second, duration: *loadDuration}
	measured := func(b *testing.B, measure func(testing.TB, string) figures, backend string) (fs figures) {
		for b.Loop() {
			fs = measure(b, backend)
		}
		b.ReportMetric(0, "ns/op") // it says nothing
		for _, f := range fs {
			b.ReportMetric(f.value, f.unit)
		}
		return fs
	}
	table := "| backend | watcher alone, % of a core | whole daemon, % of a core | closed to visible p50, ms | p99, ms |\n| --- | --- | --- | --- | --- |\n"
	for _, backend := range loadBackends {
		var watching, publishing figures
		b.Run(backend+"/watcher", func(b *testing.B) { watching = measured(b, l.watch, backend) })
		b.Run(backend+"/daemon", func(b *testing.B) { publishing = measured(b, l.publish, backend) })
		table += fmt.Sprintf("| %s | %s | %s | %s | %s |\n", backend, watching.get("watcher-cpu-%"),
			publishing.get("daemon-cpu-%"), publishing.get("p50-ms"), publishing.get("p99-ms"))
	}
	// A benchmark's log is not shown if it has parts.
	fmt.Printf("%d streams for %v:\n%s", l.streams, l.duration, table)
}

// The benchmark in small: every chunk of a few streams is seen, and gets into the bucket as it is,
// once.
func TestLoadSmoke(t *testing.T) {
	t.Parallel()
	l := load{streams: 5, chunk: time.Second, duration: 3 * time.Second}
	for _, backend := range loadBackends[:long.Or(1, len(loadBackends))] {
		t.Run(backend+"/watcher", func(t *testing.T) { t.Parallel(); t.Log(l.watch(t, backend)) })
		t.Run(backend+"/daemon", func(t *testing.T) { t.Parallel(); t.Log(l.publish(t, backend)) })
	}
}
