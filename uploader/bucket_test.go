package uploader

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ems-sidecar/media"
	"ems-sidecar/uploader/publish"
)

// A bucket is a Store that watches over the rules: at each PUT of a manifest it checks that all
// that the manifest names is there (R2), that the media sequence does not fall (R3), and for each
// key that no other PUT of it is under way (R3).
type bucket struct {
	t      *testing.T
	layout media.Layout
	// before is asked at the beginning of each PUT; it may wait, and fail it.
	before func(ctx context.Context, key string) error
	// racing is told of each PUT that may have a second request.
	racing func(key string, r Race)
	// beforeDelete is asked at the beginning of each deletion; it may wait, and fail it.
	beforeDelete func(keys []string) error
	// mayRestart lists keys whose media sequence may fall.
	mayRestart map[string]bool
	// mayMiss lists keys that a manifest may name without their being there.
	mayMiss map[string]bool

	// incomparable lists keys whose content the store does not tell.
	incomparable map[string]bool
	// unconditional is a store that does not know conditions.
	unconditional bool
	// host is the name of the host that puts into it.
	host string

	mu        sync.Mutex
	objects   map[string][]byte
	modTimes  map[string]time.Time
	told      map[string]ObjectInfo // of each object: who wrote it, and when
	lists     int                   // requests for listings
	reads     []string              // keys that were read
	headers   map[string]string
	resumable map[string]bool
	// unfinished has the keys of multipart uploads.
	unfinished []string
	puts       []string // keys, in the order in which they were applied
	attempts   map[string]int
	inFlight   map[string]bool
	most       int        // PUTs in flight at once
	deletions  [][]string // keys of each request that was applied
}

func newBucket(t *testing.T, layout media.Layout) *bucket {
	return &bucket{
		t: t, layout: layout, modTimes: map[string]time.Time{}, told: map[string]ObjectInfo{}, host: "here", resumable: map[string]bool{}, incomparable: map[string]bool{},
		objects: map[string][]byte{}, headers: map[string]string{}, attempts: map[string]int{},
		inFlight: map[string]bool{}, mayRestart: map[string]bool{}, mayMiss: map[string]bool{},
	}
}

func (b *bucket) Put(ctx context.Context, o Object) error {
	b.mu.Lock()
	if o.Race != nil && b.racing != nil {
		b.racing(o.Key, o.Race)
	}
	if b.inFlight[o.Key] {
		b.t.Errorf("two PUTs of %s in flight", o.Key)
	}
	b.inFlight[o.Key] = true
	b.attempts[o.Key]++
	b.most = max(b.most, len(b.inFlight))
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		delete(b.inFlight, o.Key)
		b.mu.Unlock()
	}()
	if b.before != nil {
		if err := b.before(ctx, o.Key); err != nil {
			return err
		}
	}
	content, err := io.ReadAll(o.Body)
	if err != nil {
		return err
	}
	if int64(len(content)) != o.Size {
		b.t.Errorf("%s: the size is given as %d, the body has %d", o.Key, o.Size, len(content))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, there := b.objects[o.Key]; there && o.IfAbsent && !b.unconditional {
		return ErrExists
	}
	if b.layoutOf(o.Key).Kind(o.Key).Role == media.ManifestFile {
		b.checkManifest(o.Key, content)
	}
	b.objects[o.Key] = content
	b.headers[o.Key] = o.ContentType + "; " + o.CacheControl
	b.modTimes[o.Key], b.resumable[o.Key] = o.ModTime, o.Resumable
	b.told[o.Key] = ObjectInfo{Host: b.host, Root: o.Root, Sum: o.Sum, Stored: time.Now()}
	b.puts = append(b.puts, o.Key)
	return nil
}

func (b *bucket) checkManifest(key string, content []byte) {
	p, err := b.parse(key, content)
	if err != nil {
		b.t.Errorf("%s is published cut: %v", key, err)
	}
	for r := range p.References() {
		name := relativeTo(key, r.URI)
		if _, ok := b.objects[name]; !ok && name != "" && !b.mayMiss[name] {
			b.t.Errorf("R2: %s is published and names %s, which is not there", key, name)
		}
	}
	if old, err := b.parse(key, b.objects[key]); err == nil && !b.mayRestart[key] && p.Sequence < old.Sequence {
		b.t.Errorf("R3: media sequence of %s falls from %d to %d", key, old.Sequence, p.Sequence)
	}
}

// relativeTo returns the key that a player finds under uri in the manifest key, or "" for an address.
func relativeTo(key, uri string) string {
	if strings.HasPrefix(uri, "/") || strings.Contains(uri, ":") {
		return ""
	}
	uri, _, _ = strings.Cut(uri, "?")
	return path.Join(path.Dir(key), uri)
}

// layoutOf returns the layout for the object key, which may be of another format than the test's.
func (b *bucket) layoutOf(key string) media.Layout {
	if strings.HasSuffix(key, ".mpd") {
		return media.Layout{Format: media.DASH}
	}
	return b.layout
}

func (b *bucket) parse(key string, content []byte) (media.Manifest, error) {
	if !b.layout.IsBootstrap(key) {
		return b.layoutOf(key).Parse(key, content)
	}
	bootstrap, err := media.ParseBootstrap(content)
	return bootstrap.Manifest([]string{"f4v"}), err
}

func (b *bucket) Stat(_ context.Context, key string) (ObjectInfo, bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	content, ok := b.objects[key]
	i := b.told[key]
	i.Size, i.ModTime, i.ETag = int64(len(content)), b.modTimes[key], publish.ETag(publish.MD5(content))
	if i.Stored.IsZero() {
		i.Stored = time.Now()
	}
	return i, ok, nil
}

func (b *bucket) Read(_ context.Context, key string, most int64) (content []byte, found bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reads = append(b.reads, key)
	content, found = b.objects[key]
	if int64(len(content)) > most {
		content = nil
	}
	return content, found, nil
}

func (b *bucket) Same(_ context.Context, key string, body Body, size int64, _ time.Time) (bool, error) {
	content, err := io.ReadAll(body)
	if err != nil {
		return false, err
	}
	if b.incomparable[key] {
		return false, ErrIncomparable
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return int64(len(content)) == size && bytes.Equal(b.objects[key], content), nil
}

// AbortUploads forgets the unfinished uploads that are not kept, as if all were old enough.
func (b *bucket) AbortUploads(_ context.Context, prefix string, _ time.Duration, keep func(string) bool) (n int, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.unfinished = slices.DeleteFunc(b.unfinished, func(key string) bool {
		abort := strings.HasPrefix(key, prefix) && !keep(key)
		if abort {
			n++
		}
		return abort
	})
	return n, nil
}

func (b *bucket) List(_ context.Context, dir, after string, each func(string, ObjectInfo) error) error {
	b.mu.Lock()
	b.lists++
	b.mu.Unlock()
	for _, key := range b.keys() {
		i, found, err := b.Stat(context.Background(), key)
		name, below := strings.CutPrefix(key, dir)
		if found && err == nil && below && key > after && !strings.Contains(name, "/") {
			i.ModTime, i.Host, i.Root, i.Sum = time.Time{}, "", "", "" // listings have no metadata
			err = each(key, i)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *bucket) ListBelow(_ context.Context, dir string, each func(string, ObjectInfo) error) error {
	b.mu.Lock()
	b.lists++
	b.mu.Unlock()
	for _, key := range b.keys() {
		i, found, err := b.Stat(context.Background(), key)
		if !found || err != nil || !strings.HasPrefix(key, dir) {
			continue
		}
		i.ModTime, i.Host, i.Root, i.Sum = time.Time{}, "", "", "" // listings have no metadata
		if err := each(key, i); err != nil {
			return err
		}
	}
	return nil
}

func (b *bucket) Directories(_ context.Context, dir string, each func(string) error) error {
	last := ""
	for _, key := range b.keys() {
		rest, below := strings.CutPrefix(key, dir)
		name, _, deeper := strings.Cut(rest, "/")
		if !below || !deeper || name == last {
			continue
		}
		if last = name; each(dir+name+"/") != nil {
			break
		}
	}
	return nil
}

// Delete checks that no manifest in the bucket names what is deleted (R2), and that no key of it is
// being PUT.
func (b *bucket) Delete(_ context.Context, keys []string) error {
	b.mu.Lock()
	for _, key := range keys {
		if b.inFlight[key] {
			b.t.Errorf("%s is deleted while it is PUT", key)
		}
		b.inFlight[key] = true
	}
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		for _, key := range keys {
			delete(b.inFlight, key)
		}
		b.mu.Unlock()
	}()
	var err error
	if b.beforeDelete != nil {
		err = b.beforeDelete(keys)
	}
	var some *DeleteError
	if err != nil && !errors.As(err, &some) {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	named := map[string]string{}
	for key, content := range b.objects {
		if b.layoutOf(key).Kind(key).Role == media.ManifestFile {
			p, _ := b.parse(key, content)
			for r := range p.References() {
				named[relativeTo(key, r.URI)] = key
			}
		}
	}
	for _, key := range keys {
		if by, ok := named[key]; ok {
			b.t.Errorf("R2: %s is deleted, which %s names", key, by)
		}
		if some == nil || some.Failed[key] == nil {
			delete(b.objects, key)
		}
	}
	b.deletions = append(b.deletions, slices.Sorted(slices.Values(keys)))
	return err
}

// deleted returns the keys of each deletion.
func (b *bucket) deleted() [][]string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.deletions)
}

func (b *bucket) has(key string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, ok := b.objects[key]
	return ok
}

// left returns the keys of unfinished uploads.
func (b *bucket) left() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.unfinished)
}

func (b *bucket) content(key string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(b.objects[key])
}

// header returns the content type and the cache control of the object.
func (b *bucket) header(key string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.headers[key]
}

// order returns the keys in the order in which their PUTs were applied.
func (b *bucket) order() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Join(b.puts, " ")
}

func (b *bucket) atMost() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.most
}

func (b *bucket) keys() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Sorted(maps.Keys(b.objects))
}

func (b *bucket) count(key string) (attempts int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.attempts[key]
}

func (b *bucket) sequence(key string) uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	p, _ := b.parse(key, b.objects[key])
	return p.Sequence
}

// A desk is a disk, an uploader that runs, and a bucket. What happens on the disk is reported by
// the test, as a watcher would.
type desk struct {
	t      *testing.T
	dir    string
	bucket *bucket
	dest   *Destination
	up     *Uploader
	src    *Source
	twin   *Source // of another format, for the same root; nil: there is none
	log    *logBook
	ctx    context.Context
	end    context.CancelFunc
	writes atomic.Int64
	turn   chan struct{} // held while something is reported: a mutex would keep the bubble's clock from moving
}

func (d *desk) report(f func()) {
	d.turn <- struct{}{}
	f()
	<-d.turn
}

// newDesk returns a desk for HLS.
func newDesk(t *testing.T, settings Settings) *desk {
	t.Helper()
	return newDeskFor(t, media.Layout{Format: media.HLS}, settings)
}

func newDeskFor(t *testing.T, layout media.Layout, settings Settings) *desk {
	t.Helper()
	d := &desk{t: t, dir: t.TempDir(), bucket: newBucket(t, layout), log: &logBook{}, turn: make(chan struct{}, 1)}
	if settings.Workers == 0 {
		settings.Workers = 8
	}
	if settings.BulkWorkers == 0 {
		settings.BulkWorkers = 2
	}
	settings.MinThroughput = 64 << 10
	settings.DrainTimeout = 20 * time.Second
	settings.Host = d.bucket.host
	d.up = New(settings, slog.New(d.log))
	d.dest = &Destination{Store: d.bucket, Destination: publish.Destination{Bucket: "b"}}
	d.src = d.up.Source(d.dir, layout, d.dest, d)
	d.ctx, d.end = context.WithCancel(t.Context())
	return d
}

// start runs the uploader until the end of the test's bubble.
func (d *desk) start() (ended chan struct{}) {
	ended = make(chan struct{})
	go func() { d.up.Run(d.ctx); close(ended) }()
	d.t.Cleanup(func() { d.end(); <-ended })
	return ended
}

// Expect implements Expecter as a watcher does on a disk where every file is closed.
func (d *desk) Expect(paths ...string) {
	go func() {
		for _, p := range paths {
			if fi, err := os.Stat(filepath.Join(d.dir, p)); errors.Is(err, fs.ErrNotExist) {
				d.report(func() { d.each(func(src *Source) { src.Absent(d.ctx, p) }) })
			} else if err == nil {
				d.report(func() { d.each(func(src *Source) { src.Closed(d.ctx, p, media.VersionOf(fi)) }) })
			}
		}
	}()
}

// each calls do for each source of the root.
func (d *desk) each(do func(*Source)) {
	do(d.src)
	if d.twin != nil {
		do(d.twin)
	}
}

func (d *desk) write(name, content string) {
	d.t.Helper()
	p := filepath.Join(d.dir, name)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		d.t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(content), 0o644); err != nil {
		d.t.Fatal(err)
	}
	// By the bubble's clock; no two writes have the same time.
	if at := time.Now().Add(time.Duration(d.writes.Add(1))); os.Chtimes(p, at, at) != nil {
		d.t.Fatal("cannot set the time of ", p)
	}
}

// close writes the file and reports it closed. It returns its version.
func (d *desk) close(name, content string) media.Version {
	d.t.Helper()
	d.write(name, content)
	return d.closed(name)
}

func (d *desk) closed(name string) media.Version {
	d.t.Helper()
	fi, err := os.Stat(filepath.Join(d.dir, name))
	if err != nil {
		d.t.Fatal(err)
	}
	d.report(func() { d.each(func(src *Source) { src.Closed(d.ctx, name, media.VersionOf(fi)) }) })
	return media.VersionOf(fi)
}

// names returns how many names the schedule remembers.
func (d *desk) names() int {
	d.t.Helper()
	f, ok := d.up.Figures(d.t.Context())
	if !ok {
		d.t.Error("the uploader has ended")
	}
	return f.Names
}

func (d *desk) remove(name string) {
	d.t.Helper()
	if err := os.Remove(filepath.Join(d.dir, name)); err != nil {
		d.t.Fatal(err)
	}
	d.report(func() { d.each(func(src *Source) { src.Removed(d.ctx, name) }) })
}

// playlist returns a rolling playlist of the segments first to last in EMS's form.
func playlist(first, last int, tail ...string) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "#EXTM3U\r\n#EXT-X-VERSION:3\r\n#EXT-X-TARGETDURATION:4\r\n#EXT-X-MEDIA-SEQUENCE:%d\r\n", first)
	for n := first; n <= last; n++ {
		fmt.Fprintf(&b, "#EXTINF:4.000,\r\n%d.ts\r\n", n)
	}
	for _, line := range tail {
		b.WriteString(line + "\r\n")
	}
	return b.String()
}

// live plays segments of the stream dir as EMS does: the playlist is closed just before the chunk
// that it names last, and the oldest chunk is deleted.
func (d *desk) live(dir string, first, last int, every time.Duration) {
	for n := first; n <= last; n++ {
		d.write(fmt.Sprintf("%s/%d.ts", dir, n), fmt.Sprintf("%s %d", dir, n))
		d.close(dir+"/playlist.m3u8", playlist(max(first, n-4), n))
		d.closed(fmt.Sprintf("%s/%d.ts", dir, n))
		time.Sleep(every) // in a bubble: no time passes
	}
}

// settle lets everything happen that needs no more time.
func settle() { synctest.Wait() }

// A logBook keeps log records.
type logBook struct {
	mu      sync.Mutex
	records []slog.Record
}

func (l *logBook) Enabled(context.Context, slog.Level) bool { return true }
func (l *logBook) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *logBook) WithGroup(string) slog.Handler            { return l }

func (l *logBook) Handle(_ context.Context, r slog.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.records = append(l.records, r)
	return nil
}

// lines returns the records of at least the given level that contain text, as "message key=value
// …".
func (l *logBook) lines(level slog.Level, text string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var lines []string
	for _, r := range l.records {
		line := r.Message
		r.Attrs(func(a slog.Attr) bool { line += " " + a.String(); return true })
		if r.Level >= level && strings.Contains(line, text) {
			lines = append(lines, line)
		}
	}
	return lines
}

// A silentExpecter never answers.
type silentExpecter struct{}

func (silentExpecter) Expect(...string) {}
